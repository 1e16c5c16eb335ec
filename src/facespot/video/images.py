"""From the content of an image file to luma or RGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facespot.values import ByteImage

JPEG_START = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
PNG_START = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND"


def decode_gray(data: bytes) -> ByteImage | None:
    """Luma of an image file, (h, w) uint8; None where it is damaged.

    A JPEG gives its own luma channel. Other colours are weighted as in ITU-R BT.601. 16 bits are scaled to 8,
    transparency is dropped, the orientation that a camera noted (EXIF) is applied.
    """
    if data.startswith(JPEG_START):
        return _decode(data, cv2.IMREAD_GRAYSCALE)
    image = _decode(data, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    if image is None or image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def decode_rgb(data: bytes) -> ByteImage | None:
    """Colours of an image file, (h, w, 3) uint8; None where it is damaged."""
    image = _decode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if image is None:
        return None
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _decode(data: bytes, flags: int) -> ByteImage | None:
    # OpenCV fills what is missing of a cut image with grey and says nothing.
    if not data or _is_cut(data):
        return None
    try:
        image: NDArray[np.generic] | None = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags)
    except cv2.error:
        return None
    if image is None:
        return None
    if image.dtype == np.uint16:
        image = (image.astype(np.uint32) * 255 + 32767) // 65535
    return np.ascontiguousarray(image, dtype=np.uint8)


def _is_cut(data: bytes) -> bool:
    if data.startswith(JPEG_START):
        return data.find(JPEG_END, _scan_start(data)) < 0
    if data.startswith(PNG_START):
        return PNG_END not in data[-64:] and data.rfind(PNG_END) < 0
    if data.startswith(b"BM"):
        # Some writers leave the size unset.
        return int.from_bytes(data[2:6], "little") > len(data)
    return False


def _scan_start(data: bytes) -> int:
    """Position of a JPEG's picture data, after the segments before it, which may hold a whole thumbnail."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xFF:
            position += 1
            continue
        position += 2 + length
        if marker == 0xDA:
            break
    return position
