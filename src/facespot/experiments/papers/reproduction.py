"""What all papers' tables and figures are made with: the corpus, the protocol, and runs that several of them share.

Runs lie in ``OUT/runs/``, each named after what sets it apart: ``softnet``, ``strain``, ``softnet-macro-resnet18``,
``softnet-honest-seed-3``. One that has ended is read, one that was stopped or lacks a video goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from facespot.datasets import Dataset, load_dataset
from facespot.errors import FormatError, SettingsError
from facespot.experiments.folds import safe_name
from facespot.experiments.outcome import RunOutcome
from facespot.experiments.plan import PLAN_FILE, RunPlan, differences, read_plan
from facespot.experiments.printed import printed_table
from facespot.experiments.run import Execution, OnRunProgress, read_run, run
from facespot.experiments.table import Ours, ReproducedTable, data_line_for, other_data_line, reproduce_table
from facespot.methods import new_method
from facespot.methods.settings import override
from facespot.values import KINDS, Kind

NAMED_BY_VALUE = ("network", "pseudo_label")
"""Settings whose value says enough in the name of a run."""


@dataclass(frozen=True)
class ReproducedFigure:
    """Pictures of ours in the manner of a printed figure.

    Parameters
    ----------
    id : str
        Such as ``softnet:figure5``.
    heading, data_line, protocol_line : str
        As in `ReproducedTable`.
    notes : tuple of str
    paths : tuple of Path
        The pictures.
    """

    id: str
    heading: str
    data_line: str
    protocol_line: str
    notes: tuple[str, ...]
    paths: tuple[Path, ...]

    def text(self) -> str:
        """Lines for a terminal; the paths come last, each on a line of its own."""
        notes = "".join(f"note: {note}\n" for note in self.notes)
        paths = "".join(f"{path}\n" for path in self.paths)
        return f"{self.heading}\n{self.data_line}\n{self.protocol_line}\n\n{notes}{paths}"


@dataclass
class Reproduction:
    """Tables and figures of a paper on one corpus under one protocol.

    Parameters
    ----------
    plan : RunPlan
        Corpus, protocol, seed and changed settings of every run; method and types are filled in for each.
    out : Path
        Folder of the runs and pictures.
    execution : Execution
        How the work is done.
    videos : tuple of str
        Videos that figures of single videos show; empty for their own choice.
    progress : callable, optional
        Shows the progress of one run: takes its name, gives a context manager around an `OnRunProgress`.
    failed : dict from video or fold to str
        Filled with what failed in the runs that were made.
    """

    plan: RunPlan
    out: Path
    execution: Execution = field(default_factory=Execution)
    videos: tuple[str, ...] = ()
    progress: Callable[[str], AbstractContextManager[OnRunProgress]] | None = None
    failed: dict[str, str] = field(default_factory=dict)

    @cached_property
    def dataset(self) -> Dataset:
        """The corpus, read once."""
        return load_dataset(self.plan.dataset, self.plan.root, emotions=self.plan.emotions, **self.plan.options)

    def run(self, method: str, *, kinds: tuple[Kind, ...] = KINDS, **settings: Any) -> RunOutcome:
        """The run of a method: read where it has ended, else made or gone on with.

        A run of both types serves where one is asked for: each type is learned by itself. A method with one network for
        both types is never asked for one of them.

        Parameters
        ----------
        method : str
        kinds : tuple of str
            Types that are needed.
        **settings
            What this run is about, such as ``network="resnet18"``; goes before what the user changed.

        Raises
        ------
        FacespotError
            As `facespot.experiments.run.run` does; or if not a single fold ended.
        """
        plan = self._plan(method, kinds, settings)
        for one in (plan, replace(plan, kinds=KINDS)):
            ended = _ended(one, self._folder(one))
            if ended is not None:
                return ended
        folder = self._folder(plan)
        if self.progress is None:
            outcome = run(plan, folder, self.execution)
        else:
            with self.progress(folder.name) as report:
                outcome = run(plan, folder, replace(self.execution, on_progress=report))
        self.failed |= outcome.failed
        if not outcome.folds:
            name, reason = next(iter(outcome.failed.items()), (str(folder), "there was none"))
            raise FormatError(name, f"no fold could be made ({reason})", "mend it and give the same command again")
        return outcome

    def table(
        self,
        table_id: str,
        ours: Ours,
        outcomes: Sequence[RunOutcome] = (),
        *,
        notes: Sequence[str] = (),
        more_rows: Sequence[str] = (),
    ) -> ReproducedTable:
        """A printed table with our values, headed by data, protocol and changed settings.

        Parameters
        ----------
        table_id, ours, notes, more_rows
            As in `reproduce_table`.
        outcomes : sequence of RunOutcome
            The runs that the values come from.
        """
        rule = (f"ours are counted so: {self.plan.rule.sentence()}",) if outcomes else ()
        made = reproduce_table(
            printed_table(table_id),
            ours,
            corpus=self.plan.dataset,
            root=self.plan.root,
            counts=self.dataset.counts(),
            protocol=self.plan.protocol_text(),
            notes=(*rule, *notes, *_silent(outcomes)),
            more_rows=more_rows,
        )
        return replace(made, heading=self._with_changes(made.heading, outcomes))

    def figure(
        self,
        figure_id: str,
        title: str,
        printed: Mapping[str, str],
        outcome: RunOutcome,
        *,
        paths: Sequence[Path],
        notes: Sequence[str] = (),
    ) -> ReproducedFigure:
        """Pictures under the same heading as a table.

        Parameters
        ----------
        figure_id, title : str
        printed : mapping from corpus to str
            Data sets that the printed figure is of, and how they are called.
        outcome : RunOutcome
        paths : sequence of Path
            The pictures.
        notes : sequence of str
            What a reader must know of them.
        """
        counts = self.dataset.counts()
        other = other_data_line(printed, self.plan.dataset, counts)
        return ReproducedFigure(
            figure_id,
            self._with_changes("\n".join(filter(None, (title, other))), [outcome]),
            data_line_for(self.plan.dataset, self.plan.root, counts),
            f"protocol: {self.plan.protocol_text()}",
            (*notes, *_silent([outcome])),
            tuple(paths),
        )

    def of(self, method: str) -> Reproduction:
        """The same for another paper, of this method: its protocol and rule head the tables and figures."""
        return replace(self, plan=replace(self.plan, method=method))

    def picture(self, figure_id: str, detail: str = "") -> Path:
        """Where a picture goes: ``OUT/softnet-figure6-VIDEO.png``."""
        name = "-".join(filter(None, (figure_id.replace(":", "-"), safe_name(detail))))
        return self.out / f"{name}.png"

    def _folder(self, plan: RunPlan) -> Path:
        return self.out / "runs" / run_name(plan)

    def _plan(self, method: str, kinds: tuple[Kind, ...], settings: Mapping[str, Any]) -> RunPlan:
        default = new_method(method).config
        known = {one.name for one in fields(default)}
        wanted = {name: value for name, value in self.plan.settings.items() if name in known} | dict(settings)
        config = override(default, wanted)
        # As numbers, and without what is the default anyway: the same run must have the same plan.
        changed = {name: getattr(config, name) for name in wanted if getattr(config, name) != getattr(default, name)}
        return replace(self.plan, method=method, kinds=kinds, settings=changed)

    def _with_changes(self, heading: str, outcomes: Sequence[RunOutcome]) -> str:
        """The heading, and which of the user's settings took effect; one that the rows themselves vary did not."""
        used = {
            name: {one.plan.settings[name] for one in outcomes if name in one.plan.settings}
            for name in self.plan.settings
        }
        changed = ", ".join(f"{name}={values.pop()}" for name, values in used.items() if len(values) == 1)
        return f"{heading}\nsettings changed: {changed}" if changed else heading


