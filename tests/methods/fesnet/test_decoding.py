"""Logits against scipy; labels and expressions against a decoder written plainly; a result made by hand."""

import math
from dataclasses import replace
from fractions import Fraction
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special

from facespot.methods.fesnet.config import FesnetConfig
from facespot.methods.fesnet.decoding import curves, decode, labels, scores_of_logits
from facespot.metrics.framewise import frame_labels
from facespot.values import KINDS, Expression, Scores, Timebase, Track

CHANNELS = ("macro", "micro", "macro/spatial", "micro/spatial")
NEUTRAL, MACRO, MICRO = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def scores_of(values, channels=CHANNELS, *, fps=30.0, step=1, start=0):
    """Scores of a video of which every so many-th frame is a row."""
    values = np.asarray(values, dtype=np.float32).reshape(-1, len(channels))
    frames = start + step * np.arange(len(values))
    timebase = Timebase(fps * step, start + step * len(values) + 1)
    return Scores("video", timebase, tuple(channels), values, frames, np.isfinite(values), fps)


def scores_of_rows(final, spatial=None, **settings):
    """Scores of probabilities of neutral, macro and micro; without spatial ones these are neutral."""
    final = np.asarray(final, dtype=np.float64).reshape(-1, 3)
    spatial = np.tile(NEUTRAL, (len(final), 1)) if spatial is None else np.asarray(spatial)
    return scores_of(np.hstack([final[:, 1:], spatial[:, 1:]]), **settings)


def found_in(scores, **settings):
    expressions = decode(scores, FesnetConfig(**settings)).expressions
    return [(one.kind, one.onset, one.apex, one.offset) for one in expressions]


LOGITS = arrays(np.float32, st.tuples(st.integers(0, 12), st.just(6)), elements=st.floats(-200, 200, width=32))


@given(LOGITS, st.sampled_from([("macro", "micro"), ("micro", "macro"), ("micro",), ("macro",)]))
def test_probabilities_are_those_of_scipy(logits, kinds):
    channels, values = scores_of_logits(logits, kinds)
    assert channels == (*kinds, *(f"{kind}/spatial" for kind in kinds))
    assert values.dtype == np.float32
    exact = logits.astype(np.float64)
    column = {"macro": 1, "micro": 2}
    final, spatial = special.softmax(exact[:, :3], axis=1), special.softmax(exact[:, 3:], axis=1)
    columns = [of[:, column[kind]] for of in (final, spatial) for kind in kinds]
    np.testing.assert_allclose(values, np.stack(columns, axis=1), rtol=1e-6, atol=1e-44)


def test_large_logits_neither_overflow_nor_warn():
    # Warnings are errors here.
    _, values = scores_of_logits(np.array([[1e30, 0, -1e30, 0, 0, 1e30]], dtype=np.float32), KINDS)
    assert values.tolist() == [[0, 0, 0, 1]]


def test_a_row_without_logits_has_no_scores_and_leaves_the_others_alone():
    logits = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    _, whole = scores_of_logits(logits, KINDS)
    logits[2], logits[3, 5] = np.nan, np.inf
    _, values = scores_of_logits(logits, KINDS)
    assert np.isnan(values[2:4]).all()
    np.testing.assert_array_equal(values[[0, 1, 4]], whole[[0, 1, 4]])


@pytest.mark.parametrize("shape", [(5, 3), (6,)])
def test_logits_of_another_network_are_refused(shape):
    with pytest.raises(ValueError, match="not \\(n, 6\\)"):
        scores_of_logits(np.zeros(shape, dtype=np.float32), KINDS)


