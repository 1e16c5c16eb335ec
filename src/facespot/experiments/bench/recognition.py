"""How well emotions and action units of the hits are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facespot.datasets import emotion_table, parse_action_units
from facespot.datasets.vocabulary import emotion_word
from facespot.metrics.bootstrap import Interval, Values, bootstrap_interval, pooled_statistic
from facespot.metrics.matching import Match
from facespot.metrics.recognition import confusion_matrix, macro_recall, unweighted_f1

UNCERTAIN = "uncertain"
TABLES = ("three", "basic")


@dataclass(frozen=True)
class Naming:
    """Emotions of the hits under one table of classes.

    Parameters
    ----------
    classes : tuple of str
    confusion : tuple of tuple of int
        Rows are true classes, columns named ones; the last column holds what was called uncertain or named otherwise.
    samples : int
        Hits whose true emotion is one of the classes.
    uncertain : int
        Of these, the ones that the method calls uncertain.
    uf1, low, high, uar : float or None
        Mean F1 with its interval and mean recall over the true classes. An uncertain one counts as wrong.
    uf1_of_certain, uar_of_certain : float or None
        The same without those that were called uncertain.
    """

    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    samples: int
    uncertain: int
    uf1: float | None
    low: float | None
    high: float | None
    uar: float | None
    uf1_of_certain: float | None
    uar_of_certain: float | None


@dataclass(frozen=True)
class Units:
    """Action units of the hits, sides and intensities left aside.

    Parameters
    ----------
    samples : int
        Hits with a true action unit.
    tp, fp, fn : int
        Pooled over hits and units.
    f1, precision, recall : float or None
        Of the pooled counts.
    f1_by_unit : mapping from str to float
        Of each unit that is true somewhere, by number.
    """

    samples: int
    tp: int
    fp: int
    fn: int
    f1: float | None
    precision: float | None
    recall: float | None
    f1_by_unit: Mapping[str, float]


def emotions_of_hits(
    matches: Sequence[Match], subjects: Mapping[str, str], *, seed: int, n_resamples: int
) -> dict[str, Naming] | None:
    """Recognition under each table of classes that the method names; None where it names no emotion.

    Parameters
    ----------
    matches : sequence of Match
    subjects : mapping from video to subject
    seed, n_resamples : int
        Of the intervals, over the subjects.
    """
    named = {emotion_word(one.predicted.emotion) for one in matches if one.predicted.emotion} - {UNCERTAIN, "others"}
    if not any(one.predicted.emotion for one in matches):
        return None
    three = set(emotion_table("three").classes)
    # A method that knows three classes names no basic emotion, though surprise is the same word.
    tables = TABLES[:1] if named and named <= three else TABLES
    return {name: _naming(matches, subjects, name, seed, n_resamples) for name in tables}


def _naming(matches: Sequence[Match], subjects: Mapping[str, str], name: str, seed: int, n_resamples: int) -> Naming:
    table = emotion_table(name)
    order = sorted(set(subjects.values()))
    matrices = {certain: np.zeros((len(order), len(table.classes), len(table.classes) + 1)) for certain in (0, 1)}
    samples = uncertain = 0
    for one in matches:
        true = None if one.truth.emotion is None else table.mapping.get(emotion_word(one.truth.emotion))
        if true is None:
            continue
        word = "" if one.predicted.emotion is None else emotion_word(one.predicted.emotion)
        guess = table.mapping.get(word)
        matrix = confusion_matrix([true], [guess], table.classes)
        place = order.index(subjects[one.video])
        samples += 1
        matrices[0][place] += matrix
        if word == UNCERTAIN:
            uncertain += 1
        else:
            matrices[1][place] += matrix
    every, certain = (matrices[key].sum(axis=0) for key in (0, 1))
    interval = bootstrap_interval(
        pooled_statistic(matrices[0], _uf1), len(order), seed=seed, n_resamples=n_resamples
    ) if samples else Interval(float("nan"), float("nan"), float("nan"))  # fmt: skip
    return Naming(
        table.classes,
        tuple(tuple(int(cell) for cell in row) for row in every),
        samples,
        uncertain,
        known(interval.estimate),
        known(interval.low),
        known(interval.high),
        known(float(_uar(every))),
        known(float(_uf1(certain))),
        known(float(_uar(certain))),
    )


def units_of_hits(matches: Sequence[Match]) -> Units | None:
    """F1 of the action units; None where the method names none."""
    if not any(one.predicted.action_units for one in matches):
        return None
    pairs = [(_numbers(one.truth.action_units), _numbers(one.predicted.action_units)) for one in matches]
    pairs = [(true, guess) for true, guess in pairs if true]
    tp, fp, fn = (
        sum(len(part) for part in parts)
        for parts in zip(*((true & guess, guess - true, true - guess) for true, guess in pairs), strict=True)
    ) if pairs else (0, 0, 0)  # fmt: skip
    by_unit = {}
    for unit in sorted({number for true, _ in pairs for number in true}):
        hits = sum(unit in true and unit in guess for true, guess in pairs)
        wrong = sum((unit in true) != (unit in guess) for true, guess in pairs)
        by_unit[str(unit)] = 2 * hits / (2 * hits + wrong)
    return Units(
        len(pairs),
        tp,
        fp,
        fn,
        2 * tp / (2 * tp + fp + fn) if pairs else None,
        tp / (tp + fp) if tp + fp else None,
        tp / (tp + fn) if tp + fn else None,
        by_unit,
    )


def known(value: float) -> float | None:
    """The value, or None for NaN, which JSON does not know."""
    return None if np.isnan(value) else value


def _numbers(units: Sequence[str]) -> set[int]:
    return {one.number for one in parse_action_units(",".join(units))[0]}


def _uf1(confusion: Values) -> Values:
    return unweighted_f1(confusion, absent="present")


def _uar(confusion: Values) -> Values:
    return macro_recall(confusion, absent="present")
