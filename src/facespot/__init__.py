"""facespot finds facial macro- and micro-expressions in long videos: onset, apex, offset, type.

>>> import facespot
>>> facespot.Expression(onset=10, apex=14, offset=19, kind="micro").iou(facespot.Expression(12, None, 21, "micro"))
0.6666666666666666

Data flows one way: video -> faces -> features -> scores -> intervals -> report. Nothing heavy is imported before it is
used: neither OpenCV nor a detector nor PyTorch is loaded by ``import facespot``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from facespot.values import Expression, Result, Scores, Timebase, Track

if TYPE_CHECKING:
    from facespot.datasets import load_dataset
    from facespot.experiments.plan import RunPlan
    from facespot.experiments.run import read_run, run
    from facespot.export import read_tracks, write_tracks
    from facespot.methods import load_method
    from facespot.metrics import Evaluation, evaluate
    from facespot.pipeline import recognize, spot
    from facespot.protocols import k_fold, leave_one_subject_out

__all__ = [
    "Evaluation",
    "Expression",
    "Result",
    "RunPlan",
    "Scores",
    "Timebase",
    "Track",
    "evaluate",
    "k_fold",
    "leave_one_subject_out",
    "load_dataset",
    "load_method",
    "read_run",
    "read_tracks",
    "recognize",
    "run",
    "spot",
    "write_tracks",
]

_HOMES = {
    "RunPlan": "facespot.experiments.plan",
    "read_run": "facespot.experiments.run",
    "run": "facespot.experiments.run",
    "Evaluation": "facespot.metrics",
    "evaluate": "facespot.metrics",
    "k_fold": "facespot.protocols",
    "leave_one_subject_out": "facespot.protocols",
    "load_dataset": "facespot.datasets",
    "load_method": "facespot.methods",
    "read_tracks": "facespot.export",
    "recognize": "facespot.pipeline",
    "spot": "facespot.pipeline",
    "write_tracks": "facespot.export",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'facespot' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
