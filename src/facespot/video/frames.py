"""What the other rooms see of a video: `Video` and `Frame`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from facespot.values import ByteImage, IntArray, Timebase


class Frame(Protocol):
    """One picture of a video.

    Both images are made when first asked for, kept, and upright: rotation metadata is applied. Do not write to them.
    """

    @property
    def index(self) -> int:
        """Number of the frame in the source video, from 0."""
        ...

    @property
    def time_s(self) -> float:
        """Time in seconds since the first frame."""
        ...

    def gray(self) -> ByteImage:
        """Luma of the picture, (height, width) uint8, full range 0..255.

        Raises
        ------
        VideoError
            The image file of a frame folder is damaged or of another size than the first.
        """
        ...

    def rgb(self) -> ByteImage:
        """Colours of the picture, (height, width, 3) uint8; transparency is dropped.

        Raises
        ------
        VideoError
            As for `gray`.
        """
        ...


class Video(Protocol):
    """An opened video. It holds no file open between two calls."""

    @property
    def path(self) -> Path:
        """The file or folder."""
        ...

    @property
    def name(self) -> str:
        """File name without its ending, or folder name."""
        ...

    @property
    def width(self) -> int:
        """Pixels, upright."""
        ...

    @property
    def height(self) -> int:
        """Pixels, upright."""
        ...

    @property
    def timebase(self) -> Timebase:
        """Times of the frames that can be read."""
        ...

    @property
    def promised_frames(self) -> int | None:
        """Number of frames that the header of a truncated file promises; None where the file is whole."""
        ...

    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal; for a folder of the image names and contents, in order."""
        ...

    def read(self, frames: IntArray) -> Iterator[Frame]:
        """Stream the frames with these source numbers.

        Parameters
        ----------
        frames : (n,) int64 array
            Frames to read, strictly increasing, within ``0..timebase.n_frames - 1``.

        Yields
        ------
        Frame
            Exactly these frames, in order.

        Raises
        ------
        ValueError
            `frames` does not increase or leaves the video.
        VideoError
            A frame cannot be decoded; the message names it.
        """
        ...


def check_frames(frames: IntArray, n_frames: int) -> None:
    """Hold that frame numbers can be read from a video of `n_frames` frames.

    Raises
    ------
    ValueError
        They are not a row of strictly increasing numbers within the video.
    """
    if frames.ndim != 1:
        raise ValueError(f"frames must be one row, got shape {frames.shape}")
    if frames.size == 0:
        return
    if (frames[1:] <= frames[:-1]).any():
        raise ValueError("frames must increase strictly")
    if frames[0] < 0 or frames[-1] >= n_frames:
        raise ValueError(f"frames {frames[0]}..{frames[-1]} leave the video, which has 0..{n_frames - 1}")
