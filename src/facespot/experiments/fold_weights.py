"""Checkpoints of a whole leave-one-subject-out study -> the checkpoints of each fold.

A release names its folds by number only, and each type counts for itself: number n is the n-th subject, in order of
name, among those that hold an expression of the type. So it is with the weights of SOFTNet, whose authors leave out
every video without the type in question: for the 22 subjects of CAS(ME)2, s15 to s40, there are 20 macro and 14 micro
networks, for those of SAMM-LV 29 and 29. The first micro network need not be of the first subject.

Taking one subject for another would test a network on faces that it was trained on. Hence nothing is paired unless the
number of networks of a type is the number of subjects that hold it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facespot.errors import SettingsError, WeightsError
from facespot.methods.softnet.release import INDEX_FILE, SCHEMA
from facespot.models import Checkpoint, read_checkpoint
from facespot.models.checkpoint import DESCRIPTION_FILE
from facespot.values import KINDS, Fold, Kind

_AGAIN = "import the weights again with `facespot models import`"


@dataclass(frozen=True)
class FoldWeights:
    """Checkpoints for the folds of a study.

    Parameters
    ----------
    path : Path
        Where they lie: the folder of ``weights.json``, or of the first checkpoint.
    method : str
        Name of the method that they belong to.
    corpus : str or None
        Corpus whose folds they are; None where unknown.
    folds : mapping from int to mapping from type to Checkpoint
        By number, from 1; a number stands for one subject per type, see the module. Empty where `shared` is not.
    shared : tuple of Checkpoint
        Checkpoints that serve every fold.
    """

    path: Path
    method: str
    corpus: str | None
    folds: Mapping[int, Mapping[Kind, Checkpoint]] = field(default_factory=dict)
    shared: tuple[Checkpoint, ...] = ()

    def for_fold(self, fold: int | str) -> list[Path]:
        """Checkpoint folders under one number.

        Parameters
        ----------
        fold : int or str
            The number from 1, or its name ``"s1"`` in the release. It is not the name of a subject: `match_folds`
            knows those.

        Raises
        ------
        SettingsError
            There is no such number.
        """
        if self.shared:
            return [one.path for one in self.shared]
        number = fold
        if isinstance(fold, str):
            named = re.fullmatch(r"s([0-9]+)", fold)
            number = int(named[1]) if named else 0
        if number not in self.folds:
            raise SettingsError(
                str(self.path), f"it holds no fold {fold}", f"choose from {_listed(sorted(self.folds))}"
            )
        return [one.path for one in self.folds[int(number)].values()]


def read_fold_weights(path: str | Path | Sequence[str | Path]) -> FoldWeights:
    """Read and check the checkpoints of a study.

    Parameters
    ----------
    path : str, Path or sequence of them
        A folder with ``weights.json``, as `facespot models import` makes it of a release; or one checkpoint folder, a
        folder that holds ``macro`` and ``micro`` checkpoints, or a sequence of checkpoint folders: these serve every
        fold.

    Raises
    ------
    WeightsError
        A folder or a checkpoint is missing, damaged or changed, or ``weights.json`` is.
    SettingsError
        The checkpoints do not go together.
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]
    if not paths:
        raise SettingsError("--weights", "no folder is given", "give the folder that `facespot models import` made")
    indices = [one for one in paths if (one / INDEX_FILE).is_file()]
    if indices and len(paths) > 1:
        raise SettingsError(str(indices[0]), "it holds all folds, and other weights are given too", "give it alone")
    if indices:
        return _read_index(indices[0])
    folders = [
        folder for one in paths for folder in ([one / kind for kind in KINDS if _is_checkpoint(one / kind)] or [one])
    ]
    checkpoints = [read_checkpoint(folder) for folder in folders]
    methods = sorted({one.method for one in checkpoints})
    if len(methods) > 1:
        raise SettingsError("--weights", f"they belong to {' and '.join(methods)}", "give weights of one method")
    kinds = [one.kind for one in checkpoints]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise SettingsError(
                "--weights", f"{kinds.count(kind)} checkpoints are for {kind or 'both types'}", "give one for each type"
            )
    corpora = {one.origin.get("corpus") for one in checkpoints}
    corpus = corpora.pop() if len(corpora) == 1 else None
    return FoldWeights(paths[0], methods[0], corpus if isinstance(corpus, str) else None, shared=tuple(checkpoints))


def match_folds(folds: Sequence[Fold], weights: FoldWeights) -> dict[str, list[Path]]:
    """Pair each fold of a leave-one-subject-out study with the checkpoints that its subject had no part in.

    For each type, network number n goes to the n-th fold whose subject holds an expression of the type. A subject
    that holds none was in no training set of the type: it gets the first network, which had no part in it either.

    Parameters
    ----------
    folds : sequence of Fold
        All of them, as `facespot.protocols.leave_one_subject_out` gives them. The recordings must be those that the
        authors had: an expression more or less can make a subject hold a type or not.
    weights : FoldWeights
        What to pair; shared checkpoints go to every fold.

    Returns
    -------
    dict from name of the fold to list of Path
        One checkpoint folder for each type that the weights are for.

    Raises
    ------
    SettingsError
        The folds are not by subject, their number is not that of the networks, or a network is missing.
    """
    if weights.shared:
        return {fold.name: [one.path for one in weights.shared] for fold in folds}
    _check_by_subject(folds, weights)
    matched: dict[str, list[Path]] = {fold.name: [] for fold in folds}
    for kind in _kinds(weights):
        networks = {number: one[kind] for number, one in weights.folds.items() if kind in one}
        holding = [fold.name for fold in folds if _holds(fold, kind)]
        # A network that is missing within the row is named; one at its end cannot be told from another corpus.
        if max(networks) != len(holding):
            what = (
                f"it holds {max(networks)} {kind} folds, but {len(holding)} of the data set's {len(folds)} subjects "
                f"have a {kind}-expression"
            )
            remedy = (
                "import the whole release and give all videos of its corpus, or one checkpoint folder for all folds"
            )
            raise SettingsError(str(weights.path), what, remedy)
        missing = [number for number in range(1, len(holding) + 1) if number not in networks]
        if missing:
            named = _listed([f"{number} ({holding[number - 1]})" for number in missing])
            raise SettingsError(
                str(weights.path), f"no {kind} network for fold {named}", "import the missing files too"
            )
        numbers = {name: number for number, name in enumerate(holding, start=1)}
        for fold in folds:
            matched[fold.name].append(networks[numbers.get(fold.name, 1)].path)
    return matched


