"""Section III-D against a decoder written plainly, and logits against scipy."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special

from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.methods.spotgcn.decoding import curves, decode, scores_of_logits
from facespot.values import KINDS, Scores, Timebase

CHANNELS = ("macro", "macro/onset", "macro/offset", "macro/expression",
            "micro", "micro/onset", "micro/offset", "micro/expression")  # fmt: skip


def scores_of(values, *, fps=30.0, step=1, start=0, channels=CHANNELS):
    """Scores of a video of which every so many-th frame is a row."""
    values = np.asarray(values, dtype=np.float32)
    frames = start + step * np.arange(len(values))
    timebase = Timebase(fps * step, start + step * len(values))
    return Scores("video", timebase, tuple(channels), values, frames, np.isfinite(values), fps)


def quiet(n_rows):
    """Probabilities of a video without expressions, by channel."""
    return {name: np.full(n_rows, 0.01) for name in CHANNELS}


def scores_of_channels(channels, **settings):
    return scores_of(np.stack([channels[name] for name in CHANNELS], axis=1), **settings)


# Halves of a row at 30 rows per second, so that the plain decoder can count exactly.
HALF_ROWS = st.integers(1, 40)


@st.composite
def cases(draw):
    """Scores with many equal values and gaps, and settings; lengths in half rows."""
    n_rows = draw(st.integers(0, 40))
    few = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
    some = st.floats(0, 1, width=32)
    values = draw(arrays(np.float32, (n_rows, 8), elements=draw(st.sampled_from([few, some])), fill=st.nothing()))
    if n_rows:
        for row in draw(st.lists(st.integers(0, n_rows - 1), max_size=4)):
            values[row, draw(st.sampled_from([slice(0, 8), slice(0, 4), slice(5, 6)]))] = np.nan
    halves = {name: draw(HALF_ROWS) for name in ("macro_mean_s", "macro_least_s", "micro_mean_s", "micro_least_s")}
    config = SpotgcnConfig(
        **{name: half / 60 for name, half in halves.items()},
        search=draw(st.sampled_from([0.5, 1.0, 2.0])),
        apex_threshold=draw(st.sampled_from([0.0, 0.25, 0.3, 0.5])),
        consistent=draw(st.booleans()),
        overlap=draw(st.sampled_from([0.0, 0.2, 1 / 3, 0.5, 1.0])),
        most_per_video=draw(st.sampled_from([0, 0, 1, 3])),
    )
    return values, config, halves


def plain_iou(a, b):
    rows_of_a, rows_of_b = set(range(a[0], a[2] + 1)), set(range(b[0], b[2] + 1))
    return len(rows_of_a & rows_of_b) / len(rows_of_a | rows_of_b)


def plain_decoder(p_apex, p_onset, p_offset, mean, least, config):
    """Section III-D in loops over rows and pairs; lengths in rows; (onset, apex, offset, score) by decreasing score."""
    n_rows = len(p_apex)
    scored = [all(np.isfinite(p[row]) for p in (p_apex, p_onset, p_offset)) for row in range(n_rows)]
    most = max(Fraction(1), Fraction(config.search) * mean / 2)
    fewest = max(Fraction(1), least / 2)
    distances = [d for d in range(1, 100) if fewest <= d <= most] or [math.floor(most)]

    def boundary(apex, side, probabilities):
        best = None
        for distance in distances:
            row = apex + side * distance
            bridged = range(min(row, apex), max(row, apex) + 1)
            if not all(0 <= between < n_rows and scored[between] for between in bridged):
                continue
            if best is None or probabilities[row] > probabilities[best]:
                best = row
        return best

    found = []
    for apex in range(n_rows):
        if not scored[apex] or not float(p_apex[apex]) > config.apex_threshold:
            continue
        onset, offset = boundary(apex, -1, p_onset), boundary(apex, 1, p_offset)
        if onset is None or offset is None:
            continue
        if config.consistent and not (p_onset[onset] > p_offset[onset] and p_offset[offset] > p_onset[offset]):
            continue
        score = float(p_onset[onset]) * float(p_apex[apex]) * float(p_offset[offset])
        found.append((onset, apex, offset, score))
    found.sort(key=lambda one: (-one[3], one[0], one[2] - one[0], one[1]))
    kept = []
    for one in found:
        if all(plain_iou(one, other) <= config.overlap for other in kept):
            kept.append(one)
    return kept[: config.most_per_video] if config.most_per_video else kept


@given(cases(), st.sampled_from([(1, 0), (7, 0), (7, 3)]))
def test_decoding_is_that_of_a_plain_decoder(case, sampling):
    values, config, halves = case
    step, start = sampling
    track = decode(scores_of(values, step=step, start=start), config)
    for column, kind in ((0, "macro"), (4, "micro")):
        mean, least = (Fraction(halves[f"{kind}_{name}_s"], 2) for name in ("mean", "least"))
        expected = plain_decoder(*(values[:, column + part] for part in range(3)), mean, least, config)
        expected = [(*(start + step * row for row in one[:3]), one[3]) for one in expected]
        found = [(one.onset, one.apex, one.offset, one.score) for one in track.of_kind(kind).expressions]
        assert sorted(found) == sorted(expected)


@given(cases(), st.sampled_from([1, 7]))
def test_intervals_are_ordered_inside_and_overlap_little(case, step):
    values, config, _ = case
    track = decode(scores_of(values, step=step), config)
    for kind in KINDS:
        found = track.of_kind(kind).expressions
        for place, one in enumerate(found):
            assert 0 <= one.onset < one.apex < one.offset < step * len(values)
            assert all(one.iou(other) <= config.overlap for other in found[:place])
        assert not config.most_per_video or len(found) <= config.most_per_video


def one_macro(n_rows=200, onset=90, apex=100, offset=125):
    """A macro-expression with its boundaries at different distances from the apex."""
    channels = quiet(n_rows)
    channels["macro"][apex - 2 : apex + 3] = [0.6, 0.7, 0.9, 0.7, 0.6]
    channels["macro/onset"][onset - 1 : onset + 2] = [0.5, 0.8, 0.5]
    channels["macro/offset"][offset - 1 : offset + 2] = [0.4, 0.7, 0.4]
    return channels


def test_the_true_boundaries_are_found_not_symmetric_ones():
    (found,) = decode(scores_of_channels(one_macro()), SpotgcnConfig()).expressions
    assert (found.onset, found.apex, found.offset, found.kind) == (90, 100, 125, "macro")
    assert found.score == pytest.approx(0.8 * 0.9 * 0.7, rel=1e-6)


def test_rows_of_every_seventh_frame_become_frames_of_the_video():
    scores = scores_of_channels(one_macro(), fps=200 / 7, step=7)
    (found,) = decode(scores, SpotgcnConfig()).expressions
    assert (found.onset, found.apex, found.offset) == (630, 700, 875)
    # The same lengths in seconds are fewer rows at a lower rate: here the offset is out of reach.
    scores = scores_of_channels(one_macro(), fps=20.0)
    assert all(one.offset - one.apex < 20 for one in decode(scores, SpotgcnConfig(consistent=False)).expressions)
    assert not decode(scores, SpotgcnConfig()).expressions


def test_a_wider_search_reaches_farther():
    scores = scores_of_channels(one_macro(offset=140))
    assert not decode(scores, SpotgcnConfig()).expressions
    (found,) = decode(scores, SpotgcnConfig(search=1.5)).expressions
    assert found.offset == 140


def test_the_types_are_decoded_apart_each_with_its_lengths():
    channels = one_macro()
    channels["micro"][100], channels["micro/onset"][95], channels["micro/offset"][107] = 0.8, 0.9, 0.9
    channels["micro/onset"][91] = 0.95
    track = decode(scores_of_channels(channels), SpotgcnConfig())
    assert [(one.kind, one.onset, one.offset) for one in track.expressions] == [("macro", 90, 125), ("micro", 95, 107)]
    only = [name for name in CHANNELS if name.startswith("micro")]
    of_one = decode(scores_of(np.stack([channels[name] for name in only], axis=1), channels=only), SpotgcnConfig())
    assert of_one.expressions == track.of_kind("micro").expressions


def test_what_contradicts_itself_is_dropped_only_where_asked():
    channels = one_macro()
    channels["macro/offset"][90] = 0.9
    scores = scores_of_channels(channels)
    assert not decode(scores, SpotgcnConfig()).expressions
    (found,) = decode(scores, SpotgcnConfig(consistent=False)).expressions
    assert (found.onset, found.offset) == (90, 125)


def test_the_cap_keeps_the_highest_of_each_type():
    channels = quiet(900)
    heights = [0.6, 0.9, 0.7, 0.8]
    for place, height in enumerate(heights):
        apex = 100 + 200 * place
        for kind, reach in (("macro", 20), ("micro", 5)):
            channels[kind][apex] = channels[f"{kind}/onset"][apex - reach] = height
            channels[f"{kind}/offset"][apex + reach] = height
    scores = scores_of_channels(channels)
    config = SpotgcnConfig()
    assert len(decode(scores, config).expressions) == 8
    for kind in KINDS:
        capped = decode(scores, replace(config, most_per_video=2)).of_kind(kind).expressions
        assert [one.apex for one in capped] == [300, 700]


@pytest.mark.parametrize("n_rows", [0, 1, 2])
def test_a_video_without_room_for_an_expression_has_none(n_rows):
    values = np.ones((n_rows, 8))
    assert not decode(scores_of(values), SpotgcnConfig(consistent=False)).expressions
    assert all(len(one.values) == n_rows for one in curves(scores_of(values), SpotgcnConfig()))


def test_curves_are_the_apex_probabilities_under_the_threshold():
    values = np.random.default_rng(0).random((30, 8))
    values[3, :4] = np.nan
    values[:, 4:] = np.nan
    scores = scores_of(values, step=7)
    macro, micro = curves(scores, SpotgcnConfig(apex_threshold=0.3))
    assert (macro.kind, macro.threshold, micro.kind, micro.threshold) == ("macro", 0.3, "micro", None)
    np.testing.assert_array_equal(macro.values, values[:, 0].astype(np.float32))
    np.testing.assert_array_equal(macro.frames, np.arange(0, 210, 7))
    assert np.isnan(micro.values).all()


LOGITS = arrays(np.float32, st.tuples(st.integers(0, 12), st.just(10)), elements=st.floats(-200, 200, width=32))


@given(LOGITS, st.sampled_from([("macro", "micro"), ("micro",), ("macro",)]))
def test_probabilities_are_those_of_scipy(logits, kinds):
    channels, values = scores_of_logits(logits, kinds)
    assert channels == tuple(name for kind in kinds for name in CHANNELS if name.startswith(kind))
    assert values.dtype == np.float32
    exact = logits.astype(np.float64)
    micro, macro = special.softmax(exact[:, :3], axis=1), special.softmax(exact[:, 3:6], axis=1)
    expected = {
        "micro": [special.expit(exact[:, 6]), micro[:, 0], micro[:, 1], special.expit(exact[:, 8])],
        "macro": [special.expit(exact[:, 7]), macro[:, 0], macro[:, 1], special.expit(exact[:, 9])],
    }
    columns = np.stack([column for kind in kinds for column in expected[kind]], axis=1)
    np.testing.assert_allclose(values, columns, rtol=1e-6, atol=1e-44)


def test_large_logits_neither_overflow_nor_warn():
    # Warnings are errors here.
    logits = np.array([[1e30, 0, -1e30, 0, 1e30, 0, 1e30, -1e30, -1e30, 1e30]], dtype=np.float32)
    _, values = scores_of_logits(logits, KINDS)
    assert values.tolist() == [[0, 0, 1, 1, 1, 1, 0, 0]]


def test_a_row_without_logits_has_no_scores_and_leaves_the_others_alone():
    logits = np.random.default_rng(0).normal(size=(5, 10)).astype(np.float32)
    _, whole = scores_of_logits(logits, KINDS)
    logits[2] = np.nan
    logits[3, 9] = np.inf
    _, values = scores_of_logits(logits, KINDS)
    assert np.isnan(values[2:4]).all()
    np.testing.assert_array_equal(values[[0, 1, 4]], whole[[0, 1, 4]])


def test_logits_of_another_network_are_refused():
    with pytest.raises(ValueError, match="not \\(n, 10\\)"):
        scores_of_logits(np.zeros((5, 9), dtype=np.float32), KINDS)
