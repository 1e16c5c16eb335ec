"""A folder of images as a video."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facespot.errors import VideoError
from facespot.values import ByteImage, IntArray, Timebase
from facespot.video.find import IMAGE_ENDINGS, is_hidden, natural_key
from facespot.video.frames import Frame, check_frames
from facespot.video.images import decode_gray, decode_rgb
from facespot.video.opening import unreadable


class ImageFrame:
    """An image of a frame folder, decoded when first asked for."""

    def __init__(self, index: int, time_s: float, path: Path, data: bytes, size: tuple[int, int]) -> None:
        self.index = index
        self.time_s = time_s
        self._path = path
        self._data = data
        self._size = size
        self._gray: ByteImage | None = None
        self._rgb: ByteImage | None = None

    def gray(self) -> ByteImage:
        """Luma of the picture, (height, width) uint8, full range."""
        if self._gray is None:
            self._gray = self._checked(decode_gray(self._data))
        return self._gray

    def rgb(self) -> ByteImage:
        """Colours of the picture, (height, width, 3) uint8."""
        if self._rgb is None:
            self._rgb = self._checked(decode_rgb(self._data))
        return self._rgb

    def _checked(self, image: ByteImage | None) -> ByteImage:
        if image is None:
            raise damaged(self._path)
        height, width = image.shape[:2]
        if (width, height) != self._size:
            raise VideoError(
                str(self._path),
                f"the image has {width}x{height} pixels, those before it {self._size[0]}x{self._size[1]}",
                "keep images of one size in a frame folder",
            )
        return image


class FrameFolder:
    """A folder of images; use `open_video`."""

    promised_frames: int | None = None

    def __init__(self, path: Path, images: list[Path], frame_rate: float) -> None:
        self.path = path
        self.name = path.name or path.resolve().name
        self.timebase = Timebase(frame_rate, len(images))
        self._images = images
        self._digest: str | None = None
        first = decode_gray(read_bytes(images[0]))
        if first is None:
            raise damaged(images[0])
        self.height, self.width = first.shape

    def digest(self) -> str:
        """SHA-256 of the names and contents of the images, in order."""
        if self._digest is None:
            whole = hashlib.sha256()
            for image in self._images:
                content = read_bytes(image)
                whole.update(f"{image.name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
                whole.update(content)
            self._digest = whole.hexdigest()
        return self._digest

    def read(self, frames: IntArray) -> Iterator[Frame]:
        """Stream the frames with these numbers, see `Video.read`."""
        frames = np.asarray(frames, dtype=np.int64)
        check_frames(frames, self.timebase.n_frames)
        return self._read(frames)

    def _read(self, frames: IntArray) -> Iterator[Frame]:
        for index in frames.tolist():
            image = self._images[index]
            yield ImageFrame(index, self.timebase.seconds(index), image, read_bytes(image), (self.width, self.height))


def open_folder(path: Path, frame_rate: float | None) -> FrameFolder:
    """Open a folder of images, see `open_video`."""
    try:
        images = [
            entry
            for entry in path.iterdir()
            if entry.suffix.lower() in IMAGE_ENDINGS and not is_hidden(entry) and not entry.is_dir()
        ]
    except OSError as error:
        raise unreadable(path, error) from error
    if not images:
        endings = ", ".join(sorted(ending[1:] for ending in IMAGE_ENDINGS))
        raise VideoError(
            str(path), "the folder holds no images", f"pass a folder with images ({endings}) or a video file"
        )
    if frame_rate is None:
        raise VideoError(
            str(path), "frame folders carry no frame rate", "pass --frame-rate, for example --frame-rate 30"
        )
    return FrameFolder(path, sorted(images, key=natural_key), frame_rate)


def read_bytes(image: Path) -> bytes:
    """Content of an image file.

    Raises
    ------
    VideoError
        It cannot be read.
    """
    try:
        return image.read_bytes()
    except OSError as error:
        raise unreadable(image, error) from error


def damaged(image: Path) -> VideoError:
    """Make the error of an image that cannot be decoded."""
    return VideoError(str(image), "the image is damaged or no image", "replace it, or remove it from the folder")