def weights_notes(folds: Sequence[Fold], weights: FoldWeights, dataset: str) -> list[str]:
    """What a reader of the results must know about the weights, one sentence each.

    Parameters
    ----------
    folds, weights
        As for `match_folds`.
    dataset : str
        Name or title of the data set, such as ``cas_me_2`` or ``CAS(ME)2``.
    """
    notes = []
    for one in weights.shared:
        corpus, held_out = one.origin.get("corpus"), one.origin.get("held_out_subject")
        if corpus is None:
            notes.append(
                f"{one.path}: it is not known what it was trained on; it may have seen the subjects tested here"
            )
        elif _same_corpus(str(corpus), dataset):
            but = f" (all but {held_out})" if held_out else ""
            notes.append(
                f"{one.path}: it was trained on subjects of {corpus}{but} and is tested on them: the results are not "
                "those of unseen people"
            )
    if weights.shared:
        return notes
    if weights.corpus is not None and not _same_corpus(weights.corpus, dataset):
        notes.append(
            f"{weights.path}: its folds are those of {weights.corpus}, not of {dataset}: the pairing says nothing"
        )
    for kind in _kinds(weights):
        without = [fold.name for fold in folds if not _holds(fold, kind)]
        if without:
            notes.append(
                f"no {kind}-expression, so in no training set of the {kind} networks; tested with the first one: "
                + ", ".join(without)
            )
    absent = [kind for kind in KINDS if kind not in _kinds(weights)]
    notes += [f"{weights.path}: it holds no {kind} network; {kind}-expressions are not spotted" for kind in absent]
    return notes


def _read_index(folder: Path) -> FoldWeights:
    where = str(folder / INDEX_FILE)
    try:
        document = json.loads((folder / INDEX_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise WeightsError(where, f"it cannot be read ({error})", _AGAIN) from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise WeightsError(where, f"its schema is {schema!r}", f"this version reads {SCHEMA}")
    try:
        return _parse_index(folder, document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(where, f"a value does not fit ({error!r})", _AGAIN) from None


def _parse_index(folder: Path, document: dict[str, Any]) -> FoldWeights:
    method, corpus = document["method"], document["corpus"]
    if not isinstance(method, str) or not isinstance(corpus, str | None):
        raise TypeError("method and corpus are texts")
    folds: dict[int, dict[Kind, Checkpoint]] = {}
    for fold in document["folds"]:
        number = fold["number"]
        if not isinstance(number, int) or number < 1 or number in folds or not fold["checkpoints"]:
            raise ValueError(f"fold {number}")
        folds[number] = {}
        for entry in fold["checkpoints"]:
            kind, path = entry["kind"], Path(entry["path"])
            if kind not in KINDS or kind in folds[number] or path.is_absolute() or ".." in path.parts:
                raise ValueError(f"fold {number}, {kind}, {path}")
            checkpoint = read_checkpoint(folder / path, method=method)
            if (checkpoint.digest, checkpoint.kind) != (entry["digest"], kind):
                raise WeightsError(str(checkpoint.path), f"it is not the checkpoint of {INDEX_FILE}", _AGAIN)
            folds[number][kind] = checkpoint
    if not folds:
        raise ValueError("no folds")
    return FoldWeights(folder, method, corpus, dict(sorted(folds.items())))


def _check_by_subject(folds: Sequence[Fold], weights: FoldWeights) -> None:
    subjects = [sorted({one.subject for one in fold.test}) for fold in folds]
    named = [[fold.name] for fold in folds]
    if subjects != named or named != sorted(named):
        what = "its networks each leave one subject out, the folds do not"
        raise SettingsError(str(weights.path), what, "choose the protocol loso, or give one checkpoint folder")


def _kinds(weights: FoldWeights) -> list[Kind]:
    return [kind for kind in KINDS if any(kind in one for one in weights.folds.values())]


def _holds(fold: Fold, kind: Kind) -> bool:
    return any(found.kind == kind for one in fold.test for found in one.truth.expressions)


def _is_checkpoint(folder: Path) -> bool:
    return (folder / DESCRIPTION_FILE).is_file()


def _listed(names: Sequence[object]) -> str:
    return ", ".join(map(str, names))


def _same_corpus(first: str, second: str) -> bool:
    """Whether two names mean one corpus: ``CAS(ME)2`` and ``cas_me_2`` do, ``SAMM-LV`` and ``samm_lv`` too."""
    return re.sub(r"[\W_]", "", first).lower() == re.sub(r"[\W_]", "", second).lower()
