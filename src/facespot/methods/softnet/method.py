"""SOFTNet as a spotting method: 42x42x3 motion images in, scores from ``network.onnx``, threshold and peaks.

Differences of paper and authors' program, and what is the default here (the released weights come from the program):

===================  ============================================  ===========================================  =======
setting              ``"paper"`` / ``"split"``                     ``"code"`` / ``"joined"``                    default
===================  ============================================  ===========================================  =======
``reading``          u and v keep their sign                       absolute value after the head motion         code
``roi_layout``       two brow pieces of 21x21 above the mouth      one 42x21 strip over both brows              joined
``smoothing``        mean of 2k + 1 scores (eq. 4)                 mean of 2k scores                            code
``noise``            N(0, 1)                                       variance 0.01, clipped to 0..1               code
===================  ============================================  ===========================================  =======

One more difference has a name of its own: the program lets a true interval begin one frame after its onset
(``onset_counted=False``); the default is the paper's reading. Which videos take part, all of them or only those that
hold the type, is a matter of the protocol (`facespot.experiments`).

A checkpoint says with which ``reading``, ``roi_layout`` and frame distance its network was trained; these win over the
defaults, and what the user sets wins over both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from facespot.errors import MissingDependencyError, SettingsError, WeightsError
from facespot.features import feature_spec
from facespot.methods import peaks
from facespot.methods.base import OnFitProgress, TrainingVideo
from facespot.methods.settings import override
from facespot.methods.softnet.config import SoftnetConfig
from facespot.models import Checkpoint, OnnxNetwork, read_checkpoint
from facespot.values import KINDS, Features, FeatureSpec, Kind, Scores, Track

FRAMES_AT_ONCE = 64


class SoftnetMethod(peaks.PeakMethod):
    """Spots the types for which it has a checkpoint.

    Parameters
    ----------
    config : SoftnetConfig
        All settings.
    checkpoints : mapping from type to Checkpoint
        One network per type, or for one type only; empty before `fit`.
    """

    name = "softnet"
    citation = (
        "Liong, See, Wong: Shallow Optical Flow Three-Stream CNN for Macro- and Micro-Expression Spotting from Long "
        "Videos, ICIP 2021"
    )

    def __init__(self, config: SoftnetConfig, checkpoints: Mapping[Kind, Checkpoint]) -> None:
        self.config: SoftnetConfig = config
        self.checkpoints = checkpoints
        self._networks = {kind: OnnxNetwork(one.network_path) for kind, one in checkpoints.items()}

    @staticmethod
    def default_config() -> SoftnetConfig:
        """The published settings."""
        return SoftnetConfig()

    @classmethod
    def load(cls, weights: Sequence[Path], settings: Mapping[str, Any]) -> SoftnetMethod:
        """Read the checkpoints and settle the settings.

        Raises
        ------
        WeightsError
            A checkpoint does not fit, two are of one type, or two contradict each other.
        SettingsError
            A setting is unknown or out of range.
        """
        checkpoints: dict[Kind, Checkpoint] = {}
        trained: dict[str, Any] = {}
        for path in weights:
            one = read_checkpoint(path, method=cls.name)
            if one.kind is None:
                raise WeightsError(
                    str(path), "the checkpoint names no type", "import it again with --kind macro or micro"
                )
            if one.kind in checkpoints:
                remedy = "give one checkpoint for macro and one for micro"
                raise WeightsError(str(path), f"there are two checkpoints for {one.kind}-expressions", remedy)
            checkpoints[one.kind] = one
            for name, value in _trained_with(one).items():
                if trained.setdefault(name, value) != value:
                    what = f"it was trained with {name}={value}, the other one with {trained[name]}"
                    raise WeightsError(str(path), what, "use checkpoints that were trained alike")
        method = cls(override(override(SoftnetConfig(), trained), settings), checkpoints)
        for kind, network in method._networks.items():
            if network.input_shape != (42, 42, 3):
                remedy = f"import the {kind} weights again"
                raise WeightsError(
                    str(network.path), f"the network takes {network.input_shape}, not (42, 42, 3)", remedy
                )
        return method

    def adapt(self, tracks: Sequence[Track]) -> SoftnetMethod:
        """The method with k from the annotations (footnote 1); only before it has learned."""
        if self.checkpoints:
            raise ValueError("the networks were trained with their own k")
        return SoftnetMethod(peaks.adapted(self.config, tracks), {})

    def plan(self) -> Mapping[Kind, FeatureSpec]:
        """42x42x3 motion images at the distance of each type that has a network; of both types before `fit`."""
        return {
            kind: feature_spec(
                "softnet",
                distance_s=self.config.distances_s[kind],
                flow=self.config.flow,
                reading=self.config.reading,
                roi_layout=self.config.roi_layout,
            )
            for kind in self.checkpoints or KINDS
        }

    def fit(
        self,
        videos: Sequence[TrainingVideo],
        *,
        out: Path,
        seed: int,
        origin: Mapping[str, str | int | None],
        on_progress: OnFitProgress | None = None,
    ) -> SoftnetMethod:
        """Train one network per type (section 2.3); see `Method.fit`.

        Raises
        ------
        MissingDependencyError
            PyTorch is not installed.
        SettingsError
            No expression of any type is in the videos.
        """
        try:
            from facespot.methods.softnet.fitting import fit_kind
        except ModuleNotFoundError as error:
            raise MissingDependencyError(
                "training SOFTNet", f"{error.name} is not installed", 'run pip install "facespot[train]"'
            ) from None
        checkpoints: dict[Kind, Checkpoint] = {}
        for kind in KINDS:
            of_kind = [video for video in videos if kind in video.features]
            if not any(video.truth.of_kind(kind).expressions for video in of_kind):
                continue
            report = None if on_progress is None else partial(on_progress, kind)
            checkpoints[kind] = fit_kind(
                kind, of_kind, self.config, out=out, seed=seed, origin=origin, on_progress=report
            )
        if not checkpoints:
            raise SettingsError("training", "the videos hold no expression", "train on annotated videos")
        return SoftnetMethod(self.config, checkpoints)

    def score(self, features: Mapping[Kind, Features]) -> Scores:
        """Spotting confidence score of each frame (section 2.3)."""
        columns = {
            kind: self._networks[kind].run(one.values, batch_size=FRAMES_AT_ONCE)[:, 0]
            for kind, one in features.items()
        }
        return peaks.scores_of_kinds(features, columns)

    def weights_used(self) -> list[dict[str, Any]]:
        """Digest and origin of each checkpoint."""
        return [
            {"kind": kind, "sha256": one.digest, "origin": dict(one.origin)} for kind, one in self.checkpoints.items()
        ]


def _trained_with(checkpoint: Checkpoint) -> dict[str, Any]:
    """Settings that a checkpoint's network was trained with, by the names of `SoftnetConfig`."""
    settings: dict[str, Any] = dict(checkpoint.config)
    if "distance_s" in checkpoint.fitted:
        settings[f"{checkpoint.kind}_distance_s"] = checkpoint.fitted["distance_s"]
    return settings
