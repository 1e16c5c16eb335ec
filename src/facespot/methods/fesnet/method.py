"""FESNet as a spotting method: clips of aligned faces in, class probabilities from ``network.onnx``, intervals out.

One network serves both types. A checkpoint says with which alignment, rate and clips it was trained; these win over the
defaults, and what the user sets wins over both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from facespot.errors import MissingDependencyError, SettingsError, WeightsError
from facespot.features import feature_spec
from facespot.features.aligned_faces import places_at, row_rate
from facespot.methods.base import OnFitProgress, TrainingVideo
from facespot.methods.fesnet.clips import ClipAverage, clips_of
from facespot.methods.fesnet.config import FesnetConfig
from facespot.methods.fesnet.decoding import N_LOGITS, curves, decode, rows_in, scores_of_logits
from facespot.methods.settings import override
from facespot.models import Checkpoint, OnnxNetwork, read_checkpoint
from facespot.values import KINDS, Curve, Features, FeatureSpec, Kind, Scores, Track

CLIPS_AT_ONCE = 4
FRAME_SHAPE = (112, 112, 3)


class FesnetMethod:
    """Spots both types of expression with one network.

    Parameters
    ----------
    config : FesnetConfig
        All settings.
    checkpoint : Checkpoint, optional
        The network; None before `fit`.
    """

    name = "fesnet"
    citation = (
        "Zhang, Lu, Wang, He: FESNet: Spotting Facial Expressions Using Local Spatial Discrepancy and Multi-Scale "
        "Temporal Aggregation, Computing and Informatics"
    )

    def __init__(self, config: FesnetConfig, checkpoint: Checkpoint | None = None) -> None:
        self.config = config
        self.checkpoint = checkpoint
        self._network = None if checkpoint is None else OnnxNetwork(checkpoint.network_path)

    @staticmethod
    def default_config() -> FesnetConfig:
        """The published settings, and ours where the paper is silent."""
        return FesnetConfig()

    @classmethod
    def load(cls, weights: Sequence[Path], settings: Mapping[str, Any]) -> FesnetMethod:
        """Read the checkpoint and settle the settings.

        Raises
        ------
        WeightsError
            The checkpoint does not fit, or there are several.
        SettingsError
            A setting is unknown or out of range.
        """
        if len(weights) > 1:
            raise WeightsError(str(weights[1]), "FESNet has one network for both types", "give one checkpoint")
        if not weights:
            return cls(override(FesnetConfig(), settings))
        one = read_checkpoint(weights[0], method=cls.name)
        method = cls(override(override(FesnetConfig(), one.config), settings), one)
        expected = (method.config.clip_frames, *FRAME_SHAPE)
        if method._network is not None and method._network.input_shape != expected:
            found = f"the network takes {method._network.input_shape}, not {expected}"
            raise WeightsError(str(one.network_path), found, "leave the setting 'clip_frames' as it was trained")
        return method

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Types that can be spotted: those that were learned."""
        learned = KINDS if self.checkpoint is None else self.checkpoint.fitted.get("kinds", KINDS)
        return tuple(kind for kind in KINDS if kind in learned)

    def adapt(self, tracks: Sequence[Track]) -> Self:
        """The method itself: no setting follows from annotations."""
        return self

    def plan(self) -> Mapping[Kind, FeatureSpec]:
        """Aligned faces (section 3.2), the same for both types."""
        config = self.config
        spec = feature_spec(
            "aligned_faces",
            rows_per_second=config.rows_per_second,
            smoothing_s=config.smoothing_s,
            landmarks_every=config.landmarks_every,
        )
        return dict.fromkeys(self.kinds, spec)

    def pairs(self, truth: Track) -> tuple[tuple[int, int], ...]:
        """None: all is learned from the clips."""
        return ()

    def rows_needed(self, kind: Kind, fps: float) -> int:
        """Fewest frames that make a run, and two at least: the first frame of a clip never differs from itself."""
        rate = self.config.rows_per_second
        n_rows = max(2, rows_in(self.config.least_s, row_rate(rate, fps)))
        frames_of_rows = places_at(rate, fps, math.ceil(n_rows * fps / row_rate(rate, fps)) + 1)
        return int(frames_of_rows[n_rows - 1]) + 1

    def fit(
        self,
        videos: Sequence[TrainingVideo],
        *,
        out: Path,
        seed: int,
        origin: Mapping[str, str | int | None],
        on_progress: OnFitProgress | None = None,
    ) -> FesnetMethod:
        """Train the network (section 3.5); see `Method.fit`.

        Raises
        ------
        MissingDependencyError
            PyTorch is not installed.
        SettingsError
            No expression of any type is in the videos.
        """
        try:
            from facespot.methods.fesnet.fitting import fit_network
        except ModuleNotFoundError as error:
            raise MissingDependencyError(
                "training FESNet", f"{error.name} is not installed", 'run pip install "facespot[train]"'
            ) from None
        found = {one.kind for video in videos for one in video.truth.expressions if one.kind in video.features}
        kinds = [kind for kind in KINDS if kind in found]
        if not kinds:
            raise SettingsError("training", "the videos hold no expression", "train on annotated videos")
        checkpoint = fit_network(
            videos, self.config, kinds=kinds, out=out, seed=seed, origin=origin, on_progress=on_progress
        )
        return FesnetMethod(self.config, checkpoint)

    def score(self, features: Mapping[Kind, Features]) -> Scores:
        """Probabilities of each frame, its logits averaged over the clips that hold it; channels: see `decoding`."""
        if self._network is None:
            raise ValueError("a method without a network cannot score")
        kinds = tuple(kind for kind in KINDS if kind in features)
        one, config = features[kinds[0]], self.config
        clips = clips_of(one.valid, config.clip_frames, config.clip_stride)
        average = ClipAverage(len(one.frames), N_LOGITS)
        for start in range(0, len(clips), CLIPS_AT_ONCE):
            some = slice(start, start + CLIPS_AT_ONCE)
            rows, counted = clips.rows[some], clips.counted[some]
            frames = np.asarray(one.values[rows], dtype=np.float32)
            average.add(rows, counted, self._network.run(frames, batch_size=CLIPS_AT_ONCE))
        channels, values = scores_of_logits(average.result(), kinds)
        return Scores(one.video, one.timebase, channels, values, one.frames, np.isfinite(values), one.fps)

    def curves(self, scores: Scores) -> tuple[Curve, ...]:
        """Probability of each type."""
        return curves(scores, self.config)

    def decode(self, scores: Scores) -> Track:
        """Runs of frames of the same class."""
        return decode(scores, self.config)

    def weights_used(self) -> list[dict[str, Any]]:
        """Digest and origin of the checkpoint."""
        one = self.checkpoint
        return [] if one is None else [{"kind": one.kind, "sha256": one.digest, "origin": dict(one.origin)}]