def check_settings(settings: Mapping[str, Any], methods: Sequence[str]) -> None:
    """See that every setting belongs to one of the methods, and its value fits.

    Raises
    ------
    SettingsError
        If one does not.
    """
    defaults = [new_method(name).config for name in methods]
    known = dict.fromkeys(entry.name for one in defaults for entry in fields(one))
    for name in settings:
        if name not in known:
            raise SettingsError(f"setting {name!r}", "it is unknown", f"the settings are {', '.join(known)}")
    for one in defaults:
        own = {entry.name for entry in fields(one)}
        override(one, {name: value for name, value in settings.items() if name in own})


def run_name(plan: RunPlan) -> str:
    """Name of a run's folder: the method, and whatever is not as it is published.

    >>> run_name(RunPlan("synth", "/a", "softnet", published=True))
    'softnet'
    >>> changed = {"network": "resnet18", "epochs": 2}
    >>> run_name(RunPlan("synth", "/a", "softnet", kinds=("macro",), protocol="kfold:5", settings=changed, seed=1))
    'softnet-macro-resnet18-epochs-2-kfold5-honest-seed-1'
    """
    parts: list[str] = [plan.method]
    if plan.kinds != KINDS:
        parts += plan.kinds
    for name, value in sorted(plan.settings.items(), key=lambda one: (one[0] not in NAMED_BY_VALUE, one[0])):
        parts.append(str(value) if name in NAMED_BY_VALUE else f"{name}-{value}")
    parts += [] if plan.protocol == "loso" else [plan.protocol.replace(":", "")]
    parts += [] if plan.published else ["honest"]
    parts += [f"seed-{plan.seed}"] if plan.seed else []
    parts += [plan.emotions] if plan.emotions is not None else []
    parts += [f"{plan.fps:g}-fps"] if plan.fps is not None else []
    parts += [plan.detector] if plan.detector != "mediapipe" else []
    parts += [f"{name}-{value}" for name, value in sorted(plan.options.items())]
    parts += ["weights"] if plan.weights is not None else []
    return safe_name("-".join(parts))


def _ended(plan: RunPlan, folder: Path) -> RunOutcome | None:
    """The run of a folder if it is this one, has ended, and lacks nothing that a second attempt might give."""
    if not (folder / PLAN_FILE).exists() or not (folder / "summary.json").exists():
        return None
    if differences(read_plan(folder), plan):
        return None
    outcome = read_run(folder)
    has_all_folds = len(outcome.folds) == len(plan.folds(outcome.dataset.recordings))
    return outcome if has_all_folds and all(outcome.scores(one) for one in outcome.tested) else None


def _silent(outcomes: Sequence[RunOutcome]) -> list[str]:
    """A note on each run that lacks folds, or videos without scores."""
    notes = []
    for outcome in outcomes:
        without = [one.id for one in outcome.tested if outcome.scores(one) is None]
        missing = len(outcome.plan.folds(outcome.dataset.recordings)) - len(outcome.folds)
        if without:
            notes.append(f"{run_name(outcome.plan)}: no scores for {', '.join(without)}; nothing was spotted there")
        if missing:
            notes.append(f"{run_name(outcome.plan)}: {missing} folds failed, their videos are left out")
    return notes
