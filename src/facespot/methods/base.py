"""What every method can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from facespot.features.pairs import PairFeatures
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
    pairs : PairFeatures, optional
        As `Method.pairs` asks for.
    """

    subject: str
    truth: Track
    features: Mapping[Kind, Features]
    pairs: PairFeatures | None = None


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

    def pairs(self, truth: Track) -> tuple[tuple[int, int], ...]:
        """Pairs of frames of a training video whose motion is learned from beside the rows of `plan`, often none."""

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


class Recognizer(Protocol):
    """A method that names emotions, of expressions that it spotted itself or that somebody else did.

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

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions that it can name."""

    def plan(self) -> Mapping[Kind, FeatureSpec]:
        """Features that are needed."""

    def rows_needed(self, kind: Kind, fps: float) -> int:
        """Fewest rows of video of which it can make anything."""

    def score(self, features: Mapping[Kind, Features]) -> Scores:
        """Probability of each class in each row, in channels named ``emotion/CLASS``, among other channels."""

    def name_emotions(self, scores: Scores, track: Track) -> Track:
        """The expressions with emotion and its probability; one that cannot be named stays as it is."""

    def weights_used(self) -> list[dict[str, Any]]:
        """Which weights were loaded, for the provenance."""
