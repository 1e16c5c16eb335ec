"""Finds the videos in what a user names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from facespot.errors import VideoError

IMAGE_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
VIDEO_ENDINGS = frozenset(
    {
        ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg",
        ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"
    }
)  # fmt: skip


def find_videos(paths: Iterable[str | Path]) -> list[Path]:
    """Name every video that is meant by files and folders.

    A folder that directly holds images and no video file is one video, a frame folder. Any other folder is searched
    with all folders below it, in natural order, for video files (known by their ending) and frame folders of two images
    or more. Images that lie beside video files are pictures, not frames. Hidden files and folders are passed over.

    Parameters
    ----------
    paths : iterable of str or Path
        Files and folders. A file is taken whatever its ending; a missing or unreadable path is kept, so that opening it
        says what is wrong with it while the others are worked on.

    Returns
    -------
    list of Path
        Each video once, in the order given.

    Raises
    ------
    VideoError
        A folder holds neither a video nor images.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if not path.is_dir():
            found.setdefault(path)
            continue
        inside = list(_search(path, least_images=1, seen=set()))
        if not inside:
            endings = ", ".join(sorted(ending[1:] for ending in IMAGE_ENDINGS))
            raise VideoError(
                str(path), "the folder holds no video", f"pass a folder with video files or with images ({endings})"
            )
        for video in inside:
            found.setdefault(video)
    return list(found)


def _search(folder: Path, least_images: int, seen: set[Path]) -> Iterator[Path]:
    real = folder.resolve()
    if real in seen:
        return
    seen.add(real)
    try:
        entries = sorted((entry for entry in folder.iterdir() if not is_hidden(entry)), key=natural_key)
        folders = [entry for entry in entries if entry.is_dir()]
        files = [entry for entry in entries if entry.suffix.lower() in VIDEO_ENDINGS and entry.is_file()]
        images = [entry for entry in entries if entry.suffix.lower() in IMAGE_ENDINGS and entry not in folders]
    except OSError:
        yield folder
        return
    if not files and len(images) >= least_images:
        yield folder
        return
    for entry in entries:
        if entry in files:
            yield entry
        elif entry in folders:
            yield from _search(entry, least_images=2, seen=seen)


def is_hidden(path: Path) -> bool:
    """Whether a file is one that systems put beside others, such as ``._img1.jpg`` of macOS."""
    return path.name.startswith(".")


def natural_key(path: Path) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key under which numbers in a name count as numbers.

    >>> sorted(map(Path, ["img10.png", "img2.png", "img1.png"]), key=natural_key)[1].name
    'img2.png'
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", path.name.casefold())
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts), path.name
