"""The table of a result: columns for emotions where there are any."""

from pathlib import Path

import numpy as np

from facespot.cli.tables import print_result
from facespot.values import Curve, Expression, Result, Scores, Timebase, Track

FEAR = Expression(10, 14, 19, "micro", "fear", (), 0.5, 0.875)
PLAIN = Expression(30, None, 49, "micro")


def result_of(*expressions, curves=True, **provenance):
    base, frames = Timebase(25.0, 100), np.arange(3)
    values = np.ones((3, 1), dtype=np.float32)
    scores = Scores("talk", base, ("micro",), values, frames, np.isfinite(values), 25.0)
    curve = Curve("micro", frames, values[:, 0], 0.5)
    return Result(Track("talk", base, expressions), scores, (curve,) if curves else (), provenance)


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_emotion_and_probability_are_shown_where_any_expression_has_an_emotion(capsys):
    print_result(result_of(FEAR, PLAIN, method="strain", recognizer={"name": "mean"}), Path("out"))
    printed = capsys.readouterr().out
    assert "method strain, emotions by mean" in printed
    assert ["micro", "10", "14", "19", "0.400", "0.560", "0.760", "0.5", "fear", "0.88"] in rows(printed)
    assert ["micro", "30", "49", "1.200", "1.960"] in rows(printed)
    print_result(result_of(PLAIN, method="strain"), Path("out"))
    printed = capsys.readouterr().out
    assert "emotion" not in printed
    assert "probability" not in printed


def test_given_intervals_are_counted_by_type(capsys):
    given = result_of(FEAR, curves=False, method="given intervals", recognizer={"name": "mean"})
    print_result(given, Path("out"))
    printed = capsys.readouterr().out
    assert "given intervals, emotions by mean" in printed
    assert "0 macro, 1 micro;" in printed
