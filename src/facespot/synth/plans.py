"""A preset and a seed go in, a plan of every video comes out: the same whoever makes it, and in whatever order."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from facespot.synth.presets import Preset

_PURPOSES = ("appearance", "camera", "script", "noise", "settings", "flow")
Choice = TypeVar("Choice")


@dataclass(frozen=True)
class VideoPlan:
    """Settings of one video.

    Parameters
    ----------
    id, subject : str
    subject_number, video_number : int
        From 0.
    fps : float
    n_frames : int
    width, height : int
        Pixels.
    crf : int
        Constant rate factor of H.264.
    noise : float
        Standard deviation of the camera's noise in levels of 255.
    grey : bool
    flicker : float
        Depth of the mains' flicker, 0..1.
    subframes : int
        Pictures averaged into one frame.
    entropy : tuple of int
        What all chance in the video comes from.
    """

    id: str
    subject: str
    subject_number: int
    video_number: int
    fps: float
    n_frames: int
    width: int
    height: int
    crf: int
    noise: float
    grey: bool
    flicker: float
    subframes: int
    entropy: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """Length of the video."""
        return self.n_frames / self.fps

    def rng(self, purpose: str) -> np.random.Generator:
        """Chance of this video for one purpose."""
        return _generator(self.entropy, (1, self.subject_number, self.video_number, _PURPOSES.index(purpose)))

    def subject_rng(self, purpose: str) -> np.random.Generator:
        """Chance that all videos of the subject share."""
        return _generator(self.entropy, (0, self.subject_number, _PURPOSES.index(purpose)))

    def document(self) -> dict[str, Any]:
        """As it is written to JSON."""
        return {**asdict(self), "entropy": list(self.entropy)}


def plan_videos(preset: Preset, seed: int) -> tuple[VideoPlan, ...]:
    """Every video of a corpus, in order.

    >>> from facespot.synth.presets import PRESETS
    >>> [plan.id for plan in plan_videos(PRESETS["tiny"], 1)]
    ['s01_v1', 's02_v1', 's03_v1']
    """
    # The name belongs to the seed, so that no two presets share a face.
    entropy = (seed, zlib.crc32(preset.name.encode()))
    digits = max(2, len(str(preset.subjects)))
    plans = []
    for subject in range(preset.subjects):
        for video in range(preset.videos):
            settings = _generator(entropy, (1, subject, video, _PURPOSES.index("settings")))
            fps = _choose(preset.frame_rates, settings)
            width, height = _choose(preset.sizes, settings)
            name = f"s{subject + 1:0{digits}d}"
            plans.append(
                VideoPlan(
                    id=f"{name}_v{video + 1}",
                    subject=name,
                    subject_number=subject,
                    video_number=video,
                    fps=fps,
                    n_frames=max(1, round(preset.seconds * fps)),
                    width=width,
                    height=height,
                    crf=int(settings.integers(preset.crf[0], preset.crf[1] + 1)),
                    noise=round(float(settings.uniform(*preset.noise)), 3),
                    grey=bool(settings.random() < preset.grey),
                    # Slower cameras expose over whole periods of the mains.
                    flicker=round(float(settings.uniform(0.0, preset.flicker)), 3) if fps >= 60 else 0.0,
                    subframes=preset.subframes if fps <= 30 else 1,
                    entropy=entropy,
                )
            )
    return tuple(plans)


def _choose(shares: Mapping[Choice, float], rng: np.random.Generator) -> Choice:
    choices = list(shares)
    parts = np.array([shares[one] for one in choices])
    return choices[int(rng.choice(len(choices), p=parts / parts.sum()))]


def _generator(entropy: tuple[int, ...], key: tuple[int, ...]) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=key))
