"""The emotions alone: a video and its expressions go in, the same expressions come out with their emotions named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from facespot.errors import FormatError
from facespot.faces import FaceSettings
from facespot.features import FeatureCache
from facespot.methods import Recognizer
from facespot.pipeline.emotions import ready_recognizer, with_emotions
from facespot.pipeline.lengths import rows_to_recognize, too_short
from facespot.pipeline.notes import notes_on_emotions, notes_on_faces
from facespot.pipeline.pictures import pictures_if_wanted
from facespot.pipeline.provenance import provenance_of
from facespot.pipeline.settings import ReadSettings, RunSettings, checked
from facespot.pipeline.stages import cache_folder, measure_plans, prepare
from facespot.values import Result, Track
from facespot.video import Video, open_video, select


def recognize(
    video: str | Path,
    track: Track,
    *,
    method: str | Recognizer = "mean",
    weights: Sequence[str | Path] = (),
    settings: Mapping[str, Any] | None = None,
    read: ReadSettings | None = None,
    face: FaceSettings | None = None,
    run: RunSettings | None = None,
) -> Result:
    """Name the emotion of given expressions in one video, whoever spotted them.

    Parameters
    ----------
    video : path
        Video file or frame folder.
    track : Track
        Expressions in frames of the video. All but their emotion is kept, and that too where it cannot be named.
    method : str or Recognizer
        Name of a method that names emotions, or one that `load_recognizer` made.
    weights, settings, read, face, run : optional
        As in `spot`.

    Returns
    -------
    Result
        Its scores are those of the recognizer; there are no curves.

    Raises
    ------
    FacespotError
        As `spot`; also where an expression lies outside the video, or the video is too short.
    """
    read, face, run = read or ReadSettings(), face or FaceSettings(), checked(run or RunSettings())
    recognizer = ready_recognizer(method, weights, settings)
    source = open_video(video, frame_rate=read.frame_rate)
    given = _in_video(track, source)
    selection = select(source, start_s=read.start_s, end_s=read.end_s, fps=read.fps)
    needed = rows_to_recognize(recognizer, selection)
    if len(selection.frames) < needed:
        raise too_short(source, selection, recognizer, needed)
    with cache_folder(run.cache) as root:
        cache = FeatureCache(root)
        prepared = prepare(source, selection, face=face, cache=cache, run=run)
        (features,) = measure_plans(prepared, [recognizer.plan()], cache=cache, run=run)
        scores = recognizer.score(features)
    named, without = with_emotions(recognizer, scores, given)
    notes = notes_on_faces(prepared.faces) + notes_on_emotions(without, "that of the annotation is kept")
    pictures = pictures_if_wanted(prepared, named, run)
    return Result(named, scores, (), provenance_of(prepared, face, None, recognizer), notes, pictures)


def _in_video(track: Track, video: Video) -> Track:
    """The track in the timebase of its video; annotations often end with the last expression."""
    last = max((one.offset for one in track.expressions), default=-1)
    if last >= video.timebase.n_frames:
        what = f"an expression ends at frame {last}, the video has {video.timebase.n_frames} frames (from 0)"
        raise FormatError(f"intervals of {track.video}", what, "check that they belong to this video")
    return Track(video.name, video.timebase, track.expressions)
