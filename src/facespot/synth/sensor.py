"""From linear light to the bytes of a picture: exposure, noise, tone curve, grey, and the mains' flicker."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from facespot.errors import SettingsError
from facespot.synth.rasteriser import kernel
from facespot.values import ByteImage, FloatArray

_CURVE_STEPS, _CURVE_END = 8192, 4.0  # the tone curve is tabulated from 0 to this linear light
_BYTES_SPREAD = math.sqrt(4 * (256**2 - 1) / 12)  # standard deviation of the sum of four random bytes


@dataclass(frozen=True)
class SensorSettings:
    """How the camera turns light into levels.

    Parameters
    ----------
    exposure : float
        Factor on the light. The noise is amplified with it, as by the gain of a camera in a dim room.
    full_well : float
        Electrons of a white pixel; the fewer, the stronger the shot noise. 12000 gives about one level of 255.
    read_noise : float
        Electrons, standard deviation, in the dark.
    chroma : float
        Share of the noise that differs between the colours, 0..1.
    contrast : float
        Exponent on the sRGB level, 1 for none.
    grey : bool
        One brightness in all three channels, as in SAMM.
    mains_hz : float
        50 or 60; lamps flicker at twice that.
    flicker : float
        Depth of the flicker, 0..1; fluorescent lamps 0.1-0.3.
    shutter_s : float
        Time during which a frame collects light, seconds; flicker fades as it grows.
    readout_s : float
        From the first to the last row of a rolling shutter, seconds; flicker then shows as bands.
    """

    exposure: float = 1.0
    full_well: float = 12000.0
    read_noise: float = 12.0
    chroma: float = 0.4
    contrast: float = 1.0
    grey: bool = False
    mains_hz: float = 50.0
    flicker: float = 0.0
    shutter_s: float = 0.008
    readout_s: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("exposure", 0.01, 100.0), ("full_well", 50.0, 1e7), ("read_noise", 0.0, 1000.0), ("chroma", 0.0, 1.0),
            ("contrast", 0.3, 3.0), ("mains_hz", 1.0, 1000.0), ("flicker", 0.0, 1.0), ("shutter_s", 1e-5, 1.0),
            ("readout_s", 0.0, 0.1),
        ):  # fmt: skip
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise SettingsError(
                    f"sensor {name}", f"{value} is not between {low} and {high}", "choose another value"
                )


def develop(linear: FloatArray, settings: SensorSettings, rng: np.random.Generator, time_s: float = 0.0) -> ByteImage:
    """Levels (h, w, 3) uint8 of a picture (h, w, 3) float32 in linear light, taken at `time_s` seconds.

    Noise is shot and read noise, near normal (sums of four uniform bytes); the part that differs between the colours
    is drawn for blocks of 2x2 pixels, since video keeps no finer colour.
    """
    height, width = linear.shape[:2]
    half = (height + 1) // 2, (width + 1) // 2
    common = np.frombuffer(rng.bytes(4 * height * width), dtype=np.uint8).reshape(height, width, 4)
    coloured = np.frombuffer(rng.bytes(12 * half[0] * half[1]), dtype=np.uint8).reshape(*half, 3, 4)
    out = np.empty((height, width, 3), dtype=np.uint8)
    _develop(
        np.ascontiguousarray(linear, dtype=np.float32), common, coloured, row_light(height, settings, time_s),
        _tone_curve(settings.contrast), settings.exposure, settings.full_well, settings.read_noise,
        0.0 if settings.grey else settings.chroma, settings.grey, out,
    )  # fmt: skip
    return out


def row_light(height: int, settings: SensorSettings, time_s: float) -> FloatArray:
    """Factor (h,) on the light of each row that the mains' flicker leaves: its mean while the row collects light."""
    if settings.flicker == 0.0:
        return np.ones(height, dtype=np.float32)
    cycles = 2.0 * settings.mains_hz
    middle = time_s + np.arange(height) / height * settings.readout_s + settings.shutter_s / 2
    depth = settings.flicker * np.sinc(cycles * settings.shutter_s)
    return np.asarray(1.0 + depth * np.cos(2 * np.pi * cycles * middle), dtype=np.float32)


def average(pictures: Iterable[FloatArray]) -> FloatArray:
    """Mean of the pictures within one exposure, linear light: motion blur.

    Raises
    ------
    ValueError
        If there is no picture.
    """
    total: FloatArray | None = None
    count = 0
    for picture in pictures:
        count += 1
        if total is None:
            total = picture.copy()
        else:
            total += picture
    if total is None:
        raise ValueError("no pictures to average")
    if count > 1:
        total *= np.float32(1.0 / count)
    return total


def sub_frame_times(time_s: float, shutter_s: float, count: int) -> NDArray[np.float64]:
    """Times (count,) in seconds within the exposure that starts at `time_s`, evenly spread, none at its very ends.

    >>> sub_frame_times(1.0, 0.02, 2).round(3).tolist()
    [1.005, 1.015]
    """
    return time_s + shutter_s * (np.arange(count) + 0.5) / count


@lru_cache(maxsize=16)
def _tone_curve(contrast: float) -> FloatArray:
    """Level 0..255 of linear light 0.._CURVE_END: soft highlights, then sRGB."""
    light = np.linspace(0.0, _CURVE_END, _CURVE_STEPS + 1)
    light = np.where(light < 0.7, light, 0.7 + 0.3 * np.tanh((light - 0.7) / 0.3))
    level = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(255.0 * np.clip(level, 0.0, 1.0) ** contrast, dtype=np.float32)


@kernel
def _develop(
    linear: FloatArray,
    common: ByteImage,
    coloured: ByteImage,
    rows: FloatArray,
    curve: FloatArray,
    exposure: float,
    full_well: float,
    read_noise: float,
    chroma: float,
    grey: bool,
    out: ByteImage,
) -> None:
    height, width = linear.shape[0], linear.shape[1]
    well, gain = np.float32(full_well), np.float32(exposure)
    dark = np.float32(read_noise * read_noise)
    own = np.float32(chroma / _BYTES_SPREAD)
    shared = np.float32(math.sqrt(1.0 - chroma * chroma) / _BYTES_SPREAD)
    scale = np.float32(_CURVE_STEPS / _CURVE_END)
    last = np.float32(_CURVE_STEPS - 1)
    for y in range(height):
        for x in range(width):
            total = int(common[y, x, 0]) + int(common[y, x, 1]) + int(common[y, x, 2]) + int(common[y, x, 3])
            same = shared * np.float32(total - 510)
            r, g, b = linear[y, x, 0] * rows[y], linear[y, x, 1] * rows[y], linear[y, x, 2] * rows[y]
            if grey:
                r = np.float32(0.2126) * r + np.float32(0.7152) * g + np.float32(0.0722) * b
            for k in range(3):
                light = r if k == 0 else (g if k == 1 else b)
                noise = same
                if not grey:
                    c = coloured[y >> 1, x >> 1, k]
                    noise += own * np.float32(int(c[0]) + int(c[1]) + int(c[2]) + int(c[3]) - 510)
                light = max(np.float32(0.0), light)
                light += noise * math.sqrt(light * well + dark) / well
                place = max(np.float32(0.0), light) * gain * scale
                place = min(place, last)
                step = int(place)
                level = curve[step] + (curve[step + 1] - curve[step]) * (place - np.float32(step))
                value = np.uint8(level + np.float32(0.5))
                out[y, x, k] = value
                if grey:
                    out[y, x, 1] = out[y, x, 2] = value
                    break
