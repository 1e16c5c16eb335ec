"""All stages: a video goes in, its expressions come out, with their emotions where a recognizer is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from facespot.faces import FaceSettings, measure_quality, quality_findings
from facespot.features import FeatureCache
from facespot.methods import DEFAULT_METHOD, Method, Recognizer, load_method
from facespot.pipeline.emotions import ready_recognizer, with_classes, with_emotions
from facespot.pipeline.lengths import is_too_slow, kinds_that_fit, rows_to_recognize
from facespot.pipeline.notes import notes_on_doubts, notes_on_emotions, notes_on_faces, notes_on_scores
from facespot.pipeline.pictures import pictures_if_wanted
from facespot.pipeline.provenance import provenance_of
from facespot.pipeline.settings import ReadSettings, RunSettings, checked
from facespot.pipeline.stages import cache_folder, measure_plans, prepare
from facespot.values import Result
from facespot.video import open_video, select


def spot(
    video: str | Path,
    *,
    method: str | Method = DEFAULT_METHOD,
    weights: Sequence[str | Path] = (),
    settings: Mapping[str, Any] | None = None,
    recognize: str | Recognizer | None = None,
    recognize_weights: Sequence[str | Path] = (),
    recognize_settings: Mapping[str, Any] | None = None,
    read: ReadSettings | None = None,
    face: FaceSettings | None = None,
    run: RunSettings | None = None,
) -> Result:
    """Spot macro- and micro-expressions in one video.

    Parameters
    ----------
    video : path
        Video file or frame folder.
    method : str or Method
        Name of a method, or one that `load_method` made.
    weights : sequence of path
        Checkpoint folders, for methods that need them.
    settings : mapping, optional
        Overrides of the method's settings.
    recognize : str or Recognizer, optional
        Who names the emotions of what was spotted: name of a method that can, or one that `load_recognizer` made. Its
        class probabilities are channels of the result's scores, in the rows of the spotting method.
    recognize_weights, recognize_settings
        As `weights` and `settings`, of the recognizer.
    read, face, run : optional
        Which frames are read, which face is followed, how the work is done.

    Raises
    ------
    FacespotError
        Whatever is wrong with the video, the face, the weights or a setting, in one line.
    """
    read, face, run = read or ReadSettings(), face or FaceSettings(), checked(run or RunSettings())
    chosen = load_method(method, weights=weights, settings=settings) if isinstance(method, str) else method
    recognizer = None if recognize is None else ready_recognizer(recognize, recognize_weights, recognize_settings)
    source = open_video(video, frame_rate=read.frame_rate)
    selection = select(source, start_s=read.start_s, end_s=read.end_s, fps=read.fps)
    kinds, notes = kinds_that_fit(chosen, source, selection)
    plan = {kind: chosen.plan()[kind] for kind in kinds}
    needed = 0 if recognizer is None else rows_to_recognize(recognizer, selection)
    naming = recognizer if len(selection.frames) >= needed else None
    if naming is not recognizer:
        notes += (f"too short to name emotions: {len(selection.frames)} frames, {needed} are needed",)
    with cache_folder(run.cache) as root:
        cache = FeatureCache(root)
        prepared = prepare(source, selection, face=face, cache=cache, run=run)
        quality = measure_quality(source, selection, prepared.faces)
        plans = [plan, {} if naming is None else naming.plan()]
        features, seen = measure_plans(prepared, plans, cache=cache, run=run)
        scores = chosen.score(features)
        classes = None if naming is None else naming.score(seen)
    track, curves = chosen.decode(scores), chosen.curves(scores)
    notes += notes_on_faces(prepared.faces) + notes_on_scores(scores)
    doubts = quality_findings(quality) if "micro" in kinds or is_too_slow(chosen, selection) else None
    if "micro" in kinds:
        notes += notes_on_doubts(doubts or ())
    if naming is not None and classes is not None:
        track, without = with_emotions(naming, classes, track)
        notes += notes_on_emotions(without, "it has none")
        scores = with_classes(scores, classes)
    pictures = pictures_if_wanted(prepared, track, run)
    provenance = provenance_of(prepared, face, chosen, recognizer, quality)
    return Result(track, scores, curves, provenance, notes, pictures, doubts)
