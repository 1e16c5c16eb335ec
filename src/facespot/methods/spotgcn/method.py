"""SpoT-GCN as a spotting method: windows of region flow in, probabilities from ``network.onnx``, intervals out.

Differences of the paper and the authors' first released program, and what is the default here:

===================  ============================================  ===========================================  =======
setting              paper                                         code                                         default
===================  ============================================  ===========================================  =======
``adjacency``        the adjacency matrix A (eq. 2)                the symmetric normalised Laplacian           code
``consistent``       every candidate is kept                       only with P(onset) > P(offset) at its onset  true
                                                                   and the other way round at its offset
``most_per_video``   no limit                                      5 of each type                               0: none
``normalised``       not said                                      z of length 1, as the loss was published     true
===================  ============================================  ===========================================  =======

The program chooses the epoch on the test subject. facespot never does: the last epoch counts, or with ``patience`` the
best one on held-back training subjects.

One network serves both types. A checkpoint says with which windows, motion, flow and landmarks it was trained, and the
lengths k and j of its training annotations; these win over the defaults, and what the user sets wins over both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from facespot.errors import MissingDependencyError, SettingsError, WeightsError
from facespot.features import feature_spec
from facespot.features.region_flow import N_REGIONS, gather_windows, row_step, valid_windows
from facespot.intervals import boundary_range
from facespot.methods.base import OnFitProgress, TrainingVideo
from facespot.methods.settings import override
from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.methods.spotgcn.decoding import N_LOGITS, curves, decode, scores_of_logits
from facespot.models import Checkpoint, OnnxNetwork, read_checkpoint
from facespot.values import KINDS, Curve, Features, FeatureSpec, FloatArray, Kind, Scores, Track

FRAMES_AT_ONCE = 256
LENGTHS = ("macro_mean_s", "micro_mean_s", "macro_least_s", "micro_least_s")


class SpotgcnMethod:
    """Spots both types of expression with one network.

    Parameters
    ----------
    config : SpotgcnConfig
        All settings.
    checkpoint : Checkpoint, optional
        The network; None before `fit`.
    """

    name = "spotgcn"
    citation = (
        "Deng, Hayashi, Nagahara: Multi-Scale Spatio-Temporal Graph Convolutional Network for Facial Expression "
        "Spotting, FG 2024"
    )

    def __init__(self, config: SpotgcnConfig, checkpoint: Checkpoint | None = None) -> None:
        self.config = config
        self.checkpoint = checkpoint
        self._network = None if checkpoint is None else OnnxNetwork(checkpoint.network_path)

    @staticmethod
    def default_config() -> SpotgcnConfig:
        """The published settings."""
        return SpotgcnConfig()

    @classmethod
    def load(cls, weights: Sequence[Path], settings: Mapping[str, Any]) -> SpotgcnMethod:
        """Read the checkpoint and settle the settings.

        Raises
        ------
        WeightsError
            The checkpoint does not fit, or there are several.
        SettingsError
            A setting is unknown or out of range.
        """
        if len(weights) > 1:
            raise WeightsError(str(weights[1]), "SpoT-GCN has one network for both types", "give one checkpoint")
        if not weights:
            return cls(override(SpotgcnConfig(), settings))
        one = read_checkpoint(weights[0], method=cls.name)
        trained = dict(one.config) | {name: one.fitted[name] for name in LENGTHS if name in one.fitted}
        method = cls(override(override(SpotgcnConfig(), trained), settings), one)
        expected = (method.config.window, N_REGIONS, 2)
        if method._network is not None and method._network.input_shape != expected:
            found = f"the network takes {method._network.input_shape}, not {expected}"
            raise WeightsError(str(one.network_path), found, "leave the setting 'window' as it was trained")
        return method

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Types that can be spotted: those that were learned."""
        learned = KINDS if self.checkpoint is None else self.checkpoint.fitted.get("kinds", KINDS)
        return tuple(kind for kind in KINDS if kind in learned)

    def adapt(self, tracks: Sequence[Track]) -> SpotgcnMethod:
        """The method with mean and least length of the annotated expressions, k and j of section III-D."""
        if self.checkpoint is not None:
            raise ValueError("the network was trained with its own k and j")
        lengths: dict[str, float] = {}
        for kind in KINDS:
            seconds = [len(one) / track.timebase.fps for track in tracks for one in track.of_kind(kind).expressions]
            if seconds:
                lengths |= {f"{kind}_mean_s": float(np.mean(seconds)), f"{kind}_least_s": min(seconds)}
        return SpotgcnMethod(replace(self.config, **lengths))  # type: ignore[arg-type]

    def plan(self) -> Mapping[Kind, FeatureSpec]:
        """Region flow of each frame to the later ones of its window (section III-A), the same for both types."""
        config = self.config
        spec = feature_spec(
            "region_flow",
            flow=config.flow,
            reach=config.reach or config.window - 1,
            landmarks_every=config.landmarks_every,
        )
        return dict.fromkeys(self.kinds, spec)

    def pairs(self, truth: Track) -> tuple[tuple[int, int], ...]:
        """None: all is learned from the windows."""
        return ()

    def rows_needed(self, kind: Kind, fps: float) -> int:
        """Fewest frames with an apex and half the least length j on both sides."""
        config, step = self.config, row_step(fps)
        rows_per_second = fps / step
        nearest, _ = boundary_range(
            config.mean_s(kind) * rows_per_second, config.least_s(kind) * rows_per_second, config.search
        )
        return 2 * nearest * step + 1

    def fit(
        self,
        videos: Sequence[TrainingVideo],
        *,
        out: Path,
        seed: int,
        origin: Mapping[str, str | int | None],
        on_progress: OnFitProgress | None = None,
    ) -> SpotgcnMethod:
        """Train the network (section III-E); see `Method.fit`.

        Raises
        ------
        MissingDependencyError
            PyTorch is not installed.
        SettingsError
            No expression of any type is in the videos.
        """
        try:
            from facespot.methods.spotgcn.fitting import fit_network
        except ModuleNotFoundError as error:
            raise MissingDependencyError(
                "training SpoT-GCN", f"{error.name} is not installed", 'run pip install "facespot[train]"'
            ) from None
        found = {one.kind for video in videos for one in video.truth.expressions if one.kind in video.features}
        kinds = [kind for kind in KINDS if kind in found]
        if not kinds:
            raise SettingsError("training", "the videos hold no expression", "train on annotated videos")
        checkpoint = fit_network(
            videos, self.config, kinds=kinds, out=out, seed=seed, origin=origin, on_progress=on_progress
        )
        return SpotgcnMethod(self.config, checkpoint)

    def score(self, features: Mapping[Kind, Features]) -> Scores:
        """Probabilities of each frame (section III-B); the channels are those of `decoding`."""
        if self._network is None:
            raise ValueError("a method without a network cannot score")
        kinds = tuple(kind for kind in KINDS if kind in features)
        one = features[kinds[0]]
        n_rows, window, adjacent = len(one.frames), self.config.window, self.config.motion == "adjacent"
        usable = np.flatnonzero(valid_windows(one.values, one.valid, window, adjacent=adjacent))
        logits: FloatArray = np.full((n_rows, N_LOGITS), np.nan, dtype=np.float32)
        for start in range(0, len(usable), FRAMES_AT_ONCE):
            centres = usable[start : start + FRAMES_AT_ONCE]
            seen = gather_windows(one.values, centres, window, adjacent=adjacent)
            logits[centres] = self._network.run(seen, batch_size=FRAMES_AT_ONCE)
        channels, values = scores_of_logits(logits, kinds)
        return Scores(one.video, one.timebase, channels, values, one.frames, np.isfinite(values), one.fps)

    def curves(self, scores: Scores) -> tuple[Curve, ...]:
        """Apex probability and its threshold of each type."""
        return curves(scores, self.config)

    def decode(self, scores: Scores) -> Track:
        """Intervals of each type from apex candidates, boundary search and non-maximum suppression (section III-D)."""
        return decode(scores, self.config)

    def weights_used(self) -> list[dict[str, Any]]:
        """Digest and origin of the checkpoint."""
        one = self.checkpoint
        return [] if one is None else [{"kind": one.kind, "sha256": one.digest, "origin": dict(one.origin)}]
