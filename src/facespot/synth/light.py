"""Between the code values of pictures and linear light (sRGB, IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np

from facespot.values import ByteImage, FloatArray


def to_linear(picture: ByteImage) -> FloatArray:
    """Linear light 0..1, float32, of 8-bit sRGB code values, any shape.

    >>> to_linear(np.array([0, 188, 255], np.uint8)).round(3).tolist()
    [0.0, 0.503000020980835, 1.0]
    """
    code = np.arange(256) / 255.0
    table = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return np.asarray(table.astype(np.float32)[picture])


def to_code(light: FloatArray) -> ByteImage:
    """8-bit sRGB code values of linear light; the inverse of `to_linear`.

    >>> codes = np.arange(256, dtype=np.uint8)
    >>> bool(np.array_equal(to_code(to_linear(codes)), codes))
    True
    """
    light = np.clip(light, 0.0, 1.0)
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.power(light, 1 / 2.4) - 0.055)
    return np.asarray(np.rint(code * 255), dtype=np.uint8)
