"""A whole run: features once, the folds over processes, then the summary. Killed and started again, it goes on.

Layout of a run folder::

    run.json                the plan
    folds/001-s01/          one per fold: checkpoints, scores/, fold.json (written last), timing.json
    truth.csv, predictions.csv, subjects.csv
    summary.json            every figure with its interval of confidence
    report.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from facespot.datasets import Dataset, load_dataset
from facespot.errors import MissingDependencyError, OutputError, SettingsError
from facespot.experiments.board import watch
from facespot.experiments.extraction import CorpusFeatures, extract_corpus
from facespot.experiments.fold_weights import match_folds, read_fold_weights
from facespot.experiments.folds import (
    FoldTask,
    adapted_method,
    discard_if_outdated,
    is_done,
    run_fold,
    safe_name,
)
from facespot.experiments.outcome import RunOutcome, gather
from facespot.experiments.plan import PLAN_FILE, RunPlan, differences, read_plan
from facespot.experiments.results import write_outcome
from facespot.experiments.tasks import run_tasks
from facespot.faces import FaceSettings, load_detector
from facespot.features.cache import default_cache_folder
from facespot.methods import Method, load_method, method_entry
from facespot.pipeline import ReadSettings
from facespot.values import Fold

RunStage = Literal["features", "folds"]
OnRunProgress = Callable[[RunStage, float, float], None]


@dataclass(frozen=True)
class Execution:
    """How the work is done; changes no result.

    Parameters
    ----------
    workers : int
        Processes.
    cache : Path
        Folder for features.
    on_progress : callable, optional
        Called with the stage, tasks done (as a fraction) and tasks in all.
    """

    workers: int = 1
    cache: Path = field(default_factory=default_cache_folder)
    on_progress: OnRunProgress | None = None


def run(plan: RunPlan, out: Path, execution: Execution | None = None) -> RunOutcome:
    """Do a run, or go on with it, and write its summary and report.

    Parameters
    ----------
    plan : RunPlan
    out : Path
        Run folder; made, or gone on with if it holds the same plan.
    execution : Execution, optional
        How the work is done.

    Returns
    -------
    RunOutcome
        Its `failed` names the videos and folds that failed; the others are in the summary.

    Raises
    ------
    FacespotError
        If the corpus, the method or a setting does not fit, or `out` holds something else.
    """
    execution = execution or Execution()
    if execution.workers < 1:
        raise SettingsError("--workers", f"{execution.workers} is out of range", "give 1 or more")
    dataset = load_dataset(plan.dataset, plan.root, emotions=plan.emotions, **plan.options)
    folds = plan.folds(dataset.recordings)
    weights = _weights_by_fold(plan, folds)
    methods = [_planned_method(plan, fold, dataset, weights[fold.name]) for fold in folds]
    load_detector(plan.detector)
    if plan.weights is None:
        check_can_train(plan.method)
    _claim(plan, out)
    for path in filter(_is_unfinished, out.iterdir()):
        path.unlink(missing_ok=True)
    features = _features(plan, out, dataset, methods, execution)
    tasks = [
        _task(plan, out, number, fold, features, dataset, method, weights[fold.name])
        for number, (fold, method) in enumerate(zip(folds, methods, strict=True), start=1)
    ]
    # What the corpus names but cannot be read is missing from every figure: as much a failure as any other.
    failed = {one.where: one.reason for one in dataset.report.of("missing video")} | dict(features.failed)
    board = out / ".progress"
    for task in tasks:
        discard_if_outdated(task)
    open_tasks = [task for task in tasks if not is_done(task.folder)]
    done = len(tasks) - len(open_tasks)
    on_progress = execution.on_progress

    def report(ended: float, _: float) -> None:
        if on_progress is not None:
            on_progress("folds", done + ended, len(tasks))

    with watch(board, len(open_tasks), report):
        for number, _, failure in run_tasks(run_fold, open_tasks, workers=execution.workers):
            if failure is not None:
                failed[f"fold {open_tasks[number].name}"] = failure
    outcome = gather(plan, out, dataset, {task.name: task.folder for task in tasks if is_done(task.folder)}, failed)
    write_outcome(outcome)
    return outcome


def resume(out: Path, execution: Execution | None = None) -> RunOutcome:
    """Go on with the run of a folder.

    Raises
    ------
    FormatError
        If the folder holds no run.
    """
    return run(read_plan(out), out, execution)


def read_run(out: Path) -> RunOutcome:
    """A run that ended, or as much of it as there is.

    Raises
    ------
    FormatError
        If the folder holds no run.
    """
    plan = read_plan(out)
    dataset = load_dataset(plan.dataset, plan.root, emotions=plan.emotions, **plan.options)
    folders = {
        fold.name: _fold_folder(out, number, fold)
        for number, fold in enumerate(plan.folds(dataset.recordings), start=1)
    }
    return gather(plan, out, dataset, {name: path for name, path in folders.items() if is_done(path)}, {})


def _claim(plan: RunPlan, out: Path) -> None:
    """Make the run folder, or see that it holds this run."""
    if (out / PLAN_FILE).exists():
        changed = differences(read_plan(out), plan)
        if changed:
            what = f"it holds another run (different: {', '.join(changed)})"
            raise SettingsError(str(out), what, f"choose another --out, or continue that one with --resume {out}")
        return
    if out.exists() and (not out.is_dir() or any(not _is_unfinished(path) for path in out.iterdir())):
        raise OutputError(str(out), "it is in the way and holds no run", "choose another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            str(out), f"it cannot be made ({error.strerror})", "choose another place with --out"
        ) from error
    plan.write(out)


def _is_unfinished(path: Path) -> bool:
    """Whether it is a file that a killed process of ours left half-written, see `facespot.export.atomic`."""
    return path.name.startswith(".") and path.name.endswith(".unfinished")


def check_can_train(method: str) -> None:
    """Say that PyTorch is missing before hours go into features.

    Raises
    ------
    MissingDependencyError
        If the method learns, and a library that it takes is not installed.
    """
    if not method_entry(method).needs_weights:
        return
    missing = [name for name in ("torch", "onnx", "onnxscript") if find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"training {method}", f"{missing[0]} is not installed", 'run pip install "facespot[train]"'
        )


def _weights_by_fold(plan: RunPlan, folds: Sequence[Fold]) -> Mapping[str, tuple[Path, ...]]:
    if plan.weights is None:
        return {fold.name: () for fold in folds}
    found = match_folds(folds, read_fold_weights(Path(plan.weights)))
    return {name: tuple(paths) for name, paths in found.items()}


def _planned_method(plan: RunPlan, fold: Fold, dataset: Dataset, weights: Sequence[Path]) -> Method:
    if weights:
        return load_method(plan.method, weights=weights, settings=plan.settings)
    return adapted_method(plan, fold.train, dataset.recordings)


def _features(
    plan: RunPlan, out: Path, dataset: Dataset, methods: Sequence[Method], execution: Execution
) -> CorpusFeatures:
    distinct = {repr(method.config): method for method in methods}
    on_progress = execution.on_progress
    return extract_corpus(
        dataset.recordings,
        list(distinct.values()),
        kinds=plan.kinds,
        read=ReadSettings(fps=plan.fps),
        face=FaceSettings(detector=plan.detector),
        cache=execution.cache,
        workers=execution.workers,
        board=out / ".progress",
        on_progress=None if on_progress is None else lambda done, total: on_progress("features", done, total),
    )


def _fold_folder(out: Path, number: int, fold: Fold) -> Path:
    return out / "folds" / f"{number:03d}-{safe_name(fold.name)}"


def _task(
    plan: RunPlan,
    out: Path,
    number: int,
    fold: Fold,
    features: CorpusFeatures,
    dataset: Dataset,
    method: Method,
    weights: tuple[Path, ...],
) -> FoldTask:
    planned = {kind: spec for kind, spec in method.plan().items() if kind in plan.kinds}
    needed = fold.test if weights else (*fold.train, *fold.test)
    return FoldTask(
        plan=plan,
        name=fold.name,
        folder=_fold_folder(out, number, fold),
        train=fold.train,
        test=fold.test,
        features={one.id: features.of(one.id, planned) for one in needed},
        pairs={one.id: features.pairs[one.id] for one in fold.train if one.id in features.pairs},
        failed=tuple(one.id for one in needed if one.id in features.failed),
        licence=dataset.licence,
        weights=weights,
        note=out / ".progress" / f"{number}",
    )