@given(LOGITS)
def test_a_label_is_the_highest_logit(logits):
    channels, values = scores_of_logits(logits, KINDS)
    scores = scores_of(values, channels)
    for part, columns in (("", logits[:, :3]), ("/spatial", logits[:, 3:])):
        found = labels(scores, part)
        assert found.dtype == np.int64
        probabilities = special.softmax(columns.astype(np.float64), axis=1)
        highest = probabilities.max(axis=1, initial=0)
        # Ties within float32 go to the first; nothing that is clearly lower is ever chosen.
        assert (probabilities[np.arange(len(found)), found] >= highest - 2e-7).all()
        clear = (probabilities >= highest[:, np.newaxis] - 2e-7).sum(axis=1) == 1
        np.testing.assert_array_equal(found[clear], columns.argmax(axis=1)[clear])


@given(st.floats(-40, 40, width=32), st.floats(0, 60, width=32))
def test_of_equal_classes_neutral_comes_first_then_macro(level, below):
    low = level - below
    logits = np.array([[level, level, level], [level, level, low], [level, low, level], [low, level, level]])
    channels, values = scores_of_logits(np.hstack([logits, logits[::-1]]).astype(np.float32), KINDS)
    scores = scores_of(values, channels)
    last = 1 if below > 1e-3 else labels(scores)[3]
    assert labels(scores).tolist() == [0, 0, 0, last]
    assert labels(scores, "/spatial").tolist() == [last, 0, 0, 0]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_small_lead_is_enough(place):
    logits = np.zeros((1, 6), dtype=np.float32)
    logits[0, [place, 3 + place]] = 1e-5
    channels, values = scores_of_logits(logits, KINDS)
    for part in ("", "/spatial"):
        assert labels(scores_of(values, channels), part).tolist() == [place]


def test_with_one_type_the_other_counts_as_neutral():
    logits = np.log([[0.1, 0.5, 0.4, 1, 1, 1], [0.1, 0.3, 0.6, 1, 1, 1], [0.3, 0.55, 0.15, 1, 1, 1]])
    for kind, expected in (("macro", [0, 0, 1]), ("micro", [0, 2, 0])):
        channels, values = scores_of_logits(logits.astype(np.float32), [kind])
        assert labels(scores_of(values, channels)).tolist() == expected


def test_rows_without_scores_have_no_label():
    values = np.tile([1.0, 0.0, 0.0, 1.0], (4, 1))
    values[1], values[2, :2] = np.nan, np.nan
    scores = scores_of(values)
    assert labels(scores).tolist() == [1, -1, -1, 1]
    assert labels(scores, "/spatial").tolist() == [2, -1, 2, 2]


# Sixteenths are exact in float32: ties are ties, and a plain comparison decides.
@st.composite
def videos(draw):
    """Probabilities in sixteenths with gaps, lengths in half rows, and a rate."""
    rows = []
    for _ in range(draw(st.integers(0, 40))):
        macro = draw(st.sampled_from([0, 0, 2, 6, 10, 16]))
        micro = draw(st.sampled_from([one for one in (0, 0, 5, 9, 16) if one + macro <= 16]))
        rows.append([macro, micro])
    gaps = draw(st.lists(st.integers(0, len(rows) - 1), max_size=3)) if rows else []
    values = np.array(rows, dtype=np.float32).reshape(-1, 2) / 16
    values[gaps] = np.nan
    least, close = (draw(st.integers(0, 9)) for _ in range(2))
    return values, least, close, draw(st.sampled_from([30, 60, 100, Fraction(200, 7)]))


