"""Truth and predicted tracks in, an `Evaluation` out. Knows nothing of methods or videos.

Conventions: intervals are closed, so their overlap counts frames (`Expression.iou`); a prediction is a true positive
when it has the type of a true expression, an IoU of at least 0.5 with it, and no other prediction was matched to it.
"""

from facespot.metrics.matching import Evaluation, Match, Matching, evaluate, match

__all__ = ["Evaluation", "Match", "Matching", "evaluate", "match"]
