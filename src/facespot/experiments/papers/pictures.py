"""What figures of every paper start from: a test video as the run read it, and one scored row of it with its face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facespot.errors import SettingsError
from facespot.experiments.outcome import FoldOutcome, RunOutcome
from facespot.experiments.papers.reproduction import Reproduction
from facespot.faces import FaceSettings, crop, to_crop
from facespot.features import FeatureCache
from facespot.features.flow import load_flow_engine
from facespot.features.pair_stream import row_distance
from facespot.features.regions import CROP_SIZE, Regions, face_regions
from facespot.models import Checkpoint
from facespot.pipeline import Prepared, RunSettings, prepare
from facespot.values import ByteImage, FeatureSpec, FloatArray, IntArray, Kind, Recording
from facespot.video import open_video, select

FACE_SIZE = 256
MOST_MICRO = 2


@dataclass(frozen=True, eq=False)
class ScoredRow:
    """What a row of the scores was computed from.

    Parameters
    ----------
    frames : (2,) int64 array
        Its pair of frames.
    face : (256, 256, 3) uint8 array
        RGB crop of the later one.
    flow : (1, 128, 128, 2) float32 array
        Flow between the two.
    regions : Regions
        Parts of the face in the crop.
    """

    frames: IntArray
    face: ByteImage
    flow: FloatArray
    regions: Regions


def shown_videos(outcome: RunOutcome, named: Sequence[str] = ()) -> list[Recording]:
    """The named test videos, or those with the most micro-expressions.

    A video is named by its id or the last part of it.

    Raises
    ------
    SettingsError
        If a name is not that of a test video with scores.
    """
    usable = [one for one in outcome.tested if outcome.scores(one) is not None]
    if not named:
        counts = {one.id: [len(one.truth.of_kind(kind).expressions) for kind in ("micro", "macro")] for one in usable}
        return sorted(usable, key=lambda one: counts[one.id], reverse=True)[:MOST_MICRO]
    found = []
    for name in named:
        matching = [one for one in usable if name == one.id] or [one for one in usable if one.id.endswith(f"/{name}")]
        if not matching:
            known = ", ".join(one.id for one in usable[:5])
            raise SettingsError("--video", f"there is no test video {name!r}", f"name one such as {known}")
        found.append(matching[0])
    return found


def fold_of(outcome: RunOutcome, recording: Recording) -> FoldOutcome:
    """The fold that tested a video."""
    return next(fold for fold in outcome.folds if recording.id in fold.test)


def checkpoint_of(outcome: RunOutcome, recording: Recording, kind: Kind) -> Checkpoint:
    """What scored a test video."""
    return next(one for one in fold_of(outcome, recording).checkpoints() if one.kind == kind)


def prepared_video(outcome: RunOutcome, recording: Recording, reproduction: Reproduction) -> Prepared:
    """A test video with its face, as the run read it."""
    rate = recording.timebase.fps if recording.path.is_dir() else None
    video = open_video(recording.path, frame_rate=rate)
    selection = select(video, fps=outcome.plan.fps)
    cache = FeatureCache(reproduction.execution.cache)
    return prepare(
        video,
        selection,
        face=FaceSettings(detector=outcome.plan.detector),
        cache=cache,
        run=RunSettings(cache=reproduction.execution.cache, workers=1),
    )


def scored_row(prepared: Prepared, row: int, spec: FeatureSpec) -> ScoredRow:
    """Frames, face, flow and regions of a row that has a score.

    Parameters
    ----------
    prepared : Prepared
    row : int
    spec : FeatureSpec
        What the row is of.

    Raises
    ------
    ValueError
        If the row has no face.
    """
    distance = row_distance(spec, prepared.selection.fps)
    frames = prepared.selection.frames[[row, row + distance]]
    reference = prepared.faces.references[prepared.faces.reference[row]]
    regions = face_regions(to_crop(reference.landmarks, reference.box, CROP_SIZE))
    if regions is None:
        raise ValueError("a scored row has no face")
    images = list(prepared.video.read(frames))
    first, second = (crop(image.gray(), reference.box, CROP_SIZE)[np.newaxis] for image in images)
    flow = load_flow_engine(str(spec.settings["flow"])).flow(first, second)
    return ScoredRow(frames, crop(images[1].rgb(), reference.box, FACE_SIZE), flow, regions)
