"""Made-up region motion: noise in which lip corners move during macro- and brows during micro-expressions."""

import math

import numpy as np
import pytest

from facespot.features.region_motion import REGIONS, WIDTH, part
from facespot.methods import TrainingVideo, new_method
from facespot.values import KINDS, Expression, Features, Timebase, Track

SMILE = [list(REGIONS).index(name) for name in ("left lip corner", "right lip corner", "left cheek", "right cheek")]
FROWN = [list(REGIONS).index(name) for name in ("left brow", "right brow", "glabella")]
SHOWN = {"macro": ("happiness", ("6", "12")), "micro": ("anger", ("4",))}


def move(values, onset, apex, offset, kind):
    """Motion from the frames before: out until the apex, back until the offset, over every distance."""
    position = np.zeros(len(values))
    rows = np.arange(len(values))
    rise, fall = (rows >= onset) & (rows <= apex), (rows > apex) & (rows <= offset)
    position[rise] = (rows[rise] - onset + 1) / (apex - onset + 1)
    position[fall] = (offset - rows[fall]) / (offset - apex + 1)
    size = 4.0 if kind == "macro" else 1.5
    motion = part(values, "motion")
    for place, distance in enumerate((2, 4, 8, 16, 32, 64)):
        before = position[np.maximum(rows - distance, 0)]
        for region in SMILE if kind == "macro" else FROWN:
            motion[:, region, place, 1] -= size * (position - before)


def drawn_expressions(rng, n_rows):
    found, at = [], int(rng.integers(15, 40))
    while True:
        kind = KINDS[int(rng.integers(2))]
        length = int(rng.integers(25, 60)) if kind == "macro" else int(rng.integers(8, 14))
        if at + length + 10 > n_rows:
            return tuple(found)
        found.append((at, at + max(2, int(length * rng.uniform(0.3, 0.6))), at + length - 1, kind))
        at += length + int(rng.integers(15, 50))


def made_video(subject, expressions=None, *, n_rows=300, step=1, gap=(), kinds=KINDS, seed=0, noise=0.1, fps=30.0):
    """A video to learn from, the same each time; expressions are (onset, apex, offset, type) in rows."""
    rng = np.random.default_rng([seed, *subject.encode()])
    shown = drawn_expressions(rng, n_rows) if expressions is None else expressions
    values = (noise * rng.standard_normal((n_rows, WIDTH))).astype(np.float32)
    for one in shown:
        move(values, *one)
    valid = ~np.isin(np.arange(n_rows), gap)
    values[~valid] = np.nan
    base = Timebase(fps * step, step * (n_rows - 1) + 1)
    truth = []
    for onset, apex, offset, kind in shown:
        emotion, units = SHOWN[kind]
        onset, apex, offset = (None if row is None else step * row for row in (onset, apex, offset))
        truth.append(Expression(onset, apex, offset, kind, emotion, units))
    spec = new_method("regiontcn").plan()["micro"]
    features = Features(subject, base, spec, values, step * np.arange(n_rows), valid, fps, f"digest of {subject}")
    return TrainingVideo(subject, Track(subject, base, tuple(truth)), dict.fromkeys(kinds, features))


@pytest.fixture(scope="session")
def video():
    """Makes a video to learn from."""
    return made_video


@pytest.fixture(scope="session")
def bell():
    """A bell curve at a distance in widths."""
    return lambda distance: math.exp(-0.5 * distance**2)


LEARNING = {"channels": 24, "window_rows": 128, "epochs": 6, "batch_size": 8, "samples_per_epoch": 80,
            "learning_rate": 0.01, "learning_rate_decay": 0.7, "averaging": 0.9}  # fmt: skip


@pytest.fixture(scope="session")
def learned(tmp_path_factory):
    """A method that learned from eight made-up people what smiles and frowns look like; its network is exported."""
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    videos = [made_video(f"person {number}") for number in range(8)]
    out = tmp_path_factory.mktemp("regiontcn")
    return new_method("regiontcn", LEARNING).fit(videos, out=out, seed=1, origin={"corpus": "made up"})
