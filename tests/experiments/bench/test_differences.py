"""The permutation test between groups of people, against all permutations."""

import itertools

import numpy as np
import pytest

from facespot.experiments.bench.differences import spread_of_f1


def f1(rows):
    tp, fp, fn = np.sum(rows, axis=0)
    return 2 * tp / (2 * tp + fp + fn)


def drawn(seed, n_subjects, videos):
    rng = np.random.default_rng(seed)
    names = [(f"s{one}", f"s{one}_v{video}") for one in range(n_subjects) for video in range(videos)]
    subjects = {video: subject for subject, video in names}
    return {video: tuple(map(int, rng.integers(1, 9, 3))) for video in subjects}, subjects


def exact(counts, subjects, groups):
    """Spread and p from every way to give the labels of one person to another."""
    people = sorted(set(subjects.values()))
    videos = {one: sorted(video for video in counts if subjects[video] == one) for one in people}
    spreads = []
    for order in itertools.permutations(people):
        labels = {video: groups[other] for one, given in zip(people, order, strict=True)
                  for video, other in zip(videos[one], videos[given], strict=True)}  # fmt: skip
        values = [f1([counts[video] for video in counts if labels[video] == name]) for name in set(labels.values())]
        spreads.append(max(values) - min(values))
    return spreads[0], np.mean([one >= spreads[0] - 1e-12 for one in spreads])


@pytest.mark.parametrize(("seed", "by_video"), [(0, False), (1, False), (2, True), (3, True)])
def test_it_comes_near_to_all_permutations(seed, by_video):
    counts, subjects = drawn(seed, 6, 2)
    rng = np.random.default_rng(seed)
    if by_video:
        groups = {video: f"g{int(rng.integers(3))}" for video in counts}
    else:
        groups = {video: f"g{int(subject[1:]) % 3}" for video, subject in subjects.items()}
    spread, p = exact(counts, subjects, groups)
    found = spread_of_f1(counts, subjects, groups, seed=0, n_permutations=4000)
    assert found.spread == pytest.approx(spread)
    assert found.largest - found.smallest == pytest.approx(spread)
    assert found.p == pytest.approx(p, abs=0.03)


def test_the_seed_decides():
    counts, subjects = drawn(5, 8, 2)
    groups = {video: f"g{int(subject[1:]) % 2}" for video, subject in subjects.items()}
    again = [spread_of_f1(counts, subjects, groups, seed=seed, n_permutations=99) for seed in (1, 1, 2)]
    assert again[0] == again[1]
    assert again[0].p != again[2].p


def test_a_real_difference_is_found_and_none_is_not():
    subjects = {f"v{k}": f"s{k}" for k in range(16)}
    groups = {video: "light" if k < 8 else "dark" for k, video in enumerate(subjects)}
    different = {video: (9, 1, 0) if groups[video] == "light" else (4, 3, 3) for video in subjects}
    assert spread_of_f1(different, subjects, groups, seed=0).p < 0.005
    same = spread_of_f1(dict.fromkeys(subjects, (5, 1, 1)), subjects, groups, seed=0)
    assert (same.spread, same.p) == (0.0, 1.0)


def test_people_with_more_videos_keep_to_themselves():
    """Where nobody has as many videos as another, no label can move."""
    subjects = {"a": "s1", "b": "s2", "c": "s2"}
    counts = {"a": (5, 0, 0), "b": (1, 4, 4), "c": (1, 4, 4)}
    found = spread_of_f1(counts, subjects, {"a": "x", "b": "y", "c": "y"}, seed=0, n_permutations=50)
    assert found.p == 1.0


def test_one_group_has_no_spread():
    found = spread_of_f1({"a": (1, 0, 0), "b": (0, 0, 0)}, {"a": "s1", "b": "s2"}, {"a": "x", "b": "y"}, seed=0)
    assert (found.largest, found.spread, found.p) == (1.0, None, None)
