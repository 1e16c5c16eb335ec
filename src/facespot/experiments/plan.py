"""What a run does, completely, in one small JSON file: two runs with equal plans give equal results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from facespot.errors import FormatError, SettingsError
from facespot.export.atomic import write_text
from facespot.methods import method_entry, new_method
from facespot.metrics import PAPER_RULE, Rule
from facespot.protocols import k_fold, leave_one_subject_out
from facespot.values import KINDS, Fold, Kind, Recording

SCHEMA = "facespot.run/1"
PLAN_FILE = "run.json"


@dataclass(frozen=True)
class RunPlan:
    """A method, a corpus and a protocol.

    Parameters
    ----------
    dataset : str
        Name of a corpus, see `facespot.datasets`.
    root : str
        Folder of the corpus, absolute.
    options : mapping
        Options of the corpus.
    method : str
        Name of a method, see `facespot.methods`.
    settings : mapping
        Overrides of the method's settings.
    protocol : str
        ``"loso"``, ``"kfold:K"`` (by subject) or ``"kfold:K:video"``.
    published : bool
        Repeat the published protocol: lengths from all subjects, the test subject included; and where the method's
        authors do so, for each type only the videos that hold it, in training and in evaluation, and their evaluator's
        rule. Otherwise whatever is fitted comes from the training subjects alone, and every video counts.
    kinds : tuple of str
        Types that are trained, spotted and evaluated.
    seed : int
        Of all random draws.
    emotions : str, optional
        Table by which the annotated emotions are grouped, see `facespot.datasets.load_dataset`; default: as annotated.
    weights : str, optional
        Checkpoints made elsewhere, evaluated fold by fold instead of being trained.
    fps : float, optional
        Frames per second to pick; default: all frames.
    detector : str
        Face and landmark detector.
    choose : mapping
        A setting of the decoding and the values of which each fold takes the best on its training subjects, see
        `facespot.experiments.choosing`.
    """

    dataset: str
    root: str
    method: str
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    protocol: str = "loso"
    published: bool = False
    kinds: tuple[Kind, ...] = KINDS
    seed: int = 0
    emotions: str | None = None
    weights: str | None = None
    fps: float | None = None
    detector: str = "mediapipe"
    choose: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.kinds or any(kind not in KINDS for kind in self.kinds):
            raise SettingsError("--kinds", f"{self.kinds} are no types", f"choose from {', '.join(KINDS)}")
        if self.seed < 0:
            raise SettingsError("--seed", f"{self.seed} is out of range", "give 0 or more")
        _parse_protocol(self.protocol)
        self._check_choice()

    @property
    def only_with_type(self) -> bool:
        """Whether each type is trained and evaluated only on the videos that hold it."""
        return self.published and method_entry(self.method).only_with_type

    @property
    def rule(self) -> Rule:
        """Under which rule the run is evaluated."""
        return PAPER_RULE if self.only_with_type else Rule()

    def folds(self, recordings: Sequence[Recording]) -> tuple[Fold, ...]:
        """Who is trained on and who is tested.

        Raises
        ------
        SettingsError
            If there are too few subjects or videos.
        """
        k, by = _parse_protocol(self.protocol)
        if k is None:
            return tuple(leave_one_subject_out(recordings))
        return tuple(k_fold(recordings, k, by="video" if by == "video" else "subject", seed=self.seed))

    def protocol_text(self) -> str:
        """The protocol in words, for reports."""
        k, by = _parse_protocol(self.protocol)
        split = "leave-one-subject-out" if k is None else f"{k} folds by {by}"
        return f"{split}; {self._published_text() if self.published else self._honest_text()}"

    def _published_text(self) -> str:
        if self.only_with_type:
            lengths = "k of the weights"
            if self.weights is None:
                lengths = "k from the annotations of all subjects, the test subject included"
            return (
                f"published protocol: {lengths}; for each type only the videos that hold it; p as published; matching "
                "and counting as the published evaluators"
            )
        if not method_entry(self.method).uses_lengths:
            text = "published protocol: no length or threshold comes from annotations; every video counts"
            if self.weights is not None:
                return text
            return f"{text}. The paper does not say how the epoch was chosen; here the number of epochs is fixed"
        lengths = "k and j of the weights"
        if self.weights is None:
            lengths = "k and j from the annotations of all subjects, the test subject included"
        return (
            f"published protocol: {lengths}; thresholds as published; every video counts. Not repeated: the authors' "
            "program chooses the epoch on the test subject; here the number of epochs is fixed"
        )

    def _honest_text(self) -> str:
        fitted = "nothing is fitted here, weights and k were made elsewhere"
        if self.weights is None:
            fitted = "whatever is fitted (k, weights, when to stop) comes from the training subjects of the fold"
        thresholds = "thresholds are fixed in advance"
        if self.choose:
            name = next(iter(self.choose))
            thresholds = (
                f"{name} is chosen in each fold on its training subjects, other thresholds are fixed in advance"
            )
        return f"honest protocol: {fitted}; {thresholds}; every video counts"

    def _check_choice(self) -> None:
        if not self.choose:
            return
        if len(self.choose) > 1:
            raise SettingsError("--choose", f"{len(self.choose)} settings are given", "choose one setting")
        (name, values), *_ = self.choose.items()
        if not values:
            raise SettingsError("--choose", f"{name} has no values", "write --choose NAME=VALUE,VALUE")
        for value in values:
            new_method(self.method, {**self.settings, name: value})
        if self.published or self.weights is not None:
            what = "the published protocol lays the published thresholds" if self.published else "no fold is trained"
            raise SettingsError("--choose", what, "leave --choose out, or --paper and --weights")

    def write(self, folder: Path) -> None:
        """Write ``run.json`` into a run folder.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        content = {"schema": SCHEMA, **asdict(self), "kinds": list(self.kinds)}
        write_text(folder / PLAN_FILE, json.dumps(content, indent=1, sort_keys=True) + "\n")


def read_plan(folder: Path) -> RunPlan:
    """The plan of a run folder.

    Raises
    ------
    FormatError
        If the folder holds no run, or one that this version cannot read.
    """
    path = folder / PLAN_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(str(folder), "it is no run folder", f"give a folder that holds {PLAN_FILE}") from error
    names = {one.name for one in fields(RunPlan)}
    if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA or not set(content) <= names:
        raise FormatError(str(path), f"its schema is not {SCHEMA}", "run again with this version of facespot")
    try:
        return RunPlan(**{**content, "kinds": tuple(content["kinds"])})
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            str(path), f"a value does not fit ({error})", "start the run again in another --out"
        ) from None


def differences(first: RunPlan, second: RunPlan) -> list[str]:
    """Names of the fields in which two plans differ.

    >>> differences(RunPlan("synth", "/a", "strain"), RunPlan("synth", "/a", "softnet", seed=1))
    ['method', 'seed']
    """
    one, other = (json.loads(json.dumps(asdict(plan))) for plan in (first, second))
    return [entry.name for entry in fields(RunPlan) if one[entry.name] != other[entry.name]]


def _parse_protocol(text: str) -> tuple[int | None, str]:
    """``"loso"`` to ``(None, "subject")``, ``"kfold:5:video"`` to ``(5, "video")``."""
    if text == "loso":
        return None, "subject"
    name, _, rest = text.partition(":")
    number, _, by = rest.partition(":")
    if name != "kfold" or not number.isdecimal() or by not in ("", "subject", "video"):
        raise SettingsError("--protocol", f"{text!r} is no protocol", "choose loso, kfold:5 or kfold:5:video")
    return int(number), by or "subject"
