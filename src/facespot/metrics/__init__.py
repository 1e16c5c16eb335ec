"""Truth and predicted tracks in, an `Evaluation` or a whole `Summary` out. Knows nothing of methods or videos.

Conventions: intervals are closed, so their overlap counts frames (`Expression.iou`); a prediction is a true positive
when it has the type of a true expression, an IoU of at least 0.5 with it, and no other prediction was matched to it.

One file per metric: matching (overlaps, assignment), average_precision, apex, recognition, strs, framewise,
errors_by_type, curves; bootstrap says how sure they are; figures, summary and comparison put them together under one
rule.
"""

from facespot.metrics.comparison import Comparison, compare
from facespot.metrics.figures import Corpus, Resampling
from facespot.metrics.matching import Evaluation, Match, Matching, evaluate, match
from facespot.metrics.rule import PAPER_RULE, Rule
from facespot.metrics.summary import Summary, summarize

__all__ = [
    "PAPER_RULE",
    "Comparison",
    "Corpus",
    "Evaluation",
    "Match",
    "Matching",
    "Resampling",
    "Rule",
    "Summary",
    "compare",
    "evaluate",
    "match",
    "summarize",
]
