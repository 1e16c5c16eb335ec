"""A video file, read through FFmpeg (PyAV).

Opening passes over the packets once without decoding them: their time stamps, sorted, are the times of the frames, and
the place of a time stamp in that order is the number of its frame. Reading seeks to the keyframe before the first
wanted frame and checks each decoded frame's time stamp against the list, so a frame has the same number however it is
reached.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from facespot.errors import VideoError
from facespot.values import ByteImage, IntArray, Timebase
from facespot.video.decoding import decode, default_threads, open_container, seek, use_threads
from facespot.video.frames import Frame, check_frames
from facespot.video.opening import unreadable
from facespot.video.packets import Packets, scan
from facespot.video.pixels import Orientation, gray_of, orientation_of, rgb_of
from facespot.video.timing import timebase_from_pts
from facespot.video.truncation import Structure, read_structure


class _DamageError(VideoError):
    """A frame cannot be decoded."""


class FileFrame:
    """A decoded frame of a video file."""

    __slots__ = ("_gray", "_orientation", "_picture", "_rgb", "index", "time_s")

    def __init__(self, index: int, time_s: float, picture: av.VideoFrame, orientation: Orientation) -> None:
        self.index = index
        self.time_s = time_s
        self._picture = picture
        self._orientation = orientation
        self._gray: ByteImage | None = None
        self._rgb: ByteImage | None = None

    def gray(self) -> ByteImage:
        """Luma of the picture, (height, width) uint8, full range."""
        if self._gray is None:
            self._gray = self._orientation.apply(gray_of(self._picture))
        return self._gray

    def rgb(self) -> ByteImage:
        """Colours of the picture, (height, width, 3) uint8."""
        if self._rgb is None:
            self._rgb = self._orientation.apply(rgb_of(self._picture))
        return self._rgb


class VideoFile:
    """A video file; use `open_video`."""

    def __init__(
        self,
        path: Path,
        timebase: Timebase,
        packets: Packets,
        first_picture: av.VideoFrame,
        promised_frames: int | None,
    ) -> None:
        self.path = path
        self.name = path.stem
        self.timebase = timebase
        self.promised_frames = promised_frames
        self._packets = packets
        self._stored_size = first_picture.width, first_picture.height
        self._orientation = orientation_of(first_picture)
        width, height = self._stored_size
        self.width, self.height = (height, width) if self._orientation.transpose else (width, height)
        self._digest: str | None = None

    def digest(self) -> str:
        """SHA-256 of the file."""
        if self._digest is None:
            try:
                with self.path.open("rb") as file:
                    self._digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise unreadable(self.path, error) from error
        return self._digest

    def read(self, frames: IntArray) -> Iterator[Frame]:
        """Stream the frames with these source numbers, see `Video.read`."""
        frames = np.asarray(frames, dtype=np.int64)
        check_frames(frames, self.timebase.n_frames)
        return self._read(frames)

    def _read(self, frames: IntArray) -> Iterator[Frame]:
        if frames.size == 0:
            return
        wanted = iter(frames.tolist())
        target = next(wanted)
        for index, picture in self._pictures_from(target):
            if index < target:
                continue
            if (picture.width, picture.height) != self._stored_size:
                raise self._unlike_first(index, picture)
            yield FileFrame(index, self.timebase.seconds(index), picture, self._orientation)
            following = next(wanted, None)
            if following is None:
                return
            target = following

    def _pictures_from(self, index: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decode from the keyframe before `index` on, or else from the start, and number the pictures."""
        following = 0
        try:
            for number, picture in self._from_keyframe(self._packets.keyframe_before(index), default_threads()):
                yield number, picture
                following = number + 1
        except _DamageError:
            # Several threads lose the pictures that were under way when one met the damage.
            start = self._packets.keyframe_before(max(index, following))
            for number, picture in self._from_keyframe(start, threads=1):
                if number >= following:
                    yield number, picture

    def _from_keyframe(self, keyframe: int, threads: int) -> Iterator[tuple[int, av.VideoFrame]]:
        if keyframe > 0:
            pictures = self._numbered(keyframe, threads)
            first = next(pictures, None)
            # Some containers seek only roughly; a number is never guessed.
            if first is not None:
                yield first
                yield from pictures
                return
        yield from self._numbered(0, threads)

    def _numbered(self, keyframe: int, threads: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decode from a keyframe on. Gives nothing where seeking does not lead to exactly this one."""
        pts = self._packets.pts
        expected = keyframe
        try:
            with open_container(self.path) as (container, stream):
                use_threads(stream, threads)
                if keyframe > 0 and pts is not None and not seek(container, stream, int(pts[keyframe])):
                    return
                for picture in decode(container, stream, skip_damaged=pts is not None):
                    if pts is not None:
                        early = picture.pts is None or picture.pts < pts[keyframe]
                        if expected == keyframe and early:
                            continue
                        if picture.pts != pts[expected]:
                            if expected == keyframe > 0:
                                return
                            raise self._undecodable(expected)
                    if picture.is_corrupt:
                        raise self._undecodable(expected)
                    yield expected, picture
                    expected += 1
                    if expected == self.timebase.n_frames:
                        return
        except av.error.InvalidDataError as error:
            raise self._undecodable(expected) from error
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(
                str(self.path), f"reading frame {expected} failed ({error.strerror})", "check the disk and the file"
            ) from error
        if expected > keyframe or keyframe == 0:
            raise self._undecodable(expected)

    def _undecodable(self, index: int) -> _DamageError:
        before_s = self.timebase.seconds(index)
        remedy = (
            "copy it again"
            if index == 0
            else f"copy it again, or spot only what comes before with --end {before_s:.3f}"
        )
        return _DamageError(
            str(self.path), f"frame {index} (at {before_s:.3f} s) is damaged and cannot be decoded", remedy
        )

    def _unlike_first(self, index: int, picture: av.VideoFrame) -> VideoError:
        width, height = self._stored_size
        return VideoError(
            str(self.path),
            f"frame {index} has {picture.width}x{picture.height} pixels, the first one {width}x{height}",
            "convert the video to one size, or choose a part of one size with --start and --end",
        )


def open_file(path: Path, frame_rate: float | None) -> VideoFile:
    """Open a video file, see `open_video`."""
    try:
        if path.stat().st_size == 0:
            raise VideoError(str(path), "the file is empty (0 bytes)", "copy it again")
        structure = read_structure(path)
        with open_container(path) as (container, stream):
            packets = scan(container, stream)
            stated_frames = stream.frames
            stated_s = stated_duration_s(container, stream)
            rates = stated_rates(stream, packets)
        if packets.count == 0:
            raise _no_frames(path, structure)
        first = _first_picture(path, structure)
        if packets.doubtful:
            packets = packets.decoded(_decoded_pts(path))
        packets = packets.from_pts(first.pts)
        if packets.count == 0:
            raise _no_frames(path, structure)
    except av.error.FFmpegError as error:
        raise _not_a_video(path, error) from error
    except OSError as error:
        raise unreadable(path, error) from error

    promised = _promised_frames(path.stat().st_size, structure, packets, stated_frames, stated_s, rates)
    if promised is not None:
        packets = packets.complete()
        if packets.count == 0:
            raise _no_frames(path, structure)
    return VideoFile(path, _timebase(packets, rates, frame_rate), packets, first, promised)


def _promised_frames(
    size: int, structure: Structure, packets: Packets, stated_frames: int, stated_s: float, rates: list[float]
) -> int | None:
    """Number of frames that a file had before its end was lost; None where nothing is missing."""
    if not structure.missing_bytes and not packets.read_bytes:
        return None
    if stated_frames >= packets.seen:
        promised = stated_frames
    elif stated_s > 0 and rates:
        promised = round(stated_s * rates[0])
    else:
        promised = round(packets.seen * (size + structure.missing_bytes) / (packets.read_bytes or size))
    return promised if promised > packets.seen else None


def _first_picture(path: Path, structure: Structure) -> av.VideoFrame:
    with open_container(path) as (container, stream):
        try:
            picture = next(decode(container, stream, skip_damaged=False), None)
        except av.error.InvalidDataError as error:
            raise VideoError(str(path), "its first frame is damaged and cannot be decoded", "copy it again") from error
    if picture is None:
        raise _no_frames(path, structure)
    return picture


def _decoded_pts(path: Path) -> list[int | None]:
    with open_container(path) as (container, stream):
        use_threads(stream, default_threads())
        return [picture.pts for picture in decode(container, stream, skip_damaged=True)]


def _timebase(packets: Packets, rates: list[float], frame_rate: float | None) -> Timebase:
    if frame_rate is not None:
        return Timebase(frame_rate, packets.count)
    if packets.pts is None:
        return Timebase((rates or [25.0])[0], packets.count)
    return timebase_from_pts(packets.pts, packets.tick_s, rates)


def stated_rates(stream: av.VideoStream, packets: Packets) -> list[float]:
    """Frame rates in the header, likeliest first."""
    # Without time stamps FFmpeg's average is its default, and the guess reads the codec's own header.
    measured = [stream.average_rate, stream.guessed_rate]
    rates = measured if packets.timed else measured[::-1]
    return [float(rate) for rate in rates if rate]


def stated_duration_s(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    """Duration in the header, in seconds; 0 where there is none."""
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        pass
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


def _no_frames(path: Path, structure: Structure) -> VideoError:
    if structure.missing_bytes:
        return VideoError(str(path), "the file is truncated before its first frames", "copy it again")
    return VideoError(str(path), "the video holds no frame", "pass another file, or record it again")


def _not_a_video(path: Path, error: av.error.FFmpegError) -> VideoError:
    if isinstance(error, OSError) and error.errno == errno.EACCES:
        return unreadable(path, error)
    structure = read_structure(path)
    if structure.lacks_index:
        return VideoError(
            str(path),
            "the file has no index (moov), so it is probably truncated or its recording never ended",
            "copy it again",
        )
    if structure.missing_bytes:
        return _no_frames(path, structure)
    return VideoError(
        str(path), "FFmpeg cannot read this as a video", "pass a video file such as mp4, mov, avi, mkv or webm"
    )
