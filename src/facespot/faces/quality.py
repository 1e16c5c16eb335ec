"""How much of a fine motion can be in the pixels of a face: its size, noise, detail, compression and new frames.

Measured on runs of successive frames spread over the video, in the box of the face, on luma of 0..255.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from facespot.values import BoolArray, Box, ByteImage, FloatArray, IntArray

if TYPE_CHECKING:
    from facespot.faces.tracking import FaceTrack
    from facespot.video import Selection, Video

MACROBLOCK = 16
"""Side in pixels of what codecs leave as it was where little changes; the grid begins at the corner of the picture."""
BLOCK = 8
"""Side in pixels of the blocks in which noise is measured."""
RUN_PAIRS = 4
"""Pairs of successive frames read at one place."""
SEEK_FRAMES = 125
"""Frames decoded in vain to reach a new place: half the distance of x264's keyframes."""
GOLDEN = 0.6180339887498949
"""Multiples of it spread the places without a period that frames repeated at a fixed rhythm could share."""
QUIET_BLOCKS = 0.25
"""The noise is read off the quarter of the blocks with the least texture."""
QUIET_OF_NOISE = 0.863
"""Lower quartile of the root mean square of a block's 16 coefficients where there is noise alone, in its standard
deviations: the root of the lower quartile of chi squared / 16."""
DETAIL_SIDE = 128
"""The methods look at faces in crops of this side in pixels: what is finer does not count as detail."""
REPEATED_LEVELS, REPEATED_SHARE = 2.0, 0.999
"""A frame repeats the one before where this share of its pixels differs by no more levels."""


@dataclass(frozen=True)
class VideoQuality:
    """What a video offers for fine motion.

    The last four of the pixels are None where no two successive frames show the face.

    Parameters
    ----------
    face_size_pixels : float
        Distance between the outer eye corners in pixels, median over the references.
    fps : float
        Frames looked at per second.
    noise : float or None
        Standard deviation in grey levels of the noise within one frame: the finest diagonal band of the blocks with the
        least texture. Skin texture raises it, noise that is alike in neighbouring pixels is missed.
    motion_noise : float or None
        Standard deviation in grey levels of the noise between frames: that of the difference of successive frames
        within the median block, over the root of 2. Motion of more than half of the face raises it.
    detail : float or None
        Strength of the finest diagonal band over that of the next coarser one, no unit; blur and enlargement lower it.
    frozen : float or None
        Share of the macroblocks in which not one pixel changes from frame to frame, repeated frames left out;
        compression raises it, noise keeps it near 0.
    repeated : float or None
        Share of the frames that are identical or nearly so to the one before. Strong compression hides repetition: it
        changes the picture between two equal frames too.
    """

    face_size_pixels: float
    fps: float
    noise: float | None
    motion_noise: float | None
    detail: float | None
    frozen: float | None
    repeated: float | None


def measure_quality(video: Video, selection: Selection, faces: FaceTrack, *, frames: int = 24) -> VideoQuality:
    """Measure a video where it shows the face.

    Parameters
    ----------
    video : Video
        Opened video.
    selection : Selection
        Which of its frames count; successive ones are compared.
    faces : FaceTrack
        Where the face is in them.
    frames : int
        About how many pairs of successive frames are read, >= 1.

    Raises
    ------
    VideoError
        A frame cannot be decoded.
    """
    size = float(np.median([face.quality for face in faces.references]))
    rows = sampled_rows(faces.valid[:-1] & (faces.reference[:-1] == faces.reference[1:]), frames)
    measured = np.array(list(_pairs(video, selection, faces, rows)))
    if not len(measured):
        return VideoQuality(size, selection.fps, None, None, None, None, None)
    repeated = measured[:, -1] > 0
    changing = measured if repeated.all() else measured[~repeated]
    return VideoQuality(
        face_size_pixels=size,
        fps=selection.fps,
        noise=float(np.median(measured[:, 0])),
        motion_noise=float(np.median(changing[:, 1])),
        detail=float(np.median(measured[:, 2])),
        frozen=float(np.mean(changing[:, 3])),
        repeated=float(np.mean(repeated)),
    )


def sampled_rows(usable: BoolArray, pairs: int) -> IntArray:
    """Rows whose pair with the next row is measured: short runs, spread over the usable ones.

    >>> sampled_rows(np.ones(40, dtype=bool), 8).tolist()
    [12, 13, 14, 15, 24, 25, 26, 27]
    """
    rows = np.flatnonzero(usable)
    if not len(rows):
        return rows
    runs = np.arange(max(1, round(pairs / RUN_PAIRS)))
    places = (runs + (runs + 1) * GOLDEN % 1.0) / len(runs) * len(rows)
    wanted = np.unique(rows[places.astype(np.int64)][:, np.newaxis] + np.arange(RUN_PAIRS))
    wanted = wanted[wanted < len(usable)]
    return np.asarray(wanted[usable[wanted]], dtype=np.int64)


