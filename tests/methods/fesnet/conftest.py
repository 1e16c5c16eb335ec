"""Made-up aligned faces: noise that is brighter at the mouth or the brows during expressions."""

from dataclasses import replace

import numpy as np
import pytest

from facespot.methods import TrainingVideo, new_method
from facespot.values import KINDS, Expression, Features, Timebase, Track

PATCHES = {"macro": (slice(64, 104), slice(28, 84)), "micro": (slice(12, 44), slice(8, 104))}


def made_video(
    subject, *expressions, shown=None, n_rows=40, step=1, gap=(), kinds=KINDS, shape=(112, 112), strength=100
):
    """A video to learn from, the same each time.

    Expressions are (onset, apex, offset, type) in rows; `shown` are those in the pixels where the truth says others.
    """
    base = Timebase(30.0 * step, step * n_rows)
    rng = np.random.default_rng([*subject.encode()])
    values = rng.integers(0, 256 - strength, (n_rows, *shape, 3), dtype=np.uint8)
    for onset, _, offset, kind in expressions if shown is None else shown:
        values[onset : offset + 1][:, *PATCHES[kind]] += np.uint8(strength)
    valid = ~np.isin(np.arange(n_rows), gap)
    values[~valid] = 0
    truth = Track(subject, base, tuple(Expression(*(step * row for row in rows), kind) for *rows, kind in expressions))
    spec = new_method("fesnet").plan()["micro"]
    features = Features(subject, base, spec, values, step * np.arange(n_rows), valid, 30.0, f"digest of {subject}")
    return TrainingVideo(subject, truth, dict.fromkeys(kinds, features))


@pytest.fixture(scope="session")
def video():
    """Makes a video to learn from."""
    return made_video


@pytest.fixture(scope="session")
def with_features():
    """Replaces values of the features of a video."""

    def change(one, **changes):
        changed = {id(features): replace(features, **changes) for features in one.features.values()}
        return replace(one, features={kind: changed[id(features)] for kind, features in one.features.items()})

    return change


@pytest.fixture(scope="session")
def plain_clips():
    """First and last row of each clip of a video, by a loop over its rows."""

    def clips(valid, length, stride):
        found, row = [], 0
        while row < len(valid):
            start = row
            while row < len(valid) and valid[row]:
                row += 1
            if row - start > length:
                found += [(begin, begin + length - 1) for begin in range(start, row - length, stride)]
            if row > start:
                found.append((max(start, row - length), row - 1))
            row += 1
        return found

    return clips
