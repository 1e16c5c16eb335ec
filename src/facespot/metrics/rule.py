"""Under which rule a prediction is judged; figures without their rule cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass

from facespot.metrics.matching import Matching, Videos
from facespot.metrics.recognition import AbsentClasses


@dataclass(frozen=True)
class Rule:
    """Every choice that changes a figure.

    Parameters
    ----------
    iou : float
        Smallest intersection over union of a hit, in (0, 1].
    strict : bool
        Whether the IoU must exceed `iou` instead of reaching it.
    matching : {"optimal", "greedy"}
        See `facespot.metrics.matching`.
    count_dummy : bool
        Count one false positive for each type and video in which nothing was spotted.
    videos : {"all", "with_type"}
        Whether every video counts, or for each type only those that hold a true expression of it.
    ranked : bool
        Whether AP ranks the proposals by score.
    absent : {"zero", "present", "occurring"}
        Treatment of classes without samples; see `facespot.metrics.recognition`.
    """

    iou: float = 0.5
    strict: bool = False
    matching: Matching = "optimal"
    count_dummy: bool = False
    videos: Videos = "all"
    ranked: bool = True
    absent: AbsentClasses = "zero"

    def sentence(self) -> str:
        """The rule in words.

        >>> Rule().sentence()
        'IoU >= 0.5, optimal matching, same type; all videos; AP ranked by score'
        """
        parts = [
            f"IoU {'>' if self.strict else '>='} {self.iou:g}, {self.matching} matching, same type",
            "all videos" if self.videos == "all" else "for each type only the videos that hold it",
        ]
        if self.count_dummy:
            parts.append("a silent video counts as one false positive")
        parts.append("AP ranked by score" if self.ranked else "AP not ranked")
        return "; ".join(parts)


# What the published evaluators of SOFTNet and MEAN do; see docs/metrics.md.
PAPER_RULE = Rule(matching="greedy", count_dummy=True, videos="with_type", ranked=False, absent="occurring")
