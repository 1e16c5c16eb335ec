"""Images of single pairs of frames, such as onset and apex of an expression, beside the dense rows of `extract`.

Both frames of a pair are cropped by the box of its first frame, as in `extract`. A pair is valid where both frames have
a usable face.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facespot.features.cache import FeatureCache, read_arrays, write_arrays
from facespot.features.flow import load_flow_engine
from facespot.features.pair_stream import ROW_SHAPES, rows_of_flow
from facespot.features.regions import CROP_SIZE, face_regions
from facespot.values import BoolArray, ByteImage, FeatureSpec, FloatArray, IntArray, Setting

if TYPE_CHECKING:
    from facespot.faces import FaceTrack
    from facespot.video import Selection, Video

PAIRS_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class PairFeatures:
    """Images of some pairs of frames of one video.

    Parameters
    ----------
    pairs : (n, 2) int64 array
        First and second frame of each, in frames of the source video.
    values : (n, ...) float32 array
        NaN where not valid.
    valid : (n,) bool array
    """

    pairs: IntArray
    values: FloatArray
    valid: BoolArray


@dataclass(frozen=True)
class StoredPairs:
    """Pairs in the cache, small enough to be handed to another process."""

    folder: Path

    def open(self) -> PairFeatures:
        """The images, memory-mapped."""
        arrays = read_arrays(self.folder)
        return PairFeatures(np.array(arrays["pairs"]), arrays["values"], np.array(arrays["valid"]))


def extract_pairs(
    video: Video,
    selection: Selection,
    faces: FaceTrack,
    pairs: Sequence[tuple[int, int]],
    spec: FeatureSpec,
    *,
    cache: FeatureCache,
    context: Mapping[str, Setting],
    workers: int = 1,
) -> StoredPairs:
    """Compute the images of some pairs, or find them in the cache.

    Parameters
    ----------
    video, selection, faces
        As in `extract`; a frame that was not picked has the face of the next picked one.
    pairs : sequence of (int, int)
        Frames of the source video.
    spec : FeatureSpec
        What to make of the flow; its ``distance_s`` plays no part.
    cache, context, workers
        As in `extract`.
    """
    settings = {name: value for name, value in spec.settings.items() if name != "distance_s"}
    named = hashlib.sha256(json.dumps([list(pair) for pair in pairs]).encode()).hexdigest()
    complete = replace(spec, kind=f"{spec.kind}_pairs", settings={**settings, **context, "pairs": named})
    digest = video.digest()
    if cache.find(digest, complete) is None:
        found = _compute(video, selection, faces, pairs, spec, workers)
        with cache.create(digest, complete) as folder:
            write_arrays(folder, {"pairs": found.pairs, "values": found.values, "valid": found.valid})
    place = cache.find(digest, complete)
    if place is None:
        raise RuntimeError("a cache entry vanished while it was used")
    return StoredPairs(place)


def _compute(
    video: Video,
    selection: Selection,
    faces: FaceTrack,
    pairs: Sequence[tuple[int, int]],
    spec: FeatureSpec,
    workers: int,
) -> PairFeatures:
    from facespot.faces import crop, to_crop

    regions = [face_regions(to_crop(face.landmarks, face.box, CROP_SIZE)) for face in faces.references]
    array = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    rows = np.clip(np.searchsorted(selection.frames, array), 0, len(selection.frames) - 1)
    reference = faces.reference[rows]
    readable = np.array([found is not None for found in regions] + [False])
    valid: BoolArray = (reference >= 0).all(axis=1) & readable[reference[:, 0]]
    # Crops are needed by the box of each pair's first frame.
    wanted: dict[int, set[int]] = {}
    for (first, second), own in zip(array[valid].tolist(), reference[valid, 0].tolist(), strict=True):
        wanted.setdefault(first, set()).add(own)
        wanted.setdefault(second, set()).add(own)
    frames = np.array(sorted(wanted), dtype=np.int64)
    crops: dict[tuple[int, int], ByteImage] = {}
    for number, frame in zip(frames.tolist(), video.read(frames), strict=True):
        gray = frame.gray()
        for own in wanted[number]:
            crops[number, own] = crop(gray, faces.references[own].box, CROP_SIZE)
    values = np.full((len(array), *ROW_SHAPES[spec.kind]), np.nan, dtype=np.float32)
    engine = load_flow_engine(str(spec.settings["flow"]), workers=workers)
    usable = np.flatnonzero(valid)
    for start in range(0, len(usable), PAIRS_AT_ONCE):
        for own in np.unique(reference[usable[start : start + PAIRS_AT_ONCE], 0]).tolist():
            part = [one for one in usable[start : start + PAIRS_AT_ONCE].tolist() if reference[one, 0] == own]
            firsts = np.stack([crops[int(array[one, 0]), own] for one in part])
            seconds = np.stack([crops[int(array[one, 1]), own] for one in part])
            found = regions[own]
            if found is not None:
                values[part] = rows_of_flow(spec, engine.flow(firsts, seconds), found)
    return PairFeatures(array, values, valid)
