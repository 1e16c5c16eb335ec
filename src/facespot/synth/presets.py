"""Named corpora: how many people, what videos, how much happens in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from facespot.errors import SettingsError
from facespot.synth import distributions

HAPPENINGS = MappingProxyType(
    {
        "gaze": 7.0,
        "nod": 1.2,
        "light": 0.8,
        "lip press": 1.5,
        "swallow": 1.0,
        "talking": 1.2,
        "turn": 1.0,
        "hand": 0.4,
        "leaving": 0.1,
    }
)
"""Distractors beside blinks, how often a minute. Ours: corpora do not count them."""

# As in SAMM Long Videos: 343 and 159 in 147 videos of 35.5 s on average (He et al. 2020, arXiv 1912.11985).
MACRO_A_MINUTE, MICRO_A_MINUTE = 4.0, 1.9


@dataclass(frozen=True)
class Preset:
    """Settings of a corpus.

    Parameters
    ----------
    name, purpose : str
    subjects, videos : int
        Number of people, and of videos of each.
    seconds : float
        Length of a video.
    seed : int
        Default seed.
    frame_rates : mapping from float to float
        Frames per second to their share of the videos.
    sizes : mapping from (width, height) to float
        Pictures in pixels to their share.
    crf : tuple of int
        Lowest and highest constant rate factor of H.264: 0 is best, 51 worst.
    noise : tuple of float
        Lowest and highest standard deviation of the camera's noise in levels of 255.
    flicker : float
        Greatest depth of the mains' flicker, in videos of 60 frames per second and more.
    grey : float
        Share of grey videos, as SAMM's are.
    macro_a_minute, micro_a_minute : float
        Mean number of expressions; the number in a video is Poisson distributed.
    counts : tuple of int, optional
        Macro- and micro-expressions of every video, in place of the means.
    without_expression : float
        Share of videos without any, beside those in which chance puts none.
    overlapping : float
        Probability that an expression begins during another one of its type.
    blinks_a_minute : float
    happenings_a_minute : mapping from str to float
        The other distractors.
    sway : float
        Factor on the movement of the head.
    subframes : int
        Pictures averaged into one frame at 30 per second or less: motion blur.
    flow_pairs : int
        Pairs of frames of each video whose exact optical flow is written.
    """

    name: str
    purpose: str
    subjects: int
    videos: int
    seconds: float
    seed: int
    frame_rates: Mapping[float, float] = field(default_factory=lambda: {30: 1.0})
    sizes: Mapping[tuple[int, int], float] = field(default_factory=lambda: {(320, 320): 1.0})
    crf: tuple[int, int] = (18, 18)
    noise: tuple[float, float] = (1.0, 1.0)
    flicker: float = 0.0
    grey: float = 0.0
    macro_a_minute: float = MACRO_A_MINUTE
    micro_a_minute: float = MICRO_A_MINUTE
    counts: tuple[int, int] | None = None
    without_expression: float = 0.03
    overlapping: float = distributions.OVERLAPPING_PAIRS
    blinks_a_minute: float = distributions.BLINKS_A_MINUTE
    happenings_a_minute: Mapping[str, float] = field(default_factory=lambda: dict(HAPPENINGS))
    sway: float = 1.0
    subframes: int = 1
    flow_pairs: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("subjects", 1, 10_000), ("videos", 1, 1000), ("seconds", 2.0, 36_000.0), ("subframes", 1, 16),
            ("flow_pairs", 0, 1000), ("seed", 0, 2**63 - 1),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError(name, f"{value} is not between {low} and {high}", "choose another value")
        for rate in self.frame_rates:
            if not 10 <= rate <= 240:
                raise SettingsError("frame rate", f"{rate} is not between 10 and 240", "choose 25, 30, 60, 100 or 200")
        for width, height in self.sizes:
            if not (min(width, height) >= 256 and max(width, height) <= 1920) or width % 2 or height % 2:
                raise SettingsError(
                    "size", f"{width}x{height} is not even and between 256 and 1920", "choose another, such as 320x320"
                )
        low, high = self.crf
        if not 0 <= low <= high <= 51:
            raise SettingsError("crf", f"{low} to {high} is not between 0 and 51", "choose 14 to 28")


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        one.name: one
        for one in (
            Preset(
                "tiny",
                "seconds to make, for tests and a first look",
                subjects=3,
                videos=1,
                seconds=6.0,
                seed=1,
                sizes={(256, 256): 1.0},
                counts=(1, 1),
                happenings_a_minute={"gaze": 6.0, "swallow": 3.0, "nod": 2.0},
                flow_pairs=1,
            ),
            Preset(
                "bench-v1",
                "the open benchmark: small enough for leave-one-subject-out with every method on two cores",
                subjects=16,
                videos=3,
                seconds=30.0,
                seed=20,
                crf=(18, 23),
                noise=(0.8, 1.8),
                flow_pairs=5,
            ),
            Preset(
                "clips-v1",
                "short videos with one micro-expression each, as CASME II and SMIC: apex spotting and recognition",
                subjects=16,
                videos=8,
                seconds=2.0,
                seed=40,
                frame_rates={60: 1.0},
                crf=(18, 23),
                noise=(0.8, 1.8),
                counts=(0, 1),
            ),
            Preset(
                "train-v1",
                "training: many other people, all frame rates, sizes and qualities",
                subjects=160,
                videos=2,
                seconds=15.0,
                seed=1000,
                frame_rates={25: 0.25, 30: 0.35, 60: 0.2, 100: 0.1, 200: 0.1},
                sizes={
                    (256, 256): 0.32,
                    (320, 320): 0.34,
                    (384, 384): 0.14,
                    (480, 360): 0.08,
                    (640, 480): 0.07,
                    (720, 720): 0.03,
                    (1280, 720): 0.01,
                    (1080, 1080): 0.01,
                },
                crf=(14, 28),
                noise=(0.3, 3.5),
                flicker=0.15,
                grey=0.2,
                macro_a_minute=8.0,
                micro_a_minute=8.0,
                without_expression=0.05,
                sway=1.3,
                subframes=2,
            ),
            Preset(
                "train-v2",
                "training: other people who show far more micro-expressions; 'facespot synth degrade' makes it worse",
                subjects=48,
                videos=2,
                seconds=15.0,
                seed=4000,
                crf=(14, 22),
                noise=(0.3, 2.0),
                grey=0.1,
                macro_a_minute=8.0,
                micro_a_minute=26.0,
                without_expression=0.05,
                sway=1.3,
            ),
            Preset(
                "heldout-v1",
                "the test of the shipped weights: yet other people; 'facespot bench' makes the worse recordings",
                subjects=16,
                videos=2,
                seconds=15.0,
                seed=2000,
                crf=(16, 20),
                noise=(0.6, 1.6),
                macro_a_minute=8.0,
                micro_a_minute=8.0,
            ),
            Preset(
                "calm-v1",
                "half an hour in which people blink, talk, look and turn about, and nobody shows an expression",
                subjects=20,
                videos=1,
                seconds=90.0,
                seed=2100,
                frame_rates={25: 0.5, 30: 0.5},
                sizes={(256, 256): 0.5, (320, 320): 0.5},
                crf=(16, 26),
                noise=(0.6, 2.5),
                without_expression=1.0,
            ),
        )
    }
)


def find_preset(name: str) -> Preset:
    """The preset of a name.

    Raises
    ------
    SettingsError
        If there is none.
    """
    if name not in PRESETS:
        raise SettingsError("preset", f"there is none named {name!r}", f"choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