def _pairs(
    video: Video, selection: Selection, faces: FaceTrack, rows: IntArray
) -> Iterator[tuple[float, float, float, float, float]]:
    """Noise, noise between frames, detail, frozen share and whether it is repeated, of each pair of frames."""
    for row, before, after in _read_pairs(video, selection.frames, rows):
        box = faces.references[faces.reference[row]].box
        first, second = _face_region(before, box), _face_region(after, box)
        if not first.size:
            continue
        change = np.abs(second - first)
        yield (
            noise_within(first),
            noise_between(first, second),
            detail(first),
            float(np.mean(_blocks(change, MACROBLOCK).max(axis=-1) == 0)),
            float(np.quantile(change, REPEATED_SHARE) <= REPEATED_LEVELS),
        )


def _read_pairs(video: Video, frames: IntArray, rows: IntArray) -> Iterator[tuple[int, ByteImage, ByteImage]]:
    """Luma of each row's frame and of the next row's, in one pass where that decodes less than seeking each run."""
    starts = np.flatnonzero(np.diff(rows) > 1) + 1
    runs = np.split(rows, starts) if len(rows) else []
    if runs and frames[rows[-1]] - frames[rows[0]] <= SEEK_FRAMES * len(runs):
        runs = [rows]
    for run in runs:
        both = np.union1d(run, run + 1)
        firsts = set(run.tolist())
        pictures = zip(both.tolist(), video.read(frames[both]), strict=True)
        for (row, before), (_, after) in pairwise(pictures):
            if row in firsts:
                yield row, before.gray(), after.gray()


def noise_within(picture: FloatArray) -> float:
    """Noise of one picture; see `VideoQuality.noise`.

    Parameters
    ----------
    picture : (h, w) float32 array
        Grey levels; h and w are multiples of `BLOCK`.
    """
    _, diagonal = _haar(picture)
    strength = np.sqrt(np.mean(_blocks(diagonal, BLOCK // 2) ** 2, axis=-1))
    return float(np.quantile(strength, QUIET_BLOCKS)) / QUIET_OF_NOISE


def noise_between(before: FloatArray, after: FloatArray) -> float:
    """Noise between two pictures; see `VideoQuality.motion_noise`. Both as in `noise_within`."""
    spread = _blocks(after - before, BLOCK).std(axis=-1, ddof=1)
    return float(np.median(spread)) / 2**0.5


def detail(picture: FloatArray) -> float:
    """Fine detail of a picture, as in `noise_within`; see `VideoQuality.detail`. 0 where it is flat."""
    coarse, finest = _haar(_at_most(picture, DETAIL_SIDE))
    _, next_coarser = _haar(coarse)
    strength = float(np.sqrt(np.mean(next_coarser**2)))
    return float(np.sqrt(np.mean(finest**2))) / strength if strength > 0 else 0.0


def _at_most(picture: FloatArray, side: int) -> FloatArray:
    """The picture, reduced where its shorter side is longer than `side`."""
    import cv2

    height, width = picture.shape
    scale = side / min(height, width)
    if scale >= 1:
        return picture
    size = round(width * scale), round(height * scale)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _face_region(picture: ByteImage, box: Box) -> FloatArray:
    """The whole macroblocks of the picture that lie in the box, as float32; empty where there is none."""
    rows, columns = (
        slice(
            -(-max(0, round(start)) // MACROBLOCK) * MACROBLOCK,
            max(0, min(length, round(start + extent))) // MACROBLOCK * MACROBLOCK,
        )
        for start, extent, length in (
            (box.top, box.height, picture.shape[0]),
            (box.left, box.width, picture.shape[1]),
        )
    )
    return picture[rows, columns].astype(np.float32)


def _haar(picture: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means and diagonal differences of squares of 2x2 pixels, both of the noise of a pixel where it is white."""
    height, width = (side // 2 * 2 for side in picture.shape)
    a, b = picture[0:height:2, 0:width:2], picture[0:height:2, 1:width:2]
    c, d = picture[1:height:2, 0:width:2], picture[1:height:2, 1:width:2]
    half = np.float32(0.5)
    return np.asarray(half * (a + b + c + d)), np.asarray(half * (a - b - c + d))


def _blocks(picture: FloatArray, side: int) -> FloatArray:
    """Squares of a picture whose sides are multiples of `side`: (n, side x side)."""
    height, width = (length // side for length in picture.shape)
    return picture.reshape(height, side, width, side).swapaxes(1, 2).reshape(height * width, side * side)
