"""What every method can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from facespot.values import Curve, Features, FeatureSpec, Kind, Scores, Track


class Method(Protocol):
    """A spotting method: names its features, scores each frame, decodes the scores to expressions.

    Parameters
    ----------
    name : str
        Key in the registry.
    citation : str
        The paper.
    config : frozen dataclass
        All settings.
    """

    name: str
    citation: str

    @property
    def config(self) -> Any:
        """All settings, a frozen dataclass."""

    def plan(self) -> Mapping[Kind, FeatureSpec]:
        """Features that are needed, by the type of expression that they serve."""

    def rows_needed(self, kind: Kind, fps: float) -> int:
        """Fewest rows of video in which an expression of this type can be found."""

    def score(self, features: Mapping[Kind, Features]) -> Scores:
        """Score of each frame for each type; types without features are left out."""

    def curves(self, scores: Scores) -> tuple[Curve, ...]:
        """Smoothed scores and threshold by type."""

    def decode(self, scores: Scores) -> Track:
        """Expressions; another threshold needs no new inference."""

    def weights_used(self) -> list[dict[str, Any]]:
        """Which weights were loaded, for the provenance; empty where the method has none."""
