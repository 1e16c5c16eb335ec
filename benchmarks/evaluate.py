"""How long an evaluation takes: 100,000 predictions against 10,000 true expressions.

Run: python benchmarks/evaluate.py [--predictions 100000] [--truths 10000]

Three layouts: many videos; one video of the same density; one video in which everything overlaps much, so that the
assignment does not fall into small parts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from facespot.metrics import Corpus, evaluate, summarize
from facespot.metrics.average_precision import average_precision
from facespot.values import KINDS, Expression, Timebase, Track


def tracks(generator: np.random.Generator, n: int, n_videos: int, n_frames: int, *, scored: bool) -> list[Track]:
    """Expressions spread at random over some videos."""
    videos, kinds = generator.integers(0, n_videos, n), generator.integers(0, 2, n)
    onsets, lengths = generator.integers(0, n_frames - 100, n), generator.integers(5, 90, n)
    scores = generator.random(n)
    found: list[list[Expression]] = [[] for _ in range(n_videos)]
    for video, kind, onset, length, score in zip(
        videos.tolist(), kinds.tolist(), onsets.tolist(), lengths.tolist(), scores.tolist(), strict=True
    ):
        one = Expression(onset, None, onset + length, KINDS[kind], score=score if scored else None)
        found[video].append(one)
    base = Timebase(30.0, n_frames)
    return [Track(f"video{index}", base, tuple(expressions)) for index, expressions in enumerate(found)]


def timed(name: str, work: Callable[[], object]) -> None:
    """Print how long some work took."""
    start = time.perf_counter()
    work()
    print(f"  {name:42} {time.perf_counter() - start:6.2f} s")


def main() -> None:
    """Run the layouts one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=int, default=100_000)
    parser.add_argument("--truths", type=int, default=10_000)
    options = parser.parse_args()
    # videos, frames of each
    layouts = {
        "200 videos": (200, 5_000),
        "one video": (1, 1_000_000),
        "one video, everything overlaps": (1, 50_000),
    }
    for name, (n_videos, n_frames) in layouts.items():
        generator = np.random.default_rng(0)
        truth = tracks(generator, options.truths, n_videos, n_frames, scored=False)
        predicted = tracks(generator, options.predictions, n_videos, n_frames, scored=True)
        print(f"{name}: {options.predictions} predictions, {options.truths} truths")
        result = evaluate(truth, predicted)
        print(f"  TP {result.tp}, FP {result.fp}, FN {result.fn}")
        timed("optimal matching", partial(evaluate, truth, predicted))
        timed("greedy matching", partial(evaluate, truth, predicted, matching="greedy"))
        timed("AP@[.5:.95], macro", partial(average_precision, truth, predicted, "macro"))
        if n_videos > 1:
            corpus = Corpus({track.video: f"subject{index % 30}" for index, track in enumerate(truth)})
            timed("everything, with 2000 resamplings", partial(summarize, truth, predicted, corpus=corpus))


if __name__ == "__main__":
    main()