def plain_decoder(values, least, close, peak_threshold, kinds):
    """Everything in lists and exact fractions; lengths in half rows; (kind, onset, apex, offset, score)."""
    names = []
    for row in values.tolist():
        if any(math.isnan(one) for one in row):
            names.append(None)
            continue
        options = [("neutral", 1 - sum(Fraction(one) for one in row))]
        options += [(kind, Fraction(one)) for kind, one in zip(kinds, row, strict=True)]
        highest = max(probability for _, probability in options)
        names.append(next(name for name, probability in options if probability == highest))
    # Half a row counts as one: 3 halves are 2 rows.
    least, close = (least + 1) // 2, (close + 1) // 2
    runs, row = [], 0
    for name, group in groupby(names):
        length = len(list(group))
        runs.append([name, row, row + length - 1])
        row += length
    joined = []
    for place, (name, first, last) in enumerate(runs):
        bridged = False
        if name in kinds and place >= 2 and runs[place - 2][0] == name and runs[place - 1][0] == "neutral":
            bridged = runs[place - 1][2] - runs[place - 1][1] + 1 <= close
        if bridged:
            joined[-1][2] = last
        elif name in kinds:
            joined.append([name, first, last])
    found = []
    for name, first, last in joined:
        if last - first + 1 < least:
            continue
        column = kinds.index(name)
        apex = max(range(first, last + 1), key=lambda row: values[row, column])
        if values[apex, column] >= peak_threshold:
            found.append((name, first, apex, last, float(values[apex, column])))
    return found


@given(videos(), st.sampled_from([0.0, 0.5, 10 / 16, 1.0]), st.sampled_from([(1, 0), (3, 0), (7, 5)]))
def test_decoding_is_that_of_a_plain_decoder(video, peak_threshold, sampling):
    values, least, close, rate = video
    step, start = sampling
    config = FesnetConfig(
        least_s=float(Fraction(least, 2) / rate),
        close_s=float(Fraction(close, 2) / rate),
        peak_threshold=peak_threshold,
    )
    for kinds in (("macro", "micro"), ("macro",), ("micro",)):
        used = values[:, [KINDS.index(kind) for kind in kinds]]
        channels = (*kinds, *(f"{kind}/spatial" for kind in kinds))
        # Spatial proposals that say something else change nothing.
        scores = scores_of(np.hstack([used, 1 - used]), channels, fps=float(rate), step=step, start=start)
        found = [(e.kind, e.onset, e.apex, e.offset, e.score) for e in decode(scores, config).expressions]
        expected = plain_decoder(used, least, close, peak_threshold, kinds)
        assert found == [(kind, *(start + step * row for row in rows), score) for kind, *rows, score in expected]


def test_a_video_made_by_hand_comes_back():
    # Neutral, a macro-expression that flickers for two frames, one frame of noise, a micro-expression, then the end.
    rows = [NEUTRAL] * 5 + [(0.4, 0.6, 0.0)] * 4 + [(0.6, 0.4, 0.0)] * 2 + [(0.1, 0.7, 0.2), (0.0, 0.9, 0.1)]
    rows += [(0.2, 0.8, 0.0)] * 3 + [NEUTRAL] * 4 + [MACRO] + [NEUTRAL] * 3 + [(0.3, 0.1, 0.6)] * 2 + [(0.1, 0.2, 0.7)]
    track = decode(scores_of_rows(rows), FesnetConfig())
    expected = (Expression(5, 12, 15, "macro", score=0.9), Expression(24, 26, 26, "micro", score=0.7))
    assert [replace(one, score=round(one.score, 6)) for one in track.expressions] == list(expected)
    assert frame_labels(track).tolist() == [0] * 5 + [1] * 11 + [0] * 8 + [2] * 3 + [0]


def test_the_truth_as_probabilities_gives_the_truth():
    truth = Track("video", Timebase(30.0, 200), (
        Expression(0, 4, 20, "macro"), Expression(30, 30, 32, "micro"), Expression(33, 40, 70, "macro"),
        Expression(74, 80, 85, "macro"), Expression(189, 195, 199, "micro"),
    ))  # fmt: skip
    rows = 0.9 * np.eye(3)[frame_labels(truth)] + 0.1 / 3
    for one in truth.expressions:
        rows[one.apex] += 0.05 * (np.eye(3)[KINDS.index(one.kind) + 1] - np.eye(3)[0])
    expected = [(one.kind, one.onset, one.apex, one.offset) for one in truth.expressions]
    assert found_in(scores_of_rows(rows)) == expected


