"""Training windows: where they begin, what alters them and their targets, what is not learned."""

from dataclasses import replace

import numpy as np
import pytest

from facespot.features.region_motion import REGIONS, WIDTH, mirrored, part
from facespot.methods.regiontcn.config import RegiontcnConfig
from facespot.methods.regiontcn.samples import MotionSamples, learned_videos, rows_at, usual_size
from facespot.methods.regiontcn.windows import CONTEXT_ROWS, INPUTS
from facespot.values import KINDS

LENGTH = 64
# Nothing but the begin of a window is drawn; speed 1.
PLAIN = RegiontcnConfig(window_rows=LENGTH, slowest=1.0, fastest=1.0, gain=0.0, noise=0.0, region_dropout=0.0,
                        onset_jitter_rows=0.0, offset_jitter_rows=0.0)  # fmt: skip
ONES = np.ones(WIDTH, dtype=np.float32)
TARGETS = ("counted", "kind", "distances_s", "distance_weight", "maps", "emotion", "emotion_weight", "action_units",
           "action_unit_weight")  # fmt: skip


def samples_of(videos, config=PLAIN, kinds=KINDS, altered=True, **options):
    return MotionSamples(learned_videos(videos, kinds), config, ONES, altered=altered, **options)


def drawn(samples, seed=0, indices=None):
    chosen = np.arange(len(samples)) if indices is None else np.asarray(indices)
    rows, *targets = samples.batch(chosen, np.random.default_rng(seed))
    return rows, dict(zip(TARGETS, targets, strict=True))


def numbered(video, name, n_rows, **options):
    """A video whose rows all hold their own number."""
    one = video(name, (), n_rows=n_rows, **options)
    values = np.repeat(np.arange(n_rows, dtype=np.float32)[:, np.newaxis], WIDTH, axis=1)
    features = replace(one.features["micro"], values=values)
    return replace(one, features=dict.fromkeys(one.features, features))


def test_shapes_and_types(video):
    samples = samples_of([video("ann"), video("ben", n_rows=40)])
    rows, targets = drawn(samples)
    n = len(samples)
    assert n == 8 + 1
    assert (rows.shape, rows.dtype) == ((n, LENGTH + 2 * CONTEXT_ROWS, INPUTS), np.float32)
    shapes = {"distances_s": (2,), "maps": (4,), "action_units": (17,)}
    for name, value in targets.items():
        assert value.shape == (n, LENGTH, *shapes.get(name, ())), name
        assert value.dtype == {"counted": np.bool_, "kind": np.int64, "emotion": np.int64}.get(name, np.float32), name


