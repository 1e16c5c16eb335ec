"""Recordings in, folds out: who is trained on and who is tested, and the mean length that a fold may know.

Conventions: recordings keep their order; folds come in order of the name of what is held out. A fold's training and
test recordings never share a recording, nor a subject where the protocol goes by subject. Only `k_fold` draws at
random, from the seed it is given.

Published results differ in two choices that change F1 a great deal, so both are named here:

- which videos count: all, or only those that hold at least one expression of the type in question (`with_type`, as the
  authors' code of SOFTNet does, so that false alarms elsewhere are never seen);
- where k and k' come from, half the mean length of an expression: from the training recordings of the fold
  (``"training"``), or from the whole corpus, test subject included (``"paper"``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeAlias, get_args

import numpy as np

from facespot import intervals
from facespot.errors import SettingsError
from facespot.values import Fold, Kind, Recording

Unit: TypeAlias = Literal["video", "subject"]
LengthSource: TypeAlias = Literal["training", "paper"]


def leave_one_subject_out(recordings: Sequence[Recording]) -> Iterator[Fold]:
    """LOSO: one fold per subject, tested after training on all the others.

    Raises
    ------
    SettingsError
        If there are fewer than two subjects, or two recordings share an id.
    """
    subjects = _subjects(recordings)
    if len(subjects) < 2:
        raise SettingsError(
            "leave-one-subject-out", f"{len(subjects)} subject is too few", "give recordings of at least 2 subjects"
        )
    for subject in subjects:
        yield _split(subject, recordings, {one.id for one in recordings if one.subject == subject})


def k_fold(recordings: Sequence[Recording], k: int, *, by: Unit = "subject", seed: int) -> Iterator[Fold]:
    """Folds of nearly equal numbers of videos or subjects, drawn at random.

    Parameters
    ----------
    recordings : sequence of Recording
    k : int
        Number of folds, at least 2; FESNet uses 5.
    by : {"video", "subject"}
        What is dealt out. By video (FESNet), the same face may stand in training and test.
    seed : int
        Seed of the draw.

    Raises
    ------
    SettingsError
        If there are fewer videos or subjects than folds.
    """
    if by not in get_args(Unit):
        raise SettingsError("k-fold", f"{by!r} cannot be dealt out", "choose video or subject")
    subjects = _subjects(recordings)
    units = subjects if by == "subject" else sorted(one.id for one in recordings)
    if not 2 <= k <= len(units):
        raise SettingsError("k-fold", f"{k} folds of {len(units)} {by}s", f"choose 2 to {len(units)} folds")
    order = np.random.default_rng(seed).permutation(len(units))
    for index in range(k):
        held_out = {units[position] for position in order[index::k]}
        test = {one.id for one in recordings if (one.subject if by == "subject" else one.id) in held_out}
        yield _split(f"fold {index + 1} of {k}", recordings, test)


def cross_corpus(corpora: Mapping[str, Sequence[Recording]]) -> Iterator[Fold]:
    """One fold per corpus, tested after training on all the others.

    Parameters
    ----------
    corpora : mapping from name to recordings
        At least two. Equal ids and subjects of different corpora are told apart by the corpus's name: they become
        ``name/id`` and ``name/subject``.
    """
    if len(corpora) < 2:
        raise SettingsError("cross-corpus", f"{len(corpora)} corpus is too few", "give at least 2 corpora")
    named = {
        name: tuple(replace(one, id=f"{name}/{one.id}", subject=f"{name}/{one.subject}") for one in recordings)
        for name, recordings in corpora.items()
    }
    everything = [one for recordings in named.values() for one in recordings]
    _subjects(everything)
    for name in sorted(named):
        yield _split(name, everything, {one.id for one in named[name]})


def fixed_split(recordings: Sequence[Recording], test: Collection[str], *, by: Unit = "subject") -> Fold:
    """One fold with the named subjects or videos as test.

    Raises
    ------
    SettingsError
        If a name is unknown, or nothing is left for training.
    """
    _subjects(recordings)
    known = {one.subject if by == "subject" else one.id for one in recordings}
    unknown = sorted(set(test) - known)
    if unknown:
        raise SettingsError("fixed split", f"no {by} is named {', '.join(unknown)}", f"choose from the {by}s' names")
    held_out = {one.id for one in recordings if (one.subject if by == "subject" else one.id) in test}
    if not held_out or len(held_out) == len(recordings):
        raise SettingsError("fixed split", "training or test would be empty", f"name some of the {by}s, not all")
    return _split("fixed split", recordings, held_out)


def with_type(recordings: Sequence[Recording], kind: Kind) -> tuple[Recording, ...]:
    """Only the recordings that hold at least one expression of the type."""
    return tuple(one for one in recordings if any(found.kind == kind for found in one.truth.expressions))


def half_mean_length(recordings: Sequence[Recording], kind: Kind, *, fps: float | None = None) -> int:
    """Half the mean length of the expressions of a type, in frames: k of SOFTNet and k' of MEAN.

    ``k = int((N + 1) / 2)`` with N the mean of offset minus onset (SOFTNet, footnote 1; MEAN, section 3.3).

    Parameters
    ----------
    recordings : sequence of Recording
    kind : {"macro", "micro"}
        Type of expression.
    fps : float, optional
        Frame rate in which k counts; lengths are converted to it through seconds. Default: the frames of the
        recordings, which must then agree in their rate to 1 %.

    Raises
    ------
    SettingsError
        If there is no expression of the type, or the rates differ and `fps` is not given.
    """
    return intervals.half_mean_length([one.truth for one in recordings], kind, fps=fps)


def half_mean_length_of_fold(
    fold: Fold, kind: Kind, *, source: LengthSource = "training", fps: float | None = None
) -> int:
    """Half the mean length in a fold, from its training recordings or, as published, from all of them.

    Parameters
    ----------
    fold : Fold
    kind : {"macro", "micro"}
        Type of expression.
    source : {"training", "paper"}
        ``"paper"`` lets the test recordings take part, which tells the method something about them.
    fps : float, optional
        As in `half_mean_length`.
    """
    recordings = fold.train if source == "training" else fold.train + fold.test
    return half_mean_length(recordings, kind, fps=fps)


def _subjects(recordings: Sequence[Recording]) -> list[str]:
    """The subjects in order of name; ids must differ."""
    ids = [one.id for one in recordings]
    if len(set(ids)) != len(ids):
        doubled = sorted({name for name in ids if ids.count(name) > 1})
        raise SettingsError("recordings", f"named twice: {', '.join(doubled)}", "give every recording an id of its own")
    return sorted({one.subject for one in recordings})


def _split(name: str, recordings: Sequence[Recording], test: Collection[str]) -> Fold:
    return Fold(
        name,
        tuple(one for one in recordings if one.id not in test),
        tuple(one for one in recordings if one.id in test),
    )