@pytest.mark.parametrize(
    ("fps", "least", "close"),
    [(30.0, 3, 2), (60.0, 6, 4), (25.0, 3, 2), (200 / 7, 3, 2), (29.97, 3, 2), (100.0, 10, 7)],
)
def test_lengths_follow_the_rate_of_the_rows(fps, least, close):
    def expression(n_rows):
        return [NEUTRAL] * 9 + [MACRO] * n_rows + [NEUTRAL] * 9

    assert found_in(scores_of_rows(expression(least), fps=fps)) == [("macro", 9, 9, 8 + least)]
    assert not found_in(scores_of_rows(expression(least - 1), fps=fps))
    for gap, n_found in ((close, 1), (close + 1, 2)):
        rows = [MACRO] * least + [NEUTRAL] * gap + [MACRO] * least
        assert len(found_in(scores_of_rows(rows, fps=fps))) == n_found


def test_halves_are_rounded_up_whatever_the_floats_say():
    # 0.145 s at 100 rows per second are 14.5 rows; the product of the floats is a little less.
    assert 0.145 * 100 < 14.5
    for n_rows, n_found in ((14, 0), (15, 1)):
        assert len(found_in(scores_of_rows([MICRO] * n_rows, fps=100.0), least_s=0.145)) == n_found


def test_rows_of_every_third_frame_become_frames_of_the_video():
    rows = [NEUTRAL] * 3 + [(0.4, 0.6, 0), (0.2, 0.8, 0), (0.2, 0.8, 0), (0.4, 0.6, 0)] + [NEUTRAL]
    assert found_in(scores_of_rows(rows, step=3, start=7)) == [("macro", 16, 19, 25)]


def test_no_expression_bridges_rows_without_a_face():
    rows = [MACRO] * 4 + [(math.nan,) * 3] + [MACRO] * 4
    assert found_in(scores_of_rows(rows, [NEUTRAL] * 9)) == [("macro", 0, 0, 3), ("macro", 5, 5, 8)]
    assert found_in(scores_of_rows([MACRO] * 2 + [(math.nan,) * 3] + [MACRO] * 2, [NEUTRAL] * 5)) == []


def test_the_apex_must_reach_its_threshold():
    rows = [(0.25, 0.75, 0)] * 5 + [NEUTRAL] * 5 + [(0.375, 0, 0.625)] * 5
    scores = scores_of_rows(rows)
    assert [len(found_in(scores, peak_threshold=least)) for least in (0.0, 0.625, 0.63, 0.75, 0.76)] == [2, 2, 1, 1, 0]


@pytest.mark.parametrize("values", [np.zeros((0, 4)), np.full((6, 4), np.nan)])
def test_a_video_without_scores_has_no_expression_and_no_threshold(values):
    scores = scores_of(values)
    assert decode(scores, FesnetConfig(least_s=0.0)).expressions == ()
    for curve in curves(scores, FesnetConfig(peak_threshold=0.5)):
        assert curve.threshold is None
        assert len(curve.values) == len(values)


@pytest.mark.parametrize(("peak_threshold", "expected"), [(0.0, None), (0.3, 0.3)])
def test_curves_are_the_probabilities_under_the_threshold_if_there_is_one(peak_threshold, expected):
    values = np.random.default_rng(0).random((30, 4)) / 2
    values[3] = np.nan
    macro, micro = curves(scores_of(values, step=7), FesnetConfig(peak_threshold=peak_threshold))
    assert (macro.kind, macro.threshold, micro.kind, micro.threshold) == ("macro", expected, "micro", expected)
    np.testing.assert_array_equal(macro.values, values[:, 0].astype(np.float32))
    np.testing.assert_array_equal(micro.values, values[:, 1].astype(np.float32))
    np.testing.assert_array_equal(macro.frames, np.arange(0, 210, 7))
