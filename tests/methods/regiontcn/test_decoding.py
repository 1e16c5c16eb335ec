"""Scores to expressions: the published loop by brute force, gaps, thresholds, apex, emotion, action units."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.intervals import relative_threshold
from facespot.methods.regiontcn.calibration import Calibration, OperatingPoint
from facespot.methods.regiontcn.config import RegiontcnConfig
from facespot.methods.regiontcn.decoding import (
    curves,
    decode,
    frames_at,
    name_emotions,
    proposals,
    refined,
    scores_of_outputs,
    suppressed,
)
from facespot.methods.regiontcn.outputs import ACTION_UNITS, EMOTIONS, N_OUTPUTS, SLICES
from facespot.values import KINDS, Expression, Scores, Timebase, Track

CONFIG = RegiontcnConfig()
PLAIN = dict.fromkeys(KINDS, Calibration())
POINTS = {kind: {"low": OperatingPoint(0.8), "normal": OperatingPoint(0.5), "high": OperatingPoint(0.3)}
          for kind in KINDS}  # fmt: skip
CLASSES = ("happiness", "anger", "others")
UNITS = (4, 12, 6)


def made_scores(n_rows, *shown, fps=30.0, step=1, gap=(), seed=None):
    """Scores in which each of (onset, apex, offset, type, score) is proposed by every row that it holds."""
    rng = np.random.default_rng(seed)
    columns = {kind: np.full(n_rows, 0.01) for kind in KINDS}
    columns |= {"onset_s": np.full(n_rows, 0.2), "offset_s": np.full(n_rows, 0.2), "apex": np.full(n_rows, 0.05)}
    columns |= {"onset": np.zeros(n_rows), "offset": np.zeros(n_rows)}
    columns |= {f"emotion/{name}": np.full(n_rows, 1 / 3) for name in CLASSES}
    columns |= {f"au/{unit}": np.full(n_rows, 0.1) for unit in UNITS}
    if seed is not None:
        columns |= {kind: rng.random(n_rows) ** 3 for kind in KINDS}
        columns |= {name: rng.exponential(0.4, n_rows) for name in ("onset_s", "offset_s")}
        columns["apex"] = rng.random(n_rows)
    for onset, apex, offset, kind, score in shown:
        rows = np.arange(math.ceil(onset), math.floor(offset) + 1)
        columns[kind][rows] = score * (1 - 0.001 * np.abs(rows - apex))
        columns["onset_s"][rows], columns["offset_s"][rows] = (rows - onset) / fps, (offset - rows) / fps
        columns["apex"][apex] = 0.9
    values = np.stack(list(columns.values()), axis=1).astype(np.float32)
    values[list(gap)] = np.nan
    base = Timebase(fps * step, step * n_rows)
    return Scores("a", base, tuple(columns), values, step * np.arange(n_rows), np.isfinite(values), fps)


def spans(track):
    return [(one.onset, one.apex, one.offset, one.kind) for one in track.expressions]


def decoded(scores, config=CONFIG, calibrations=PLAIN, points=POINTS):
    return decode(scores, config, calibrations, points)


# Proposals.


def by_loop(scores, overlap, least):
    """Every row and type in order of score; kept unless it overlaps one that was kept."""
    candidates = []
    for number, kind in enumerate(KINDS):
        for row, score in enumerate(scores.channel(kind)[0]):
            if score > least:
                before = float(scores.channel("onset_s")[0][row]) * scores.fps
                after = float(scores.channel("offset_s")[0][row]) * scores.fps
                candidates.append((float(score), number, row - before, row + after, row))
    candidates.sort(key=lambda one: -one[0])
    kept = []
    for score, kind, first, last, row in candidates:
        for _, _, other_first, other_last, _ in kept:
            shared = min(last, other_last) - max(first, other_first) + 1
            whole = (last - first + 1) + (other_last - other_first + 1) - shared
            if shared > 0 and shared / whole > overlap:
                break
        else:
            kept.append((score, kind, first, last, row))
    return kept


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.7])
def test_proposals_are_those_of_the_loop(seed, overlap):
    scores = made_scores(150, seed=seed, gap=range(60, 66) if seed % 2 else ())
    found = proposals(scores, replace(CONFIG, overlap=overlap))
    expected = by_loop(scores, overlap, CONFIG.least_score)
    assert len(expected) > 5
    assert list(zip(found.scores.tolist(), found.kinds.tolist(), found.rows.tolist(), strict=True)) == [
        (score, kind, row) for score, kind, _, _, row in expected
    ]
    for bounds, (_, _, first, last, row) in zip(found.bounds, expected, strict=True):
        low, high = 0, 149
        if seed % 2:
            low, high = (0, 59) if row < 60 else (66, 149)
        assert bounds.tolist() == pytest.approx([max(first, low), min(last, high)], abs=1e-9)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 20), st.integers(0, 9)), max_size=30),
    st.sampled_from([0.0, 0.2, 0.5, 1.0]),
)
def test_suppression_is_that_of_the_loop(drawn, overlap):
    bounds = np.array([(start / 2, (start + length) / 2 + tenth / 10) for start, length, tenth in drawn])
    kept = []
    for number, (first, last) in enumerate(bounds.tolist()):
        for other in kept:
            low, high = bounds[other].tolist()
            shared = min(last, high) - max(first, low) + 1
            if shared > 0 and shared / ((last - first + 1) + (high - low + 1) - shared) > overlap:
                break
        else:
            kept.append(number)
    assert suppressed(bounds, overlap).tolist() == kept


def at(places, n_rows=60):
    values = np.zeros(n_rows)
    for place, probability in places.items():
        values[place] = probability
    return values


def test_ends_move_to_where_the_maps_have_them():
    bounds, rows = np.array([[10.0, 39.0]]), np.array([25])
    # A tenth of 30 rows on either side is searched.
    assert refined(bounds, rows, [at({12: 0.9}), at({37: 0.8})], 0.1).tolist() == [[12.0, 37.0]]
    assert refined(bounds, rows, [at({14: 0.9}), at({37: 0.09})], 0.1).tolist() == [[10.0, 39.0]]
    assert refined(bounds, rows, [at({12: 0.9}), at({37: 0.8})], 0.0).tolist() == [[10.0, 39.0]]


def test_between_two_rows_the_likelier_and_the_nearer_one_count_more():
    bounds, rows = np.array([[10.0, 39.0]]), np.array([25])
    ((onset, _),) = refined(bounds, rows, [at({9: 0.5, 11: 0.5}), at({})], 0.1).tolist()
    assert onset == pytest.approx(10.0)
    ((onset, _),) = refined(bounds, rows, [at({9: 0.4, 11: 0.8}), at({})], 0.1).tolist()
    assert onset == pytest.approx((9 * 0.16 + 11 * 0.64) / 0.8)
    ((onset, _),) = refined(bounds, rows, [at({8: 0.5, 10: 0.5}), at({})], 0.1).tolist()
    near = math.exp(-0.5 * (2 / (3 / 1.5)) ** 2)
    assert onset == pytest.approx((8 * near + 10) / (near + 1))


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_an_interval_keeps_its_row_and_stays_in_the_video(seed, search):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 60, size=8)
    bounds = np.stack([rows - rng.uniform(0, 1, 8) * rows, rows + rng.uniform(0, 1, 8) * (59 - rows)], axis=1)
    found = refined(bounds, rows, [rng.random(60), rng.random(60)], search)
    assert (found[:, 0] <= rows).all()
    assert (found[:, 1] >= rows).all()
    assert found.min() >= 0
    assert found.max() <= 59


def test_the_types_suppress_each_other():
    scores = made_scores(100, (20, 30, 50, "macro", 0.9))
    values = scores.values.copy()
    values[25:45, 1] = 0.8
    assert spans(decoded(replace(scores, values=values))) == [(20, 30, 50, "macro")]
    values[25:45, 1] = 0.95
    assert [one[3] for one in spans(decoded(replace(scores, values=values)))] == ["micro"]


# Expressions.


def test_an_expression_has_its_ends_apex_and_score():
    track = decoded(made_scores(120, (20, 31, 50, "macro", 0.9), (80, 84, 89, "micro", 0.7)))
    assert spans(track) == [(20, 31, 50, "macro"), (80, 84, 89, "micro")]
    assert [one.score for one in track.expressions] == pytest.approx([0.9, 0.7], abs=1e-6)


def test_frames_are_those_of_the_source_video():
    scores = made_scores(120, (20.4, 31, 50.3, "macro", 0.9), step=3)
    (one,) = decoded(replace(scores, frames=5 + scores.frames, timebase=Timebase(90.0, 400))).expressions
    assert (one.onset, one.apex, one.offset) == (5 + 61, 5 + 93, 5 + 151)
    assert frames_at(np.array([0.5, 1.49, 3.0]), np.array([0, 3, 4, 10])) == [2, 3, 10]


@pytest.mark.parametrize("shown", [(0, 3, 12, "micro", 0.9), (107, 112, 119, "micro", 0.9)], ids=str)
def test_an_expression_ends_with_the_video(shown):
    scores = made_scores(120, shown)
    values = scores.values.copy()
    values[:, 2:4] += 0.5
    (one,) = decoded(replace(scores, values=values)).expressions
    assert one.onset == max(0, shown[0] - 15)
    assert one.offset == min(119, shown[2] + 15)


def test_no_expression_reaches_across_rows_without_a_face():
    scores = made_scores(120, (20, 31, 60, "macro", 0.9), gap=range(40, 43))
    assert spans(decoded(scores)) == [(20, 31, 39, "macro")]
    values = scores.values.copy()
    values[31:40, 0] = 0.2
    values[20:31, 0] = 0.2
    values[50, 0] = 0.9
    assert spans(decoded(replace(scores, values=values)))[0][::2] == (43, 60)


def test_a_calm_video_holds_nothing():
    assert decoded(made_scores(300)).expressions == ()
    assert decoded(made_scores(300, (20, 31, 60, "macro", 0.49))).expressions == ()
    gone = made_scores(50, (20, 31, 40, "macro", 0.9), gap=range(50))
    assert decoded(gone).expressions == ()
    assert [curve.threshold for curve in curves(gone, CONFIG, PLAIN, POINTS)] == [None, None]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, 2),
        ({"sensitivity": "low"}, 1),
        ({"sensitivity": "high"}, 3),
        ({"macro_threshold": 0.95}, 1),
        ({"macro_threshold": 0.95, "micro_threshold": 0.6}, 0),
        ({"micro_threshold": 0.2}, 3),
        ({"rule": "paper", "p": 0.3}, 3),
        ({"rule": "paper", "p": 0.95}, 2),
    ],
    ids=str,
)
def test_thresholds(changes, found):
    shown = (20, 31, 60, "macro", 0.9), (100, 104, 110, "micro", 0.55), (200, 204, 210, "micro", 0.35)
    config = replace(CONFIG, **changes)
    scores = made_scores(300, *shown)
    track = decoded(scores, config)
    assert len(track.expressions) == found
    for curve in curves(scores, config, PLAIN, POINTS):
        values = scores.channel(curve.kind)[0]
        np.testing.assert_allclose(curve.values, values, atol=1e-6)
        if config.rule == "paper":
            assert curve.threshold == pytest.approx(relative_threshold(values, config.p))
        else:
            given = {"macro": config.macro_threshold, "micro": config.micro_threshold}[curve.kind]
            assert curve.threshold == (given or POINTS[curve.kind][config.sensitivity].threshold)


def test_scores_are_calibrated_by_type():
    scores = made_scores(200, (20, 31, 60, "macro", 0.9), (100, 104, 110, "micro", 0.4))
    calibrations = {"macro": Calibration(1.0, -3.0), "micro": Calibration(2.0, 2.0)}
    (one,) = decoded(scores, calibrations=calibrations).expressions
    assert one.kind == "micro"
    assert one.score == pytest.approx(1 / (1 + math.exp(-(2 * math.log(0.4 / 0.6) + 2))), abs=1e-6)
    curve = curves(scores, CONFIG, calibrations, POINTS)[1]
    assert curve.values[104] == pytest.approx(one.score, abs=1e-6)


# Emotions and action units.


def with_channels(scores, rows, **columns):
    values = scores.values.copy()
    for name, value in columns.items():
        values[rows, scores.channels.index(name.replace("_", "/"))] = value
    return replace(scores, values=values)


def test_the_emotion_is_that_of_the_apex():
    scores = made_scores(120, (20, 31, 50, "macro", 0.9))
    scores = with_channels(scores, slice(20, 51), emotion_happiness=0.2, emotion_anger=0.5, emotion_others=0.3)
    scores = with_channels(scores, slice(30, 33), emotion_happiness=0.9, emotion_anger=0.06, emotion_others=0.04)
    (one,) = decoded(scores).expressions
    weights = np.where(np.arange(20, 51) == 31, 0.9, 0.05)
    logs = np.array([np.log([0.9, 0.06, 0.04] if 30 <= row < 33 else [0.2, 0.5, 0.3]) for row in range(20, 51)])
    means = np.exp(weights @ logs / weights.sum())
    assert one.emotion == CLASSES[int(means.argmax())]
    assert one.emotion_probability == pytest.approx(means.max() / means.sum(), abs=1e-5)


@pytest.mark.parametrize(("probability", "name"), [(0.41, "others"), (0.39, "uncertain")])
def test_others_is_an_emotion_and_what_is_not_clear_is_said_so(probability, name):
    rest = (1 - probability) / 2
    scores = made_scores(120, (20, 31, 50, "macro", 0.9))
    every = {"emotion_happiness": rest, "emotion_anger": rest, "emotion_others": probability}
    (one,) = decoded(with_channels(scores, slice(None), **every)).expressions
    assert one.emotion == name
    assert one.emotion_probability == pytest.approx(probability, abs=1e-5)


def test_action_units_are_named_in_order():
    scores = made_scores(120, (20, 31, 50, "macro", 0.9))
    (one,) = decoded(with_channels(scores, slice(None), au_12=0.8, au_6=0.55, au_4=0.45)).expressions
    assert one.action_units == ("6", "12")
    strict = replace(CONFIG, action_unit_threshold=0.9)
    (one,) = decoded(with_channels(scores, slice(None), au_12=0.8), strict).expressions
    assert one.action_units == ()


def test_intervals_of_anybody_are_named_and_else_left_alone():
    scores = made_scores(120, gap=range(90, 110), step=2)
    scores = with_channels(scores, slice(0, 60), emotion_happiness=0.1, emotion_anger=0.8, emotion_others=0.1)
    given_ones = (
        Expression(40, None, 80, "micro", action_units=("R12",), score=0.5),
        Expression(41, None, 41, "macro"),
        Expression(190, None, 210, "macro", "sadness"),
    )
    first, second, third = name_emotions(scores, Track("a", scores.timebase, given_ones), CONFIG).expressions
    assert first == replace(given_ones[0], emotion="anger", emotion_probability=first.emotion_probability)
    assert first.emotion_probability == pytest.approx(0.8, abs=1e-5)
    assert (second.emotion, second.kind) == ("anger", "macro"), "the row before it counts"
    assert third == given_ones[2]
    bare = Scores("a", scores.timebase, scores.channels[:5], scores.values[:, :5], scores.frames,
                  scores.valid[:, :5], scores.fps)  # fmt: skip
    track = Track("a", scores.timebase, given_ones)
    assert name_emotions(bare, track, CONFIG) == track


# Outputs to scores.


def features_like(video, n_rows, gap=()):
    return video("ann", (), n_rows=n_rows, gap=gap).features["micro"]


def test_outputs_become_scores(video):
    outputs = np.random.default_rng(0).normal(size=(30, N_OUTPUTS)).astype(np.float32) * 3
    features = features_like(video, 30, gap=[4])
    scores = scores_of_outputs(outputs, features, KINDS)
    assert scores.channels == (
        "macro", "micro", "onset_s", "offset_s", "apex", "onset", "offset",
        *(f"emotion/{name}" for name in EMOTIONS),
        *(f"au/{unit}" for unit in ACTION_UNITS),
    )  # fmt: skip
    assert not scores.valid[4].any()
    assert scores.valid.sum() == 29 * len(scores.channels)
    for row in (0, 17):
        logits = {name: outputs[row, place].astype(float) for name, place in SLICES.items()}
        types = np.exp(logits["type"]) / np.exp(logits["type"]).sum()
        centre = 1 / (1 + np.exp(-logits["centre"][0]))
        emotions = np.exp(logits["emotion"]) / np.exp(logits["emotion"]).sum()
        expected = [
            math.sqrt(types[1] * centre), math.sqrt(types[2] * centre), *(np.log1p(np.exp(logits["distance"])) / 4),
            *(1 / (1 + np.exp(-logits[name][0])) for name in ("apex", "onset", "offset")),
            *emotions, *(1 / (1 + np.exp(-logits["action_unit"]))),
        ]  # fmt: skip
        np.testing.assert_allclose(scores.values[row], expected, rtol=1e-5)


def test_only_what_is_asked_for_is_given(video):
    outputs = np.random.default_rng(0).normal(size=(30, N_OUTPUTS)).astype(np.float32)
    features = features_like(video, 30)
    places = ("onset_s", "offset_s", "apex", "onset", "offset")
    scores = scores_of_outputs(outputs, features, ("micro",), ("anger", "sadness"), (4,))
    assert scores.channels == ("micro", *places, "emotion/anger", "emotion/sadness", "au/4")
    np.testing.assert_allclose(scores.values[:, 6:8].sum(axis=1), 1, rtol=1e-6)
    whole = scores_of_outputs(outputs, features, KINDS)
    np.testing.assert_array_equal(scores.channel("micro")[0], whole.channel("micro")[0])
    bare = scores_of_outputs(outputs, features, KINDS, (), ())
    assert bare.channels == ("macro", "micro", *places)
    track = decode(bare, replace(CONFIG, macro_threshold=0.1), PLAIN, POINTS)
    assert track.expressions
    assert all(one.emotion is None and one.action_units == () for one in track.expressions)
    with pytest.raises(ValueError, match="outputs of shape"):
        scores_of_outputs(outputs[:, :-1], features, KINDS)
