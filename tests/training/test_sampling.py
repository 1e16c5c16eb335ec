"""Which rows are trained on."""

import numpy as np
import pytest

from facespot.training.sampling import epoch_order, held_back_subjects, keep_share_of_negatives

TARGETS = np.where(np.arange(1000) % 10 == 0, 0.25, 0.0).astype(np.float32)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 450), (0.0, 0), (1.0, 900), (0.001, 1)])
def test_every_positive_row_and_the_share_of_the_others(share, expected):
    kept = keep_share_of_negatives(TARGETS, share, np.random.default_rng(0))
    assert kept[TARGETS > 0].all()
    assert np.count_nonzero(kept[TARGETS == 0]) == expected


def test_the_choice_follows_the_seed_and_favours_no_place():
    first, again, other = (keep_share_of_negatives(TARGETS, 0.5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    times = sum(keep_share_of_negatives(TARGETS, 0.5, np.random.default_rng(seed)).astype(int) for seed in range(200))
    chosen = times[TARGETS == 0] / 200
    # Binomial: four standard deviations of 0.035 around a half.
    assert chosen.min() > 0.5 - 4.5 * 0.0354
    assert chosen.max() < 0.5 + 4.5 * 0.0354


def test_the_order_of_an_epoch_is_a_new_one_each_time():
    first, again = (epoch_order(50, 0, seed=3, epoch=0) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert sorted(first.tolist()) == list(range(50))
    assert epoch_order(50, 0, seed=3, epoch=1).tolist() != first.tolist()
    assert epoch_order(50, 0, seed=4, epoch=0).tolist() != first.tolist()


def test_an_epoch_may_be_limited_and_draws_without_repetition():
    seen = [epoch_order(50, 10, seed=0, epoch=epoch) for epoch in range(60)]
    assert all(len(set(one.tolist())) == 10 for one in seen)
    assert set(np.concatenate(seen).tolist()) == set(range(50))
    assert len(epoch_order(5, 10, seed=0, epoch=0)) == 5


def test_who_is_held_back():
    names = [f"s{number}" for number in range(10)] * 3
    held = held_back_subjects(names, 0.2, np.random.default_rng(0))
    assert len(held) == 2
    assert held < set(names)
    assert len(held_back_subjects(names, 0.01, np.random.default_rng(0))) == 1
    assert len(held_back_subjects(["a", "b"], 0.99, np.random.default_rng(0))) == 1
    assert held_back_subjects(["a", "a"], 0.5, np.random.default_rng(0)) == set()
