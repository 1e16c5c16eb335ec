"""Opens a file with FFmpeg and decodes its video stream."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from facespot.errors import VideoError
from facespot.video.packets import demux
from facespot.video.truncation import read_structure

# More threads gain little on the small pictures of this field and each holds frames in memory.
MOST_THREADS = 4
# FFmpeg takes a text file for a film of its letters.
TEXT_FORMATS = frozenset({"tty", "ansi"})


@contextmanager
def open_container(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Open a file with FFmpeg and find its video stream; closed on leaving.

    Raises
    ------
    VideoError
        There is no video stream, or no decoder for it.
    av.error.FFmpegError
        FFmpeg cannot read the file.
    """
    # The prefix keeps a colon in a name from being read as a protocol.
    with av.open(f"file:{path}", metadata_errors="replace") as container:
        if container.format.name in TEXT_FORMATS:
            raise VideoError(str(path), "the file is a text, not a video", "pass a video file")
        pictures = av.stream.Disposition.attached_pic
        streams = [stream for stream in container.streams.video if not stream.disposition & pictures]
        if not streams:
            if read_structure(path).missing_bytes:
                raise VideoError(str(path), "the file is truncated before its first frames", "copy it again")
            holds = "only sound" if container.streams.audio else "no pictures"
            raise VideoError(str(path), f"the file holds {holds}", "pass a video file")
        stream = streams[0]
        if stream.codec_context is None:
            raise VideoError(str(path), "its video format is unknown", "convert it, for example to H.264 in mp4")
        yield container, stream


def decode(
    container: av.container.InputContainer, stream: av.VideoStream, *, skip_damaged: bool
) -> Iterator[av.VideoFrame]:
    """Decode to the end. With `skip_damaged`, packets that cannot be decoded leave a gap in the time stamps."""
    codec = stream.codec_context
    packets = demux(container, stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.error.InvalidDataError, av.error.EOFError):
            packet = None
        try:
            yield from codec.decode(packet)
        except av.error.EOFError:
            return
        except av.error.InvalidDataError:
            if not skip_damaged:
                raise
        if packet is None:
            return


def default_threads() -> int:
    """Count the threads to decode with: as many as there are processors, four at most."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_THREADS, available)


def use_threads(stream: av.VideoStream, threads: int) -> None:
    """Set the number of decoding threads, before the first packet."""
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads


def seek(container: av.container.InputContainer, stream: av.VideoStream, pts: int) -> bool:
    """Go to the keyframe at or before a time stamp; False where the container cannot."""
    try:
        container.seek(pts, stream=stream)
    except av.error.FFmpegError:
        return False
    return True
