"""What a run found: predictions and scores of every test video, decoded again whenever a threshold changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from facespot.datasets import Dataset
from facespot.errors import FormatError
from facespot.experiments.folds import FOLD_FILE, SCHEMA
from facespot.experiments.plan import RunPlan
from facespot.export.results import read_scores
from facespot.methods import Method, new_method
from facespot.metrics import Corpus, Resampling, Rule, Summary, summarize
from facespot.models import Checkpoint, read_checkpoint
from facespot.models.checkpoint import DESCRIPTION_FILE
from facespot.values import Curve, Recording, Scores, Track


@dataclass(frozen=True)
class FoldOutcome:
    """What one fold left in its folder.

    Parameters
    ----------
    name : str
        What was held out.
    folder : Path
    train, test : tuple of str
        Ids of the recordings.
    settings : mapping
        All settings of the method, k of this fold included.
    score_files : mapping from id to Path
        A test video without features has none.
    """

    name: str
    folder: Path
    train: tuple[str, ...]
    test: tuple[str, ...]
    settings: Mapping[str, Any]
    score_files: Mapping[str, Path]

    def method(self, name: str, **changes: Any) -> Method:
        """The method with this fold's settings, some of them changed; it decodes, but has no weights."""
        return new_method(name, {**self.settings, **changes})

    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """What was trained, if the weights were not made elsewhere; their hashes are checked once."""
        return self._checkpoints

    @cached_property
    def _checkpoints(self) -> tuple[Checkpoint, ...]:
        found = sorted(path.parent for path in self.folder.glob(f"*/{DESCRIPTION_FILE}"))
        return tuple(read_checkpoint(path) for path in found)

    def timing(self) -> dict[str, float]:
        """Seconds for training and scoring, where they are known."""
        try:
            found: dict[str, float] = json.loads((self.folder / "timing.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found


@dataclass(frozen=True)
class RunOutcome:
    """A run with all that its figures come from.

    Parameters
    ----------
    plan : RunPlan
    folder : Path
    dataset : Dataset
    folds : tuple of FoldOutcome
        Those that ended.
    failed : mapping from video or fold to str
        What failed, and why.
    """

    plan: RunPlan
    folder: Path
    dataset: Dataset
    folds: tuple[FoldOutcome, ...]
    failed: Mapping[str, str]

    @cached_property
    def tested(self) -> tuple[Recording, ...]:
        """The recordings of the folds that ended, in the order of the corpus."""
        ids = {one for fold in self.folds for one in fold.test}
        return tuple(one for one in self.dataset.recordings if one.id in ids)

    @cached_property
    def truth(self) -> tuple[Track, ...]:
        """Annotated expressions of the types of the run."""
        kinds = self.plan.kinds
        return tuple(
            Track(one.id, one.timebase, tuple(found for found in one.truth.expressions if found.kind in kinds))
            for one in self.tested
        )

    @cached_property
    def subjects(self) -> dict[str, str]:
        """Subject of each video."""
        return {one.id: one.subject for one in self.tested}

    @property
    def corpus(self) -> Corpus:
        """What the evaluation may know of the videos."""
        return Corpus(subjects=self.subjects, lengths={one.id: one.timebase for one in self.tested})

    def scores(self, recording: Recording) -> Scores | None:
        """Raw scores of a test video."""
        if recording.id not in self._known_scores:
            path = self._fold_of[recording.id].score_files.get(recording.id)
            scores = None if path is None else read_scores(path, recording.id, recording.timebase)
            self._known_scores[recording.id] = scores
        return self._known_scores[recording.id]

    def curves(self, recording: Recording) -> tuple[Curve, ...]:
        """Smoothed scores and thresholds of a test video."""
        scores = self.scores(recording)
        if scores is None:
            return ()
        found = self._fold_of[recording.id].method(self.plan.method).curves(scores)
        return tuple(curve for curve in found if curve.kind in self.plan.kinds)

    def predicted(self, **changes: Any) -> tuple[Track, ...]:
        """Spotted expressions of every test video, with some settings changed; no new inference."""
        methods = {fold.name: fold.method(self.plan.method, **changes) for fold in self.folds}
        tracks = []
        for recording in self.tested:
            scores = self.scores(recording)
            track = Track(recording.id, recording.timebase)
            if scores is not None:
                track = methods[self._fold_of[recording.id].name].decode(scores)
            tracks.append(track)
        return tuple(tracks)

    def summary(self, *, rule: Rule | None = None, **changes: Any) -> Summary:
        """Every figure, under the run's rule unless another is given."""
        return summarize(
            self.truth,
            self.predicted(**changes),
            rule=rule or self.plan.rule,
            corpus=self.corpus,
            resampling=Resampling(seed=self.plan.seed),
        )

    @cached_property
    def _known_scores(self) -> dict[str, Scores | None]:
        """Scores read so far: a threshold is often changed, and the files stay as they are."""
        return {}

    @cached_property
    def _fold_of(self) -> dict[str, FoldOutcome]:
        return {one: fold for fold in self.folds for one in fold.test}


def gather(
    plan: RunPlan, folder: Path, dataset: Dataset, folds: Mapping[str, Path], failed: Mapping[str, str]
) -> RunOutcome:
    """Read what the folds left.

    Raises
    ------
    FormatError
        If a fold's file is damaged.
    """
    return RunOutcome(plan, folder, dataset, tuple(_read_fold(path) for path in folds.values()), failed)


def _read_fold(folder: Path) -> FoldOutcome:
    path = folder / FOLD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            raise ValueError(f"its schema is {content['schema']!r}")
        files = {video: folder / "scores" / name for video, name in content["scores"].items()}
        return FoldOutcome(
            content["name"], folder, tuple(content["train"]), tuple(content["test"]), content["settings"], files
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = f"delete {folder} and resume the run"
        raise FormatError(str(path), f"it cannot be read ({error})", remedy) from error
