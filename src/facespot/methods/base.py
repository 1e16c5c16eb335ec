"""What every method can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from facespot.values import Curve, Features, FeatureSpec, Kind, Scores, Track

OnFitProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class TrainingVideo:
    """One video to learn from.

    Parameters
    ----------
    subject : str
        Who is in it; what is held back for validation never shares a subject with what is trained on.
    truth : Track
        Annotated expressions, in frames of the source video.
    features : mapping from type to Features
        As `Method.plan` asks for; a type without features is not learned from this video.
    """

    subject: str
    truth: Track
    features: Mapping[Kind, Features]


class Method(Protocol):
    """A spotting method: names its features, learns, scores each frame, decodes the scores to expressions.

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

    def adapt(self, tracks: Sequence[Track]) -> Self:
        """The method with those settings that follow from annotations, such as the mean length of an expression.

        A type that is not among the tracks keeps its setting.
        """

    def plan(self) -> Mapping[Kind, FeatureSpec]:
        """Features that are needed, by the type of expression that they serve."""

    def rows_needed(self, kind: Kind, fps: float) -> int:
        """Fewest rows of video in which an expression of this type can be found."""

    def fit(
        self,
        videos: Sequence[TrainingVideo],
        *,
        out: Path,
        seed: int,
        origin: Mapping[str, str | int | None],
        on_progress: OnFitProgress | None = None,
    ) -> Self:
        """The method trained on some videos; needs the extra [train] where there is a network.

        Parameters
        ----------
        videos : sequence of TrainingVideo
            A type of which they hold no expression is not learned and not spotted.
        out : Path
            Folder for the checkpoints, one subfolder per type; a training that was stopped goes on from it.
        seed : int
            Of all random draws.
        origin : mapping
            Corpus, held-out subject and licence for the checkpoint, see `facespot.models.Checkpoint`.
        on_progress : callable, optional
            Called with what is trained, steps done and steps in all.
        """

    def score(self, features: Mapping[Kind, Features]) -> Scores:
        """Score of each frame for each type; types without features are left out."""

    def curves(self, scores: Scores) -> tuple[Curve, ...]:
        """Smoothed scores and threshold by type."""

    def decode(self, scores: Scores) -> Track:
        """Expressions; another threshold needs no new inference."""

    def weights_used(self) -> list[dict[str, Any]]:
        """Which weights were loaded, for the provenance; empty where the method has none."""
