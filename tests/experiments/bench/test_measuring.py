"""Figures of a condition against plain computations on made-up tracks."""

import itertools
import statistics

import numpy as np
import pytest
from scipy.stats import chi2

from facespot.experiments.bench.conditions import Condition
from facespot.experiments.bench.measuring import counts_by_video, figures_of, rate_of
from facespot.experiments.bench.spotting import Spotted
from facespot.values import KINDS, Expression, Recording, Timebase, Track

CONDITION = Condition("clean", "clean", "quality", "held30")
N_FRAMES, FPS = 600, 30.0


def drawn(seed, n_subjects=5, videos=2):
    """Recordings with true expressions, and what was spotted: most of them, moved a little, and some that are not."""
    rng = np.random.default_rng(seed)
    recordings, spotted = [], {}
    for subject, video in itertools.product(range(n_subjects), range(videos)):
        name = f"videos/s{subject}_v{video}"
        base = Timebase(FPS, N_FRAMES)
        true, guessed = [], []
        for start in range(20, N_FRAMES - 120, 110):
            kind = KINDS[int(rng.integers(2))]
            length = int(rng.integers(40, 80)) if kind == "macro" else int(rng.integers(8, 15))
            one = Expression(start, start + length // 3, start + length, kind)
            if rng.random() < 0.8:
                true.append(one)
            if rng.random() < 0.7:
                moved = [int(rng.integers(-length // 3, length // 3 + 1)) for _ in range(2)]
                onset, offset = one.onset + moved[0], max(one.offset + moved[1], one.onset + moved[0])
                apex = min(max(one.apex + int(rng.integers(-3, 4)), onset), offset)
                guessed.append(Expression(onset, apex, offset, kind, score=float(rng.random())))
        recordings.append(Recording(name, f"s{subject}", None, Track(name, base, tuple(true))))
        spotted[name] = Spotted(Track(name, base, tuple(guessed)))
    return recordings, spotted


def matched(recordings, spotted, kind):
    """Hits, false alarms and misses of each video; expressions lie so far apart that nothing competes."""
    rows = []
    for one in recordings:
        true = [found for found in one.truth.expressions if found.kind == kind]
        guessed = [found for found in spotted[one.id].track.expressions if found.kind == kind]
        hits = []
        for left, right in itertools.product(true, guessed):
            frames = [set(range(part.onset, part.offset + 1)) for part in (left, right)]
            if len(frames[0] & frames[1]) / len(frames[0] | frames[1]) >= 0.5:
                hits.append((left, right))
        rows.append((one, hits, len(guessed) - len(hits), len(true) - len(hits)))
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_a_plain_computation(seed):
    recordings, spotted = drawn(seed)
    figures = figures_of(CONDITION, recordings, spotted, KINDS)
    assert (figures.videos, figures.subjects) == (10, 5)
    assert figures.minutes == pytest.approx(10 * 20 / 60)
    sums = {}
    for kind in KINDS:
        rows = matched(recordings, spotted, kind)
        found, hits = getattr(figures, kind), [hit for _, some, _, _ in rows for hit in some]
        tp, fp, fn = len(hits), sum(row[2] for row in rows), sum(row[3] for row in rows)
        assert tp > 5
        assert (found.tp, found.fp, found.fn) == (tp, fp, fn)
        assert found.f1 == pytest.approx(2 * tp / (2 * tp + fp + fn))
        assert (found.precision, found.recall) == pytest.approx((tp / (tp + fp), tp / (tp + fn)))
        for point in ("onset", "apex", "offset"):
            errors = [abs(getattr(guess, point) - getattr(true, point)) / FPS for true, guess in hits]
            assert figures.median_error_s[kind][point] == pytest.approx(statistics.median(errors))
        rate = figures.false_alarms_per_minute[kind]
        assert rate.rate == pytest.approx(fp / figures.minutes)
        assert rate.high == pytest.approx(chi2.ppf(0.975, 2 * fp + 2) / 2 / figures.minutes)
        sums[kind] = np.array([[len(some), false, missed] for _, some, false, missed in rows])
    both = sums["macro"] + sums["micro"]
    assert (figures.overall.tp, figures.overall.fp, figures.overall.fn) == tuple(both.sum(axis=0))
    assert figures.false_alarms_per_minute["all"].rate == pytest.approx(both[:, 1].sum() / figures.minutes)
    low, high = resampled(both.reshape(5, 2, 3).sum(axis=1))
    assert (figures.overall.low, figures.overall.high) == pytest.approx((low, high))
    by_video = counts_by_video(recordings, spotted, KINDS)
    assert list(by_video["overall"].values()) == [tuple(row) for row in both.tolist()]


def resampled(by_subject):
    """Percentile interval of F1, subject by subject."""
    rng = np.random.default_rng(0)
    values = []
    for times in rng.multinomial(len(by_subject), [1 / len(by_subject)] * len(by_subject), size=2000):
        tp, fp, fn = sum(int(often) * row for often, row in zip(times, by_subject, strict=True))
        values.append(2 * tp / (2 * tp + fp + fn))
    return np.quantile(values, [0.025, 0.975])


def recording(name, *expressions, subject="s1"):
    return Recording(name, subject, None, Track(name, Timebase(FPS, N_FRAMES), expressions))


def test_average_precision_by_hand():
    one = recording("a", *(Expression(start, None, start + 40, "macro") for start in (0, 100, 200, 300)))
    guesses = [(0, 0.9), (500, 0.8), (100, 0.7), (540, 0.6)]
    track = Track("a", one.timebase, tuple(Expression(at, None, at + 40, "macro", score=s) for at, s in guesses))
    # Hits at ranks 1 and 3 of 4 true ones: precision 1 and 2/3.
    figures = figures_of(CONDITION, [one], {"a": Spotted(track)}, KINDS)
    assert figures.macro.average_precision == pytest.approx((1 + 2 / 3) / 4)
    assert (figures.macro.low, figures.macro.high) == (None, None), "one subject has no interval"
    assert figures.micro.f1 is None


def test_predictions_without_a_score_have_no_average_precision():
    one = recording("a", Expression(0, None, 40, "macro"))
    figures = figures_of(CONDITION, [one], {"a": Spotted(one.truth)}, KINDS)
    assert (figures.macro.f1, figures.macro.average_precision) == (1.0, None)


def test_videos_without_expressions_have_false_alarms_and_no_f1():
    one = recording("a")
    track = Track("a", one.timebase, (Expression(5, 9, 15, "micro", score=0.5), Expression(50, 60, 99, "macro")))
    figures = figures_of(CONDITION, [one], {"a": Spotted(track)}, KINDS)
    for part in (figures.macro, figures.micro):
        assert (part.tp, part.fp, part.fn) == (0, 1, 0)
        assert (part.f1, part.precision, part.recall, part.average_precision) == (None,) * 4
    assert figures.false_alarms_per_minute["all"].rate == pytest.approx(2 / (20 / 60))
    assert figures.median_error_s["macro"] == {"onset": None, "apex": None, "offset": None}


def test_a_type_that_the_method_does_not_spot_is_left_out():
    recordings, spotted = drawn(1)
    figures = figures_of(CONDITION, recordings, spotted, ("micro",))
    assert figures.macro is None
    assert figures.false_alarms_per_minute["macro"] is None
    assert figures.median_error_s["macro"] is None
    assert figures.overall == figures.micro
    assert set(counts_by_video(recordings, spotted, ("micro",))) == {"micro", "overall"}


def test_failures_count_as_missed_and_unreliable_videos_are_counted():
    true = Expression(0, None, 40, "macro")
    recordings = [recording("a", true), recording("b", true, subject="s2"), recording("c", true, subject="s3")]
    spotted = {
        "a": Spotted(recordings[0].truth, micro_reliable=False),
        "b": Spotted(recordings[1].truth, micro_reliable=True),
        "c": Spotted(Track("c", recordings[2].timebase), failure="c: no face; film another"),
    }
    figures = figures_of(CONDITION, recordings, spotted, KINDS)
    assert figures.unreliable_videos == 1
    assert figures.failed == {"c": "c: no face; film another"}
    assert (figures.macro.tp, figures.macro.fn) == (2, 1)


@pytest.mark.parametrize("count", [1, 7, 40])
def test_the_interval_of_a_rate_is_exact(count):
    found = rate_of(count, 30.0)
    low, high = chi2.ppf(0.025, 2 * count) / 2, chi2.ppf(0.975, 2 * count + 2) / 2
    assert (found.rate, found.low, found.high) == pytest.approx((count / 30, low / 30, high / 30))
