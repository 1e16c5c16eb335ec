"""F1 over the threshold, against the printed scan of a published method on real scores."""

import json

import numpy as np
import pytest

from facespot.intervals import spot_peaks
from facespot.metrics.curves import PAPER_P, above_score, best_point, evaluate_over_thresholds
from facespot.values import Expression, Timebase, Track


def test_the_scan_over_p_of_a_published_method_comes_out_the_same(reference_file):
    facts = json.loads(reference_file("slswin_casme2_me.json").read_text())
    with np.load(reference_file("slswin_casme2_me_scores.npz"), allow_pickle=False) as archive:
        scores = {name: archive[name] for name in archive.files}
    names = [f"{video['subject']}_{video['video']}" for video in facts["videos"]]
    bases = {name: Timebase(30.0, video["n_frames"]) for name, video in zip(names, facts["videos"], strict=True)}
    truth = [
        Track(name, bases[name], tuple(Expression(on, None, off, "micro") for on, off in video["gt"]))
        for name, video in zip(names, facts["videos"], strict=True)
    ]

    def decode(p):
        return [
            Track(
                name,
                bases[name],
                tuple(
                    Expression(int(on), None, int(off), "micro")
                    for on, off in spot_peaks(scores[name], facts["k"], p).intervals
                ),
            )
            for name in names
        ]

    values = [float(p) for p in facts["p_scan"]][::5]
    rule = {"matching": "greedy", "count_dummy": True, "videos": "with_type"}
    for strict, key in ((True, "strict"), (False, "ge")):
        curve = evaluate_over_thresholds(truth, decode, values, strict=strict, **rule)
        found = [[one.tp, one.fp, one.fn] for one in (point.evaluation.of_kind("micro") for point in curve)]
        assert found == [facts["p_scan"][f"{p:.2f}"][key] for p in values]


def test_predictions_below_the_threshold_fall_away():
    base = Timebase(30.0, 100)
    truth = [Track("a", base, (Expression(0, None, 9, "micro"), Expression(40, None, 49, "micro")))]
    predicted = [
        Track(
            "a",
            base,
            tuple(Expression(on, None, on + 9, "micro", score=score) for on, score in ((0, 0.9), (40, 0.5), (80, 0.1))),
        )
    ]
    curve = evaluate_over_thresholds(truth, above_score(predicted), [0.0, 0.3, 0.7, 1.0])
    assert [(one.evaluation.tp, one.evaluation.fp) for one in curve] == [(2, 1), (2, 0), (1, 0), (0, 0)]
    assert best_point(curve).threshold == 0.3
    assert (len(PAPER_P), PAPER_P[0], PAPER_P[-1]) == (19, 0.05, 0.95)
    with pytest.raises(ValueError, match="no score"):
        above_score(truth)
