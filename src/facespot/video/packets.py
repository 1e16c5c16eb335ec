"""What one pass over a video stream's packets tells about its frames."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import numpy as np

from facespot.values import BoolArray, IntArray
from facespot.video.timing import complete_frames

# Smaller MPEG-4 packets say "no new picture here"; avi encoders use them in two ways that only decoding tells apart.
LEAST_MPEG4_BYTES = 8
# No codec shows a frame more places earlier than it is decoded (H.264, H.265).
MOST_REORDERED = 16


@dataclass(frozen=True, eq=False)
class Packets:
    """The packets that become frames.

    Parameters
    ----------
    count : int
        Number of frames.
    seen : int
        Number of packets with a picture, including those shown before the first frame or lost at a cut.
    tick_s : Fraction
        Unit of the time stamps, in seconds.
    decoding_order : (count,) int64 array or None
        Time stamps as the packets come; None where they cannot be relied on.
    is_key : (count,) bool array
        Where decoding can begin, in the same order.
    pts : (count,) int64 array or None
        The same time stamps in display order.
    timed : bool
        The container states times.
    read_bytes : int
        Where in the file reading broke off; 0 where it went to the end.
    doubtful : bool
        The number of frames can only be found by decoding.
    """

    count: int
    seen: int
    tick_s: Fraction
    decoding_order: IntArray | None
    is_key: BoolArray
    timed: bool
    read_bytes: int
    doubtful: bool
    pts: IntArray | None = None

    def __post_init__(self) -> None:
        pts = None if self.decoding_order is None else np.sort(self.decoding_order)
        object.__setattr__(self, "pts", pts)

    def keyframe_before(self, index: int) -> int:
        """Last frame, at or before `index`, at which decoding can begin; 0 where there is none."""
        if self.pts is None or self.decoding_order is None:
            return 0
        keys = np.sort(self.decoding_order[self.is_key])
        position = int(np.searchsorted(keys, self.pts[index], side="right")) - 1
        while position >= 0:
            first, after = np.searchsorted(self.pts, keys[position] + np.array([0, 1]))
            if after - first == 1:
                return int(first)
            position -= 1
        return 0

    def from_pts(self, pts: int | None) -> Packets:
        """Without the packets shown before the first frame that the decoder gives.

        Where a stream begins amid a group of pictures, some refer to pictures before the cut and are not shown.
        """
        if self.decoding_order is None or pts is None:
            return self
        return self._keep(self.decoding_order, self.decoding_order >= pts)

    def complete(self) -> Packets:
        """Without the frames at a cut end that packets are missing before."""
        if self.decoding_order is None or self.pts is None:
            count = max(0, self.count - MOST_REORDERED)
            return replace(self, count=count, is_key=self.is_key[:count])
        count = complete_frames(self.decoding_order)
        if count == self.count:
            return self
        return self._keep(self.decoding_order, self.decoding_order < self.pts[count])

    def decoded(self, pts: Sequence[int | None]) -> Packets:
        """With the time stamps of the frames that decoding gave, where they are usable, and their number."""
        stamps = np.array([stamp for stamp in pts if stamp is not None], dtype=np.int64)
        usable = len(stamps) == len(pts) and bool(np.all(np.diff(stamps) > 0))
        return replace(
            self,
            count=len(pts),
            decoding_order=stamps if usable else None,
            is_key=np.zeros(len(pts), dtype=np.bool_),
            doubtful=False,
        )

    def _keep(self, order: IntArray, kept: BoolArray) -> Packets:
        order = order[kept]
        return replace(self, count=len(order), decoding_order=order, is_key=self.is_key[kept])


def scan(container: av.container.InputContainer, stream: av.VideoStream) -> Packets:
    """Pass over a stream's packets without decoding them.

    Left out are packets that give no frame: empty ones, those before the first keyframe, those that an edit list hides
    and alternate reference pictures of VP8 and VP9. A read error ends the pass.
    """
    codec = stream.codec_context.name
    pts, keys = array("q"), array("b")
    missing_pts = tiny = 0
    decodable = reordered_avi = cut = False
    position = broken_at = 0
    is_avi = container.format.name == "avi"
    try:
        for packet in demux(container, stream):
            position = packet.pos or position
            decodable = decodable or packet.is_keyframe
            if not decodable or packet.is_discard:
                continue
            if not is_shown(packet, codec):
                continue
            # avi carries no display times; FFmpeg numbers the packets, which is wrong where they are reordered.
            reordered_avi = reordered_avi or (is_avi and packet.pts != packet.dts)
            missing_pts += packet.pts is None
            tiny += packet.size < LEAST_MPEG4_BYTES
            cut = packet.is_corrupt
            pts.append(0 if packet.pts is None else packet.pts)
            keys.append(packet.is_keyframe)
    except av.error.FFmpegError:
        broken_at = max(position, 1)
    if cut:
        # The last packet lacks its end; one amid the stream is left to the decoder.
        pts.pop()
        keys.pop()
    count = len(pts)
    usable = count > 0 and not missing_pts and not reordered_avi
    return Packets(
        count=count,
        seen=count,
        tick_s=Fraction(stream.time_base or 1),
        decoding_order=np.array(pts, dtype=np.int64) if usable else None,
        is_key=np.array(keys, dtype=np.bool_),
        timed=missing_pts < count,
        read_bytes=broken_at,
        doubtful=0 < missing_pts < count or (codec == "mpeg4" and tiny > 0),
    )


def demux(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.Packet[av.VideoStream]]:
    """Packets of a stream that hold data; an empty one amid the stream would end the decoding.

    Raises
    ------
    av.error.FFmpegError
        The file cannot be read on.
    """
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except IndexError:
            # A stream that begins later in the file is unknown to PyAV; what follows its packet can be read.
            packets = container.demux(stream)
            continue
        if packet is None:
            return
        if packet.size:
            yield packet


def is_shown(packet: av.Packet[av.VideoStream], codec: str) -> bool:
    """Whether a packet becomes a frame; VP8 and VP9 have pictures that only serve as references.

    Sources: RFC 6386, section 9.1 (show_frame); VP9 Bitstream Specification, sections 6.2 and Annex B.
    """
    if codec not in ("vp8", "vp9"):
        return True
    data = memoryview(packet)
    first = data[0]
    if codec == "vp8":
        return bool(first & 0x10)
    is_superframe = data[-1] & 0xE0 == 0xC0
    if is_superframe or first & 0x30 == 0x30:
        return True
    return bool(first & 0x08 or first & 0x02)
