"""Makes small videos whose frames carry their own number."""

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

ROWS, COLUMNS = 2, 5


def numbered_picture(index: int, width: int = 160, height: int = 64) -> NDArray[np.uint8]:
    """Draw a number as ten black or white fields, (height, width, 3)."""
    picture = np.full((height, width, 3), 128, np.uint8)
    for bit in range(ROWS * COLUMNS):
        row, column = divmod(bit, COLUMNS)
        fields = np.s_[
            row * height // ROWS : (row + 1) * height // ROWS,
            column * width // COLUMNS : (column + 1) * width // COLUMNS,
        ]
        picture[fields] = 235 if index >> bit & 1 else 20
    return picture


def number_in(gray: NDArray[np.uint8]) -> int:
    """Read the number back."""
    height, width = gray.shape
    number = 0
    for bit in range(ROWS * COLUMNS):
        row, column = divmod(bit, COLUMNS)
        y, x = (2 * row + 1) * height // (2 * ROWS), (2 * column + 1) * width // (2 * COLUMNS)
        number |= int(gray[y - 3 : y + 4, x - 3 : x + 4].mean() > 128) << bit
    return number


def encode_video(
    path: Path,
    codec: str = "libx264",
    *,
    n_frames: int = 40,
    size: tuple[int, int] = (160, 64),
    fps: int = 30,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    pts: Sequence[int] | None = None,
    pictures: Callable[[int], NDArray[np.uint8]] | None = None,
    container_options: dict[str, str] | None = None,
    rotation: float | None = None,
    keyframe_interval: int = 12,
) -> Path:
    """Encode numbered pictures; `pts` counts milliseconds where given."""
    from fractions import Fraction

    options = dict(options or {})
    if codec == "libx265":
        options["x265-params"] = "log-level=none"
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=fps, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.gop_size = keyframe_interval
        stream.codec_context.thread_count = 1
        if pixel_format.startswith("gray"):
            stream.codec_context.color_range = ColorRange.JPEG
        if pts is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for index in range(n_frames):
            picture = pictures(index) if pictures else numbered_picture(index, *size)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if pts is not None:
                frame.time_base = Fraction(1, 1000)
            frame.pts = index if pts is None else pts[index]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture
def encode() -> Callable[..., Path]:
    return encode_video


@pytest.fixture
def numbered() -> Callable[..., NDArray[np.uint8]]:
    return numbered_picture


@pytest.fixture
def read_number() -> Callable[[NDArray[np.uint8]], int]:
    return number_in
