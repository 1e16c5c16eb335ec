"""The strain baseline, "W/o SOFTNet" in Table 1 of the SOFTNet paper.

Score of a frame: the sum of the strain map between the frame and the k-th one after it, without head motion and eyes
(`facespot.features.maps.strain_sums`). Spotting as in section 2.4 with p = 0.5 (section 3.1).

Differences of paper and authors' program, and what is the default here:

- smoothing: 2k + 1 values (eq. 4) or 2k values (program): ``smoothing="code"``;
- k: from the training annotations in the paper; here 0.6 s (macro) and 0.2 s (micro), those of CAS(ME)2, whatever the
  frame rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facespot.features import feature_spec
from facespot.intervals import Smoothing
from facespot.methods import peaks
from facespot.methods.settings import check_between, override
from facespot.values import KINDS, Curve, Features, FeatureSpec, Kind, Scores, Track


@dataclass(frozen=True)
class StrainConfig:
    """Settings of the strain baseline.

    Parameters
    ----------
    macro_distance_s, micro_distance_s : float
        k in seconds: time between the two frames of a pair, and half the length of a spotted interval. CAS(ME)2: 18
        and 6 frames at 30 fps (paper section 3.1).
    p : float
        Threshold between the mean (0) and the maximum (1) of the video (paper section 3.1).
    smoothing : {"code", "paper"}
        Window of eq. 4, see `facespot.intervals.smooth`.
    flow : str
        Optical flow engine, see `facespot.features.flow.ENGINES`.
    """

    macro_distance_s: float = 0.6
    micro_distance_s: float = 0.2
    p: float = 0.5
    smoothing: Smoothing = "code"
    flow: str = "tvl1"

    def __post_init__(self) -> None:
        check_between("p", self.p, 0.0, 1.0)
        check_between("macro_distance_s", self.macro_distance_s, 0.01, 10.0, "seconds")
        check_between("micro_distance_s", self.micro_distance_s, 0.01, 10.0, "seconds")

    @property
    def distances_s(self) -> dict[Kind, float]:
        """The distance k in seconds by type."""
        return {"macro": self.macro_distance_s, "micro": self.micro_distance_s}


class StrainMethod:
    """Spots expressions by the sum of the strain; needs no weights."""

    name = "strain"
    citation = (
        "Liong, See, Wong: Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression Spotting from Long "
        "Videos, ICIP 2021 (baseline without SOFTNet); strain after Shreve et al., Image and Vision Computing 32 (2014)"
    )

    def __init__(self, config: StrainConfig | None = None) -> None:
        self.config = config or StrainConfig()

    @staticmethod
    def default_config() -> StrainConfig:
        """The published settings."""
        return StrainConfig()

    @classmethod
    def load(cls, weights: Sequence[Path], settings: Mapping[str, Any]) -> StrainMethod:
        """Make the method with some settings changed; it has no weights."""
        if weights:
            raise ValueError("the strain baseline has no weights")
        return cls(override(StrainConfig(), settings))

    @property
    def _rule(self) -> peaks.PeakRule:
        return peaks.PeakRule(self.config.distances_s, self.config.p, self.config.smoothing)

    def plan(self) -> Mapping[Kind, FeatureSpec]:
        """Strain sums at the distance of each type."""
        distances = self.config.distances_s
        return {kind: feature_spec("strain", distance_s=distances[kind], flow=self.config.flow) for kind in KINDS}

    def rows_needed(self, kind: Kind, fps: float) -> int:
        """Fewest rows of video in which an expression of this type can be found."""
        return self._rule.rows_needed(kind, fps)

    def score(self, features: Mapping[Kind, Features]) -> Scores:
        """The feature is the score."""
        return peaks.scores_of_kinds(features, {kind: one.values for kind, one in features.items()})

    def curves(self, scores: Scores) -> tuple[Curve, ...]:
        """Smoothed scores and threshold by type."""
        return peaks.curves(scores, self._rule)

    def decode(self, scores: Scores) -> Track:
        """Intervals around the peaks."""
        return peaks.decode(scores, self._rule)

    def weights_used(self) -> list[dict[str, Any]]:
        """None."""
        return []
