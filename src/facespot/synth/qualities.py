"""How good a recording is: size, noise, colour, light, coding, frame rate, lost frames; by name, or drawn at random."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from facespot.errors import SettingsError

CODECS = ("h264", "hevc", "mpeg4", "mpeg2video", "vp8", "mjpeg")
VARIED = "varied"


def _hold(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise SettingsError(name, f"{value:g} is not between {low:g} and {high:g}", "choose another")


@dataclass(frozen=True)
class Quality:
    """What a camera or recorder makes of a picture; the defaults leave it as it is, but coded anew.

    Parameters
    ----------
    short_side : int or None
        Pixels of the shorter side, 32 to 2160; a smaller picture is not enlarged. None keeps the size.
    noise : float
        Standard deviation of white noise in levels of 255, 0 to 64, added after resizing and before coding.
    grey : bool
        Whether the colours are lost.
    gamma : float
        Exponent on level / 255, 0.2 to 5; below 1 is brighter.
    brightness : float
        Added levels of 255, -128 to 128, after gamma.
    codec : str
        One of `CODECS`.
    crf : int
        Constant rate factor of H.264, 0 to 51. The other codecs take what comes near it; see `facespot.synth.coding`.
    first_crf : int or None
        Constant rate factor of an H.264 recording that comes before the last one, as where a file was converted.
    fps : float or None
        Frames per second, 1 to 1000; frames are picked by the nearest time. None keeps the rate.
    dropped : float
        Share of frames, 0 to 0.5, in whose place the recorder repeats the one before; the number of frames stays.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    short_side: int | None = None
    noise: float = 0.0
    grey: bool = False
    gamma: float = 1.0
    brightness: float = 0.0
    codec: str = "h264"
    crf: int = 18
    first_crf: int | None = None
    fps: float | None = None
    dropped: float = 0.0

    def __post_init__(self) -> None:
        _hold("short side", self.short_side, 32, 2160)
        _hold("noise", self.noise, 0, 64)
        _hold("gamma", self.gamma, 0.2, 5)
        _hold("brightness", self.brightness, -128, 128)
        _hold("crf", self.crf, 0, 51)
        _hold("first crf", self.first_crf, 0, 51)
        _hold("fps", self.fps, 1, 1000)
        _hold("dropped", self.dropped, 0, 0.5)
        if self.codec not in CODECS:
            raise SettingsError("codec", f"there is none named {self.codec!r}", f"choose one of {', '.join(CODECS)}")

    def document(self) -> dict[str, Any]:
        """As it is written to JSON."""
        return asdict(self)


QUALITIES: Mapping[str, Quality] = MappingProxyType(
    {
        "clean": Quality(),
        "degraded": Quality(short_side=192, noise=3.0, crf=28, grey=True),
        "192px": Quality(short_side=192),
        "256px": Quality(short_side=256),
        "noise3": Quality(noise=3.0),
        "noise6": Quality(noise=6.0),
        "crf28": Quality(crf=28),
        "crf35": Quality(crf=35),
        "grey": Quality(grey=True),
        "dropped5": Quality(dropped=0.05),
        "gamma0.6": Quality(gamma=0.6),
        # As fine a quantiser as that of H.264 at CRF 28 gives 8.
        "mpeg4": Quality(codec="mpeg4", crf=28),
        # The second quantiser has to differ from the first, or it finds what the first one left and does no harm.
        "twice": Quality(first_crf=25, crf=28),
    }
)
"""Fixed qualities: two for everyday use, then one factor at a time against ``clean``."""


def check_name(name: str) -> None:
    """Hold that a quality is known.

    Raises
    ------
    SettingsError
        If it is neither in `QUALITIES` nor ``varied``.
    """
    if name != VARIED and name not in QUALITIES:
        raise SettingsError("quality", f"there is none named {name!r}", f"choose one of {', '.join(QUALITIES)}, varied")


def quality_of(
    name: str, video: str, *, seed: int, short_side: int, fps: float, changes: Mapping[str, Any] | None = None
) -> Quality:
    """Quality in which one video of a corpus is re-recorded.

    Parameters
    ----------
    name : str
        In `QUALITIES`, or ``varied``.
    video : str
        Its id; with the seed all that the chance of ``varied`` depends on.
    seed : int
        At least 0.
    short_side : int
        Pixels of the source.
    fps : float
        Frames per second of the source.
    changes : mapping, optional
        Fields of `Quality` that are set whatever the name says.

    >>> quality_of("crf28", "s01_v1", seed=0, short_side=320, fps=30.0, changes={"grey": True})
    Quality(short_side=None, noise=0.0, grey=True, gamma=1.0, brightness=0.0, codec='h264', crf=28, \
first_crf=None, fps=None, dropped=0.0)
    """
    check_name(name)
    if name == VARIED:
        quality = draw_quality(np.random.default_rng([seed, zlib.crc32(video.encode())]), short_side, fps)
    else:
        quality = QUALITIES[name]
    return replace(quality, **(changes or {}))


def draw_quality(rng: np.random.Generator, short_side: int, fps: float) -> Quality:
    """Draw a quality as recordings of laboratories, telephones and archives differ.

    The distribution is a choice, made wide; no corpus states it:

    ===========  ====================================================================================
    short side   40 % as it is, else log-uniform between 160 pixels and that of the source
    noise        30 % none, else the absolute value of a normal of 2 levels, at most 5
    grey         25 %
    gamma        log-normal, 0.25
    brightness   normal, 12 levels
    codec        70 % H.264, the others alike
    crf          16 to 34, uniform
    two passes   25 %, the first with a CRF of its own, 16 to 34
    dropped      70 % none, else uniform up to 6 %
    fps          as it is; where that is 50 or more, 25 or 30 with probability 0.5
    ===========  ====================================================================================

    Parameters
    ----------
    rng : numpy.random.Generator
    short_side : int
        Pixels of the source.
    fps : float
        Frames per second of the source.
    """
    keeps_size, log_share = rng.random() < 0.4, rng.random()
    noisy, noise = rng.random() >= 0.3, min(5.0, abs(rng.normal(0.0, 2.0)))
    grey = bool(rng.random() < 0.25)
    gamma = math.exp(rng.normal(0.0, 0.25))
    brightness = rng.normal(0.0, 12.0)
    codec = "h264" if rng.random() < 0.7 else CODECS[1 + int(rng.integers(len(CODECS) - 1))]
    crf, first_crf = int(rng.integers(16, 35)), int(rng.integers(16, 35))
    twice = rng.random() < 0.25
    drops, dropped = rng.random() >= 0.7, rng.uniform(0.0, 0.06)
    slower, slow = rng.random() < 0.5, float(rng.choice([25.0, 30.0]))
    return Quality(
        short_side=None if keeps_size or short_side <= 160 else round(160 * (short_side / 160) ** log_share),
        noise=round(float(noise), 2) if noisy else 0.0,
        grey=grey,
        gamma=round(min(5.0, max(0.2, gamma)), 3),
        brightness=round(float(brightness), 1),
        codec=codec,
        crf=crf,
        first_crf=first_crf if twice else None,
        fps=slow if slower and fps >= 50 else None,
        dropped=round(float(dropped), 4) if drops else 0.0,
    )
