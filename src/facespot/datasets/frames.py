"""Frames of a video on disk, counted and not decoded."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from facespot.errors import FormatError
from facespot.values import Timebase
from facespot.video.find import IMAGE_ENDINGS, natural_key

_LAST_DIGITS = re.compile(r"([0-9]+)[^0-9]*$")


@dataclass(frozen=True)
class Footage:
    """A video and how annotations number its frames.

    Parameters
    ----------
    path : Path
        Video file or frame folder.
    timebase : Timebase
        Its frames and seconds.
    first : int
        Number of the first frame.
    numbers : tuple of int
        Number of every frame, strictly increasing, where they do not follow one another; else empty.
    remarks : tuple of str
        What is odd about the frames.
    """

    path: Path
    timebase: Timebase
    first: int
    numbers: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def last(self) -> int:
        """Number of the last frame."""
        return self.numbers[-1] if self.numbers else self.first + self.timebase.n_frames - 1

    def index(self, number: int) -> int:
        """Frame from 0 of an annotated number; the next one there is where that frame is missing."""
        return bisect_left(self.numbers, number) if self.numbers else number - self.first

    def holds(self, number: int) -> bool:
        """Whether a frame of this number is there."""
        if self.numbers:
            index = bisect_left(self.numbers, number)
            return index < len(self.numbers) and self.numbers[index] == number
        return self.first <= number <= self.last


def frame_numbers(folder: Path) -> tuple[list[int | None], int]:
    """Last number in each image's name, in natural order of the names, and how many images there are.

    Raises
    ------
    FormatError
        If the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            names = [Path(entry.name) for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise FormatError(str(folder), f"it cannot be read ({error.strerror})", "check its permissions") from error
    images = sorted((name for name in names if name.suffix.lower() in IMAGE_ENDINGS), key=natural_key)
    found = (_LAST_DIGITS.search(name.stem) for name in images)
    return [None if digits is None else int(digits[1]) for digits in found], len(images)


def folder_footage(folder: Path, frame_rate: float, first: int | None = 1, *, by_name: bool = True) -> Footage | None:
    """A frame folder; None where it holds no images.

    Parameters
    ----------
    folder : Path
        Folder of images.
    frame_rate : float
        Frames per second.
    first : int or None
        Number that the first frame should have; None where any will do.
    by_name : bool
        Whether annotated numbers mean the numbers in the files' names, else places in their order.
    """
    named, count = frame_numbers(folder)
    if count == 0:
        return None
    timebase = Timebase(frame_rate, count)
    numbers = tuple(number for number in named if number is not None)
    ordered = len(numbers) == count and all(a < b for a, b in pairwise(numbers))
    if not ordered:
        return Footage(folder, timebase, first or 0, (), ("the names of the frames do not count them",))
    remarks = []
    missing = numbers[-1] - numbers[0] + 1 - count
    if missing:
        gap = next(a + 1 for a, b in pairwise(numbers) if b - a > 1)
        remarks.append(f"{missing} of the frames {numbers[0]} to {numbers[-1]} are missing, the first is {gap}")
    if first is not None and numbers[0] != first and by_name:
        remarks.append(f"the first frame on disk is number {numbers[0]}, not {first}")
    if not by_name:
        return Footage(folder, timebase, first or 0, (), tuple(remarks))
    return Footage(folder, timebase, numbers[0], numbers if missing else (), tuple(remarks))


def file_footage(path: Path, first: int, frame_rate: float | None = None) -> Footage:
    """A video file, opened for its frame times.

    Raises
    ------
    VideoError
        If it cannot be read.
    """
    from facespot.video import open_video

    video = open_video(path, frame_rate=frame_rate)
    promised = video.promised_frames
    remarks = () if promised is None else (f"it is cut: {video.timebase.n_frames} of {promised} frames are there",)
    return Footage(path, video.timebase, first, (), remarks)


def find_folders(root: Path, names: tuple[str, ...]) -> list[Path]:
    """Folders of these names (case does not count) in the root or one level below, in the order of the names."""
    wanted = [name.lower() for name in names]
    found = [folder for folder in _two_levels(root) if folder.is_dir() and folder.name.lower() in wanted]
    return sorted(found, key=lambda folder: (wanted.index(folder.name.lower()), natural_key(folder)))


def find_file(
    root: Path, pattern: str, what: str, option: str, given: str | None = None, *, below: bool = True
) -> Path | None:
    """Return the file whose name matches a regular expression; None where there is none.

    It is searched in the root, and one level `below` it.

    Raises
    ------
    FormatError
        If there are several, or the one that was given is missing.
    """
    if given is not None:
        path = root / given
        if not path.is_file():
            raise FormatError(str(path), f"the {what} is not there", f"check {option}")
        return path
    found = [
        path
        for path in _two_levels(root)
        if below or path.parent == root
        # Spreadsheet programs leave lock files named ~$... beside open ones.
        if re.fullmatch(pattern, path.name, re.IGNORECASE) and not path.name.startswith(("~$", ".")) and path.is_file()
    ]
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in found)
        raise FormatError(str(root), f"there are several files for the {what}: {names}", f"name one with {option}")
    return found[0] if found else None


def _two_levels(root: Path) -> list[Path]:
    try:
        near = sorted((path for path in root.iterdir() if not path.name.startswith(".")), key=natural_key)
        below = [
            path
            for folder in near
            if folder.is_dir()
            for path in sorted(folder.iterdir(), key=natural_key)
            if not path.name.startswith(".")
        ]
    except OSError as error:
        raise FormatError(str(root), f"it cannot be read ({error.strerror})", "check the root folder") from error
    return near + below
