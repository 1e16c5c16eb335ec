"""From FFmpeg's picture formats to upright luma and RGB arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast

import av
import cv2
import numpy as np
from av.buffer import Buffer
from av.video.reformatter import ColorRange

from facespot.values import ByteImage

# Formats whose first plane is luma, with the bits of a sample right-aligned in one or two bytes.
LUMA_FIRST = re.compile(r"(?:yuva?j?4\d\dp|gray)(?:8|9|10|12|14|16)?(?:le|be)?|nv(?:12|21|16|24)")


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is turned upright: transposed first, then mirrored.

    Parameters
    ----------
    transpose : bool
        Swap x and y.
    mirror_x, mirror_y : bool
        Reverse the columns, the rows.
    """

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    def apply(self, image: ByteImage) -> ByteImage:
        """Turn an image, (h, w) or (h, w, 3); contiguous in memory."""
        if self.transpose:
            image = image.swapaxes(0, 1)
        if self.mirror_x:
            image = image[:, ::-1]
        if self.mirror_y:
            image = image[::-1]
        return np.ascontiguousarray(image)


def orientation_of(picture: av.VideoFrame) -> Orientation:
    """Read the display matrix that phones write instead of turning the pixels.

    The matrix maps a stored position (x, y) to (a x + c y, b x + d y), y downwards (ISO/IEC 14496-12, 6.2.2). Angles
    that are no multiple of a quarter turn are taken as the nearest one.
    """
    # PyAV's stubs list only one of the keys.
    side_data = cast(Mapping[str, Buffer], picture.side_data)
    matrix = side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return Orientation()
    a, b, _, c, d = np.frombuffer(bytes(matrix), dtype=np.int32)[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation(transpose=True, mirror_x=c < 0, mirror_y=b < 0)
    return Orientation(mirror_x=a < 0, mirror_y=d < 0)


def gray_of(picture: av.VideoFrame) -> ByteImage:
    """Luma of a picture as stored, (h, w) uint8, full range, own memory.

    The luma plane is taken as it is: no chroma is decoded. Pictures without one (RGB, palette) are converted with the
    weights of ITU-R BT.601.
    """
    name = picture.format.name
    if not LUMA_FIRST.fullmatch(name):
        return np.asarray(cv2.cvtColor(_convert(picture), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    bits = picture.format.components[0].bits
    limited = _is_limited(picture)
    plane = picture.planes[0]
    order = ">" if picture.format.is_big_endian else "<"
    samples = np.frombuffer(memoryview(plane), dtype="u1" if bits == 8 else f"{order}u2")
    samples = samples.reshape(-1, plane.line_size // samples.itemsize)[: picture.height, : picture.width]
    if bits == 8:
        if limited:
            return np.asarray(cv2.LUT(samples, _full_range(8, True)), dtype=np.uint8)
        return np.array(samples, dtype=np.uint8)
    return np.asarray(_full_range(bits, limited)[samples & ((1 << bits) - 1)], dtype=np.uint8)


def rgb_of(picture: av.VideoFrame) -> ByteImage:
    """Colours of a picture as stored, (h, w, 3) uint8; transparency is dropped."""
    if picture.format.name.startswith("gray"):
        return np.repeat(gray_of(picture)[..., None], 3, axis=2)
    return _convert(picture)


def _convert(picture: av.VideoFrame) -> ByteImage:
    # On several threads FFmpeg 8 converts some formats differently from one call to the next.
    return np.ascontiguousarray(picture.to_ndarray(format="rgb24", threads=1), dtype=np.uint8)


def _is_limited(picture: av.VideoFrame) -> bool:
    if picture.color_range == ColorRange.JPEG or picture.format.name.startswith("yuvj"):
        return False
    if picture.color_range == ColorRange.MPEG:
        return True
    # Where nothing is stated, colour video is limited and grey video full range, as in FFmpeg.
    return not picture.format.name.startswith("gray")


@cache
def _full_range(bits: int, limited: bool) -> ByteImage:
    codes = np.arange(1 << bits, dtype=np.float64)
    if limited:
        codes = (codes - (16 << (bits - 8))) / (219 << (bits - 8))
    else:
        codes /= (1 << bits) - 1
    return np.rint(np.clip(codes, 0.0, 1.0) * 255).astype(np.uint8)
