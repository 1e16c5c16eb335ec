"""The value types that travel between the rooms: small, frozen, numpy only.

Conventions, the same everywhere in facespot
--------------------------------------------
Frames count from 0. Intervals are closed: both the onset and the offset frame belong to the expression, so its
length is ``offset - onset + 1``. Times are seconds. Image positions are pixels, x to the right, y down, the centre of
the first pixel at (0, 0). Arrays held by a value are read-only.

A row of `Features` or `Scores` belongs to one frame of the *source* video, named in ``frames``; rows are taken at
``fps`` rows per second, which differs from the video's own rate when frames were picked (``--fps``).
"""

from facespot.values.arrays import BoolArray, ByteImage, FloatArray, IntArray, Setting
from facespot.values.corpus import Fold, Recording
from facespot.values.face import Box, Face
from facespot.values.rows import EMOTION_CHANNEL, Curve, Features, FeatureSpec, Result, Scores
from facespot.values.time import KINDS, Expression, Kind, Timebase, Track, distance_in_frames

__all__ = [
    "EMOTION_CHANNEL",
    "KINDS",
    "BoolArray",
    "Box",
    "ByteImage",
    "Curve",
    "Expression",
    "Face",
    "FeatureSpec",
    "Features",
    "FloatArray",
    "Fold",
    "IntArray",
    "Kind",
    "Recording",
    "Result",
    "Scores",
    "Setting",
    "Timebase",
    "Track",
    "distance_in_frames",
]
