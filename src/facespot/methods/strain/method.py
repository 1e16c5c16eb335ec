"""The strain baseline, "W/o SOFTNet" in Table 1 of the SOFTNet paper.

Score of a frame: the sum of the strain map between the frame and the k-th one after it, without head motion and eyes
(`facespot.features.maps.strain_sums`). Spotting as in section 2.4 with p = 0.5 (section 3.1).

Differences of paper and authors' program, and what is the default here:

- smoothing: 2k + 1 values (eq. 4) or 2k values (program): ``smoothing="code"``;
- k: from the annotations in the paper, as `StrainMethod.adapt` does; otherwise 0.6 s (macro) and 0.2 s (micro), those
  of CAS(ME)2, whatever the frame rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facespot.features import feature_spec
from facespot.methods import peaks
from facespot.methods.base import OnFitProgress, TrainingVideo
from facespot.methods.settings import override
from facespot.values import KINDS, Features, FeatureSpec, Kind, Scores, Track


@dataclass(frozen=True)
class StrainConfig(peaks.PeakConfig):
    """Settings of the strain baseline: those of `PeakConfig` alone; p is 0.5 (paper section 3.1)."""


class StrainMethod(peaks.PeakMethod):
    """Spots expressions by the sum of the strain; needs no weights."""

    name = "strain"
    citation = (
        "Liong, See, Wong: Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression Spotting from Long "
        "Videos, ICIP 2021 (baseline without SOFTNet); strain after Shreve et al., Image and Vision Computing 32 (2014)"
    )

    def __init__(self, config: StrainConfig | None = None) -> None:
        self.config: StrainConfig = config or StrainConfig()

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

    def adapt(self, tracks: Sequence[Track]) -> StrainMethod:
        """The method with k from the annotations."""
        return StrainMethod(peaks.adapted(self.config, tracks))

    def plan(self) -> Mapping[Kind, FeatureSpec]:
        """Strain sums at the distance of each type."""
        distances = self.config.distances_s
        return {kind: feature_spec("strain", distance_s=distances[kind], flow=self.config.flow) for kind in KINDS}

    def fit(
        self,
        videos: Sequence[TrainingVideo],
        *,
        out: Path,
        seed: int,
        origin: Mapping[str, str | int | None],
        on_progress: OnFitProgress | None = None,
    ) -> StrainMethod:
        """The method as it is: there is nothing to learn beside k, which `adapt` takes from the annotations."""
        return self

    def score(self, features: Mapping[Kind, Features]) -> Scores:
        """The feature is the score."""
        return peaks.scores_of_kinds(features, {kind: one.values for kind, one in features.items()})

    def weights_used(self) -> list[dict[str, Any]]:
        """None."""
        return []
