"""How long a run's networks take for its test videos, measured once and kept in the run's folder."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from facespot.errors import FormatError
from facespot.experiments.extraction import CorpusFeatures, extract_corpus
from facespot.experiments.outcome import RunOutcome
from facespot.experiments.run import Execution
from facespot.export.atomic import write_text
from facespot.faces import FaceSettings
from facespot.methods.base import Method
from facespot.models import OnnxNetwork
from facespot.pipeline import ReadSettings
from facespot.values import Kind

ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class Inference:
    """A measurement.

    Parameters
    ----------
    rows : int
        Rows of features that went through the networks: frames that have a partner k later.
    seconds : float
        Wall clock of all of them on one thread.
    """

    rows: int
    seconds: float


def measure_inference(outcome: RunOutcome, kind: Kind, execution: Execution) -> Inference:
    """Run each fold's network of a type over its test videos, one thread, features in memory.

    The measurement is kept in ``inference-<type>.json`` of the run's folder; delete the file to measure again.

    Raises
    ------
    FormatError
        If there is nothing to measure, or the kept file is damaged.
    """
    path = outcome.folder / f"inference-{kind}.json"
    if path.exists():
        try:
            return Inference(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise FormatError(str(path), f"it cannot be read ({error})", "delete it") from error
    methods = {fold.name: fold.method(outcome.plan.method) for fold in outcome.folds}
    features = features_of_run(outcome, list(methods.values()), kind, execution)
    rows, seconds = 0, 0.0
    for fold in outcome.folds:
        checkpoint = next((one for one in fold.checkpoints() if one.kind == kind), None)
        if checkpoint is None:
            continue
        network = OnnxNetwork(checkpoint.network_path)
        for video in fold.test:
            stored = features.of(video, {kind: methods[fold.name].plan()[kind]}).get(kind)
            if stored is None:
                continue
            values = np.array(stored.open().values)
            # The first run opens the network; that is no inference.
            network.run(values[:1])
            started = time.perf_counter()
            network.run(values, batch_size=ROWS_AT_ONCE)
            seconds += time.perf_counter() - started
            rows += len(values)
    if not rows:
        raise FormatError(str(outcome.folder), f"it has no {kind} network with test videos", "run it on more videos")
    found = Inference(rows, round(seconds, 4))
    write_text(path, json.dumps(asdict(found)) + "\n")
    return found


def features_of_run(outcome: RunOutcome, methods: Sequence[Method], kind: Kind, execution: Execution) -> CorpusFeatures:
    """Where the features of a run's test videos are; they are in the cache unless it was emptied.

    Parameters
    ----------
    outcome : RunOutcome
    methods : sequence of Method
        Those of its folds.
    kind : {"macro", "micro"}
    execution : Execution
    """
    distinct = {repr(method.config): method for method in methods}
    return extract_corpus(
        outcome.tested,
        list(distinct.values()),
        kinds=(kind,),
        read=ReadSettings(fps=outcome.plan.fps),
        face=FaceSettings(detector=outcome.plan.detector),
        cache=execution.cache,
        workers=execution.workers,
        board=outcome.folder / ".progress",
    )
