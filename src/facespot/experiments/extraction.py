"""The features of a whole corpus, computed once and found in the cache ever after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from facespot.experiments.board import Note, watch
from facespot.experiments.tasks import run_tasks
from facespot.faces import FaceSettings
from facespot.features import FeatureCache, StoredFeatures
from facespot.features.pairs import StoredPairs
from facespot.methods import Method
from facespot.pipeline import ReadSettings, RunSettings, measure, measure_pairs, prepare
from facespot.values import FeatureSpec, Kind, Recording
from facespot.video import open_video, select

OnProgress = Callable[[float, float], None]


@dataclass(frozen=True)
class CorpusFeatures:
    """Where the features of each video are.

    Parameters
    ----------
    places : mapping from (id of the recording, digest of the planned spec) to StoredFeatures
        A video that is too short for a type has none for it.
    pairs : mapping from id to StoredPairs
        Single pairs of frames that the methods learn from.
    failed : mapping from id to str
        Videos that could not be read or show no usable face, and why.
    """

    places: Mapping[tuple[str, str], StoredFeatures]
    pairs: Mapping[str, StoredPairs]
    failed: Mapping[str, str]

    def of(self, recording: str, plan: Mapping[Kind, FeatureSpec]) -> dict[Kind, StoredFeatures]:
        """The features of one video that a method asks for, as far as there are any."""
        found = {kind: self.places.get((recording, spec.digest())) for kind, spec in plan.items()}
        return {kind: one for kind, one in found.items() if one is not None}


@dataclass(frozen=True)
class _Task:
    recording: Recording
    methods: tuple[Method, ...]
    kinds: tuple[Kind, ...]
    read: ReadSettings
    face: FaceSettings
    cache: Path
    note: Path


def extract_corpus(
    recordings: Sequence[Recording],
    methods: Sequence[Method],
    *,
    kinds: Sequence[Kind],
    read: ReadSettings,
    face: FaceSettings,
    cache: Path,
    workers: int,
    board: Path,
    on_progress: OnProgress | None = None,
) -> CorpusFeatures:
    """Compute, in one pass over each video, the features that any of the methods asks for.

    Parameters
    ----------
    recordings : sequence of Recording
    methods : sequence of Method
        One for each fold whose settings differ.
    kinds : sequence of str
        Types to serve.
    read, face : settings
        Which frames are read and which face is followed.
    cache : Path
        Folder of the cache.
    workers : int
        Processes; each video is one task.
    board : Path
        Folder for notes of progress.
    on_progress : callable, optional
        Called with videos done, as a fraction, and videos in all.
    """
    tasks = [
        _Task(one, tuple(methods), tuple(kinds), read, face, cache, board / f"{number}")
        for number, one in enumerate(recordings)
    ]
    places: dict[tuple[str, str], StoredFeatures] = {}
    pairs: dict[str, StoredPairs] = {}
    failed: dict[str, str] = {}
    with watch(board, len(tasks), on_progress):
        for number, extracted, failure in run_tasks(_extract_recording, tasks, workers=workers):
            recording = recordings[number]
            if failure is not None:
                failed[recording.id] = failure
                continue
            stored, of_pairs = extracted
            for digest, one in stored:
                places[recording.id, digest] = replace(one, video=recording.id)
            if of_pairs is not None:
                pairs[recording.id] = of_pairs
    return CorpusFeatures(places, pairs, {one.id: failed[one.id] for one in recordings if one.id in failed})


def _extract_recording(task: _Task) -> tuple[list[tuple[str, StoredFeatures]], StoredPairs | None]:
    note = Note(task.note)
    # Finding the face takes about half as long as measuring the motion.
    shares = {"faces": (0.0, 0.3), "motion": (0.3, 0.7)}

    def report(stage: str, done: int, total: int) -> None:
        if stage in shares and total:
            start, share = shares[stage]
            note(min(start + share * done / total, 0.99))

    is_folder = task.recording.path.is_dir()
    source = open_video(task.recording.path, frame_rate=task.recording.timebase.fps if is_folder else None)
    selection = select(source, start_s=task.read.start_s, end_s=task.read.end_s, fps=task.read.fps)
    wanted: dict[str, FeatureSpec] = {}
    for method in task.methods:
        for kind, spec in method.plan().items():
            if kind in task.kinds and len(selection.frames) >= method.rows_needed(kind, selection.fps):
                wanted[spec.digest()] = spec
    if not wanted:
        return [], None
    run = RunSettings(cache=task.cache, workers=1, on_progress=report)
    cache = FeatureCache(task.cache)
    prepared = prepare(source, selection, face=task.face, cache=cache, run=run)
    stored = measure(prepared, list(wanted.values()), cache=cache, run=run)
    # The settings that differ from fold to fold do not change which pairs are learned from.
    pairs = task.methods[0].pairs(task.recording.truth)
    of_pairs = None
    if pairs:
        spec = next(iter(task.methods[0].plan().values()))
        of_pairs = measure_pairs(prepared, pairs, spec, cache=cache, run=run)
    note(1.0)
    return list(zip(wanted, stored, strict=True)), of_pairs
