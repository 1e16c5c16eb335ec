"""Videos that a table names in its own way, found under a root folder."""

from __future__ import annotations

import os
from pathlib import Path

from facespot.datasets.frames import Footage, file_footage, folder_footage
from facespot.errors import FacespotError, FormatError
from facespot.video.find import VIDEO_ENDINGS, find_videos


class VideoShelf:
    """All videos and frame folders under a root, found by path or by name.

    Parameters
    ----------
    root : Path
        Folder of the corpus.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        try:
            self.paths = find_videos([root])
        except FacespotError:
            self.paths = []

    def find(self, name: str) -> Path:
        """Path of a video that a table calls `name`: a path below the root or a bare name, with or without ending.

        Raises
        ------
        FormatError
            If there is none, or several fit.
        """
        direct = self._root / name
        below = bool(name) and not Path(name).is_absolute() and ".." not in Path(name).parts
        if below and direct.exists():
            return direct
        wanted = _stem(Path(name)).lower()
        fitting = [path for path in self.paths if _stem(path.relative_to(self._root)).lower() == wanted]
        fitting = fitting or [path for path in self.paths if _stem(Path(path.name)).lower() == wanted]
        if len(fitting) != 1:
            what = "its video is not there" if not fitting else "several videos fit its name"
            raise FormatError(name, what, "compare the names of the table with those on disk")
        return fitting[0]

    def place(self, path: Path) -> Path | None:
        """Return the same path, written as one below the root; None where it lies elsewhere. Links are not followed."""
        plain = Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve would follow links
        root = Path(os.path.abspath(self._root))  # noqa: PTH100
        return self._root / plain.relative_to(root) if plain.is_relative_to(root) else None

    def name(self, path: Path) -> str:
        """Path below the root without its ending, with slashes: different for all videos of different stems."""
        return _stem(path.relative_to(self._root))


def _stem(path: Path) -> str:
    return (path.with_suffix("") if path.suffix.lower() in VIDEO_ENDINGS else path).as_posix()


def open_footage(path: Path, first: int, frame_rate: float | None) -> Footage:
    """Frames of a video file or frame folder, `first` being the number of the first one, whatever the files are called.

    Raises
    ------
    FormatError
        If a frame folder is empty or comes without a frame rate.
    VideoError
        If a video cannot be read.
    """
    if not path.is_dir():
        return file_footage(path, first, frame_rate)
    if frame_rate is None:
        raise FormatError(str(path), "a frame folder carries no frame rate", "give it in a column fps or as frame_rate")
    footage = folder_footage(path, frame_rate, first, by_name=False)
    if footage is None:
        raise FormatError(str(path), "the folder holds no images", "copy them again")
    return footage
