"""Opens a path as the kind of video that it is."""

from __future__ import annotations

import math
from pathlib import Path

from facespot.errors import VideoError
from facespot.video.frames import Video


def open_video(path: str | Path, *, frame_rate: float | None = None) -> Video:
    """Open a video file or a folder of images.

    Parameters
    ----------
    path : str or Path
        A file that FFmpeg reads, or a folder holding jpg, jpeg, png or bmp images, which are taken in natural order
        (img2 before img10); other files in it are ignored.
    frame_rate : float, optional
        Frames per second. Required for a folder. For a file it replaces the file's own times by evenly spaced ones.

    Returns
    -------
    Video
        Its times are known; nothing but its first frame has been decoded. A truncated file is opened too: its timebase
        covers the readable part, ``promised_frames`` says what is missing, and `select` refuses to go beyond.

    Raises
    ------
    VideoError
        The path is missing, unreadable, empty or no video, or a folder comes without a frame rate.
    """
    path = Path(path)
    if frame_rate is not None and not (frame_rate > 0 and math.isfinite(frame_rate)):
        raise VideoError(str(path), f"a frame rate of {frame_rate:g} is impossible", "pass a number above 0")
    try:
        if path.is_dir():
            from facespot.video.folder import open_folder

            return open_folder(path, frame_rate)
        if not path.exists():
            raise VideoError(str(path), "the file does not exist", "check the path")
        if not path.is_file():
            raise VideoError(str(path), "this is neither a file nor a folder", "pass a video file or a frame folder")
    except OSError as error:
        raise unreadable(path, error) from error
    from facespot.video.file import open_file

    return open_file(path, frame_rate)


def unreadable(path: Path, error: OSError) -> VideoError:
    """Make one line of an error of the operating system."""
    reason = (error.strerror or type(error).__name__).lower()
    return VideoError(str(path), f"it cannot be read ({reason})", "check its permissions and the disk")