def test_every_window_begins_in_its_own_share_of_the_video(video):
    one, n_rows = numbered(video, "ann", 400), 400
    samples = samples_of([one])
    starts = np.array([drawn(samples, seed)[0][:, CONTEXT_ROWS + LENGTH // 2, 5] - LENGTH // 2 for seed in range(60)])
    low, high = -0.1 * LENGTH, n_rows - 0.9 * LENGTH
    share = (high - low) / len(samples)
    assert share <= LENGTH / 2
    for place, found in enumerate(starts.T):
        assert low + place * share - 0.01 <= found.min() < low + (place + 0.2) * share
        assert low + (place + 0.8) * share < found.max() <= low + (place + 1) * share + 0.01


def test_a_video_shorter_than_a_window_is_somewhere_in_it(video):
    samples = samples_of([numbered(video, "ann", 30)])
    assert len(samples) == 1
    for seed in range(20):
        rows, _ = drawn(samples, seed)
        inside = rows[0, :, WIDTH] > 0
        # The last row has no later neighbour where a window begins between two rows.
        assert 29 <= inside.sum() <= 30
        assert inside[CONTEXT_ROWS : CONTEXT_ROWS + LENGTH].sum() >= 29 - 7


def test_what_is_only_looked_at_is_not_altered_and_always_the_same(video):
    one = video("ann", gap=[40, 41])
    loud = replace(PLAIN, gain=1.0, noise=5.0, region_dropout=1.0, slowest=0.5, onset_jitter_rows=9.0)
    samples = samples_of([one], loud, altered=False)
    first, targets = drawn(samples)
    other, _ = drawn(samples, seed=9)
    np.testing.assert_array_equal(first, other)
    features = one.features["micro"]
    for window, counted in zip(first, targets["counted"], strict=True):
        hit = np.flatnonzero((features.values == window[CONTEXT_ROWS + 10, :WIDTH]).all(axis=1))
        (begin,) = hit - CONTEXT_ROWS - 10
        rows = begin + np.arange(len(window))
        for row, found in zip(rows, window, strict=True):
            if 0 <= row < 300 and features.valid[row]:
                np.testing.assert_array_equal(found, [*features.values[row], 1])
            else:
                assert not found.any()
        np.testing.assert_array_equal(counted, window[CONTEXT_ROWS : CONTEXT_ROWS + LENGTH, WIDTH] > 0)


def test_windows_are_mirrored_half_of_the_time(video):
    samples = samples_of([video("ann")])
    plain = 0
    for seed in range(60):
        rows, _ = drawn(samples, seed, [3])
        rng = np.random.default_rng(seed)
        rng.uniform()
        start = -0.1 * LENGTH + (300 - 0.8 * LENGTH) * (3 + rng.random()) / len(samples)
        expected = rows_at(video("ann").features["micro"], start + np.arange(LENGTH + 2 * CONTEXT_ROWS) - CONTEXT_ROWS)
        flipped = np.concatenate([mirrored(expected[:, :WIDTH]), expected[:, WIDTH:]], axis=1)
        near = [np.abs(rows[0] - one).max() < 1e-5 for one in (expected, flipped)]
        assert sum(near) == 1
        plain += near[0]
    assert 18 <= plain <= 42


def test_gain_noise_and_a_still_region(video):
    one = video("ann", gap=range(30, 34))
    plain = drawn(samples_of([one]), 5, [2])[0][0]
    louder = drawn(samples_of([one], replace(PLAIN, gain=0.3)), 5, [2])[0][0]
    used = np.abs(plain[:, :WIDTH]) > 0.05
    ratio = louder[:, :WIDTH][used] / plain[:, :WIDTH][used]
    assert np.ptp(ratio) < 1e-3
    assert abs(np.log(ratio[0])) > 0.01
    noisy = [drawn(samples_of([one], replace(PLAIN, noise=2.0)), seed, [2])[0][0] for seed in range(30)]
    quiet = [drawn(samples_of([one]), seed, [2])[0][0] for seed in range(30)]
    added = np.array([(first - second)[:, :WIDTH].std() for first, second in zip(noisy, quiet, strict=True)])
    assert 8 <= np.count_nonzero(added > 1e-3) <= 22
    assert added.max() < 0.3 * 2.0
    for window in noisy:
        assert not window[window[:, WIDTH] == 0].any()
    for seed in range(10):
        window = drawn(samples_of([one], replace(PLAIN, region_dropout=1.0)), seed, [2])[0][0]
        motion = part(window[:, :WIDTH].copy(), "motion")
        still = [not motion[:, region].any() for region in range(len(REGIONS))]
        assert sum(still) == 1


def test_a_window_is_played_faster_or_slower_with_its_truth(video):
    one = video("ann", ((100, 110, 140, "macro"),), n_rows=240)
    for slow, fast in ((0.5, 1.0), (1.0, 2.0)):
        samples = samples_of([one], replace(PLAIN, slowest=slow, fastest=fast, window_rows=160))
        lengths, tops = [], []
        for seed in range(40):
            _, targets = drawn(samples, seed, [0])
            inside = np.flatnonzero(targets["kind"][0])
            if len(inside) and inside[0] > 0 and inside[-1] < 159:
                lengths.append(len(inside))
                tops.append(targets["distances_s"][0].sum(axis=1).max() * 30)
        assert 41 * 1 / fast - 1.5 <= min(lengths) < max(lengths) <= 41 / slow + 1.5
        assert max(lengths) - min(lengths) > 8
        np.testing.assert_allclose(lengths, np.array(tops) + 1, atol=1.6)


def test_coders_disagree(video):
    one = video("ann", ((100, 110, 140, "macro"),), n_rows=240)
    config = replace(PLAIN, onset_jitter_rows=2.0, offset_jitter_rows=4.0, window_rows=200)
    ends = []
    for seed in range(80):
        _, targets = drawn(samples_of([one], config), seed, [0])
        _, plain = drawn(samples_of([one], replace(PLAIN, window_rows=200)), seed, [0])
        ends.append([np.flatnonzero(side["kind"][0])[[0, -1]] for side in (targets, plain)])
    spread = np.std([np.subtract(*pair) for pair in ends], axis=0)
    assert spread == pytest.approx([2.0, 4.0], rel=0.35)


def test_an_unknown_type_and_rows_without_a_face_are_not_counted(video):
    expressions = ((20, 25, 40, "macro"), (60, 63, 68, "micro"))
    one = video("ann", expressions, n_rows=100, gap=range(80, 85))
    only = replace(one, features={"macro": one.features["macro"]})
    for videos, kinds in (([one], ("macro",)), ([only], KINDS)):
        samples = samples_of(videos, replace(PLAIN, window_rows=100), kinds, altered=False)
        _, targets = drawn(samples)
        (begin,) = 20 - np.flatnonzero(targets["kind"][0] == 1)[:1]
        counted = np.zeros(160, dtype=bool)
        counted[:100] = True
        counted[np.r_[60:69, 80:85]] = False
        assert targets["counted"][0].tolist() == [counted[row] if 0 <= row < 100 else False
                                                  for row in range(begin, begin + 100)]  # fmt: skip
        assert set(targets["kind"].ravel()) == {0, 1}
        (learned,) = learned_videos(videos, kinds)
        assert learned.n_usable == 1
    assert learned_videos([one], ()) == []
    assert learned_videos([video("ben", expressions, gap=range(15, 75))], KINDS)[0].n_usable == 0


def test_a_small_corpus_gives_its_windows_several_times(video):
    samples = samples_of([video("ann"), video("ben")], at_least=50)
    assert len(samples) == 64
    first, _ = drawn(samples, indices=[3, 19, 35])
    assert np.abs(first[0] - first[1]).max() > 0.1
    assert len(samples_of([video("ann")], at_least=0)) == len(samples_of([video("ann")], at_least=8)) == 8
    assert len(samples_of([], at_least=50)) == 0


def test_rows_between_rows_are_valid_where_both_neighbours_are(video):
    features = video("ann", gap=[7]).features["micro"]
    rows = rows_at(features, [-1.0, -0.5, 0.0, 3.25, 5.5, 6.5, 7.0, 8.0, 298.5, 299.0, 299.5])
    assert rows[:, WIDTH].tolist() == [0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0]
    values = features.values
    np.testing.assert_allclose(rows[3, :WIDTH], 0.75 * values[3] + 0.25 * values[4], atol=1e-6)
    np.testing.assert_allclose(rows[8, :WIDTH], (values[298] + values[299]) / 2, atol=1e-6)
    np.testing.assert_array_equal(rows[9, :WIDTH], values[299])
    assert not rows[[0, 1, 5, 6, 10]].any()


def test_the_usual_size_is_that_of_every_third_valid_row(video):
    videos = [video("ann", gap=range(50)), video("ben", n_rows=41)]
    rows = np.concatenate([one.features["micro"].values[one.features["micro"].valid][::3] for one in videos])
    expected = np.sqrt((rows.astype(np.float64) ** 2).mean(axis=0)) + 1e-3
    np.testing.assert_allclose(usual_size(learned_videos(videos, KINDS)), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="no row is valid"):
        usual_size(learned_videos([video("cid", n_rows=20, gap=range(20))], KINDS))
