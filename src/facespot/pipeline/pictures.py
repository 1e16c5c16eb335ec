"""The face at the apex of what was found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from facespot.faces import FaceTrack, crop
from facespot.pipeline.settings import RunSettings, progress_of
from facespot.pipeline.stages import Prepared
from facespot.values import KINDS, ByteImage, Track
from facespot.video import Selection, Video

PICTURES_PER_KIND = 10
PICTURE_SIZE = 112


def apex_pictures(
    video: Video,
    selection: Selection,
    faces: FaceTrack,
    track: Track,
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[int, ByteImage]:
    """The face in the apex frames of the highest-scoring expressions of each type.

    Returns
    -------
    dict from frame to (112, 112, 3) uint8 array
        RGB.
    """
    wanted: set[int] = set()
    for kind in KINDS:
        ranked = sorted(track.of_kind(kind).expressions, key=lambda one: one.score or 0.0, reverse=True)
        wanted |= {one.apex for one in ranked[:PICTURES_PER_KIND] if one.apex is not None}
    rows = np.searchsorted(selection.frames, sorted(wanted))
    usable = [(int(selection.frames[row]), int(faces.reference[row])) for row in rows if faces.reference[row] >= 0]
    pictures: dict[int, ByteImage] = {}
    frames = np.array([frame for frame, _ in usable], dtype=np.int64)
    for (frame, reference), image in zip(usable, video.read(frames), strict=True):
        pictures[frame] = crop(image.rgb(), faces.references[reference].box, PICTURE_SIZE)
        if on_progress is not None:
            on_progress(len(pictures), len(usable))
    return pictures


def pictures_if_wanted(prepared: Prepared, track: Track, run: RunSettings) -> dict[int, ByteImage]:
    """`apex_pictures` where the result is to carry them, else none."""
    if not run.pictures:
        return {}
    report = progress_of(run, "pictures")
    return apex_pictures(prepared.video, prepared.selection, prepared.faces, track, on_progress=report)
