"""regiontcn as a spotting method and a recogniser: region motion in, outputs from ``network.onnx``, intervals out.

One network serves both types, names the emotion and the action units. A checkpoint says with which flow, smoothing and
landmarks it was trained, how its scores become probabilities, and which thresholds were best on the subjects held back.
These win over the defaults, and what the user sets wins over both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from facespot.errors import MissingDependencyError, SettingsError, WeightsError
from facespot.features import feature_spec
from facespot.features.region_flow import ROWS_PER_SECOND, row_step
from facespot.features.region_motion_stream import smoothing
from facespot.methods.base import OnFitProgress, TrainingVideo
from facespot.methods.regiontcn.calibration import from_json
from facespot.methods.regiontcn.config import RegiontcnConfig
from facespot.methods.regiontcn.decoding import curves, decode, name_emotions, scores_of_outputs
from facespot.methods.regiontcn.outputs import ACTION_UNITS, EMOTIONS
from facespot.methods.regiontcn.windows import CONTEXT_ROWS, WINDOW_SHAPE, outputs_of
from facespot.methods.settings import override
from facespot.models import Checkpoint, OnnxNetwork, read_checkpoint
from facespot.values import KINDS, Curve, Features, FeatureSpec, FloatArray, Kind, Scores, Track

LEAST_ROWS = 10


class RegiontcnMethod:
    """Spots both types of expression with one network and names their emotion and action units.

    Parameters
    ----------
    config : RegiontcnConfig
        All settings.
    checkpoint : Checkpoint, optional
        The network; None before `fit`.

    Raises
    ------
    WeightsError
        The checkpoint's calibration or thresholds are damaged.
    """

    name = "regiontcn"
    citation = "facespot's own: dilated temporal convolutions on region motion, calibrated; see the documentation"

    def __init__(self, config: RegiontcnConfig, checkpoint: Checkpoint | None = None) -> None:
        self.config = config
        self.checkpoint = checkpoint
        self._network = None if checkpoint is None else OnnxNetwork(checkpoint.network_path)
        try:
            self.calibrations, self.points = from_json({} if checkpoint is None else checkpoint.fitted)
        except ValueError as error:
            where = "" if checkpoint is None else str(checkpoint.path)
            raise WeightsError(where, f"its calibration is damaged ({error})", "train the weights again") from None

    @staticmethod
    def default_config() -> RegiontcnConfig:
        """Our settings."""
        return RegiontcnConfig()

    @classmethod
    def load(cls, weights: Sequence[Path], settings: Mapping[str, Any]) -> RegiontcnMethod:
        """Read the checkpoint and settle the settings.

        Raises
        ------
        WeightsError
            The checkpoint does not fit, or there are several.
        SettingsError
            A setting is unknown or out of range.
        """
        if len(weights) > 1:
            raise WeightsError(str(weights[1]), "regiontcn has one network for both types", "give one checkpoint")
        if not weights:
            return cls(override(RegiontcnConfig(), settings))
        one = read_checkpoint(weights[0], method=cls.name)
        method = cls(override(override(RegiontcnConfig(), one.config), settings), one)
        if method._network is not None and method._network.input_shape != WINDOW_SHAPE:
            found = f"the network takes {method._network.input_shape}, not {WINDOW_SHAPE}"
            raise WeightsError(str(one.network_path), found, "train the weights again with this version of facespot")
        return method

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Types that can be spotted: those that were learned."""
        learned = KINDS if self.checkpoint is None else self.checkpoint.fitted.get("kinds", KINDS)
        return tuple(kind for kind in KINDS if kind in learned)

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions that it can name: those that were learned; empty where it names none."""
        learned = () if self.checkpoint is None else self.checkpoint.fitted.get("classes", ())
        return tuple(name for name in EMOTIONS if name in learned)

    @property
    def action_units(self) -> tuple[int, ...]:
        """The action units that it can name: those that were learned."""
        learned = () if self.checkpoint is None else self.checkpoint.fitted.get("action_units", ())
        return tuple(unit for unit in ACTION_UNITS if unit in learned)

    @property
    def look_ahead_s(self) -> float:
        """Seconds of video after a frame that its scores depend on: the network's context and the smoothing."""
        _, radius = smoothing(self.config.smoothing_s * ROWS_PER_SECOND, self.config.landmarks_every)
        return (CONTEXT_ROWS + radius) / ROWS_PER_SECOND

    def adapt(self, tracks: Sequence[Track]) -> Self:
        """The method itself: no setting follows from annotations."""
        return self

    def plan(self) -> Mapping[Kind, FeatureSpec]:
        """Region motion, the same for both types."""
        config = self.config
        spec = feature_spec(
            "region_motion",
            flow=config.flow,
            smoothing_s=config.smoothing_s,
            landmarks_every=config.landmarks_every,
        )
        return dict.fromkeys(self.kinds, spec)

    def pairs(self, truth: Track) -> tuple[tuple[int, int], ...]:
        """None: all is learned from the dense rows."""
        return ()

    def rows_needed(self, kind: Kind, fps: float) -> int:
        """Fewest frames that make 10 rows; in less, nothing has moved yet."""
        return (LEAST_ROWS - 1) * row_step(fps) + 1

    def fit(
        self,
        videos: Sequence[TrainingVideo],
        *,
        out: Path,
        seed: int,
        origin: Mapping[str, str | int | None],
        on_progress: OnFitProgress | None = None,
    ) -> RegiontcnMethod:
        """Train the network and calibrate its scores; see `Method.fit`.

        Raises
        ------
        MissingDependencyError
            PyTorch is not installed.
        SettingsError
            No expression of any type is in the videos.
        """
        try:
            from facespot.methods.regiontcn.fitting import fit_network
        except ModuleNotFoundError as error:
            raise MissingDependencyError(
                "training regiontcn", f"{error.name} is not installed", 'run pip install "facespot[train]"'
            ) from None
        found = {one.kind for video in videos for one in video.truth.expressions if one.kind in video.features}
        kinds = [kind for kind in KINDS if kind in found]
        if not kinds:
            raise SettingsError("training", "the videos hold no expression", "train on annotated videos")
        checkpoint = fit_network(
            videos, self.config, kinds=kinds, out=out, seed=seed, origin=origin, on_progress=on_progress
        )
        return RegiontcnMethod(self.config, checkpoint)

    def outputs(self, features: Features, start: int = 0, stop: int | None = None) -> FloatArray:
        """What the network says of the rows from `start` up to `stop`, by default all; see `outputs.SLICES`."""
        if self._network is None:
            raise ValueError("a method without a network cannot score")
        return outputs_of(self._network.run, features.values, features.valid, start, stop)

    def score(self, features: Mapping[Kind, Features]) -> Scores:
        """Scores of each row; the channels are those of `decoding`."""
        kinds = tuple(kind for kind in KINDS if kind in features)
        one = features[kinds[0]]
        return scores_of_outputs(self.outputs(one), one, kinds, self.classes, self.action_units)

    def curves(self, scores: Scores) -> tuple[Curve, ...]:
        """Probability of each type in each row, and its threshold."""
        return curves(scores, self.config, self.calibrations, self.points)

    def decode(self, scores: Scores) -> Track:
        """Expressions of both types that hardly overlap, with emotion and action units."""
        return decode(scores, self.config, self.calibrations, self.points)

    def name_emotions(self, scores: Scores, track: Track) -> Track:
        """The expressions with their emotion, whoever spotted them."""
        return name_emotions(scores, track, self.config)

    def weights_used(self) -> list[dict[str, Any]]:
        """Digest and origin of the checkpoint."""
        one = self.checkpoint
        return [] if one is None else [{"kind": one.kind, "sha256": one.digest, "origin": dict(one.origin)}]
