"""MEAN as a method: it spots micro-expressions and names their emotion, and the emotion of intervals spotted elsewhere.

Differences of paper and authors' program, and what is the default here (the released weights come from the program):

==========================  ==========================================  =====================================  =======
setting                     paper                                       code                                   default
==========================  ==========================================  =====================================  =======
``reading``                 images scaled when they are finished        the whole crop scaled before the cut   code
``roi_layout``              two brow pieces (``"split"``)               one strip (``"joined"``)               joined
``smoothing``               mean of 2k' + 1 scores (eq. 11)             mean of 2k' scores                     code
``ends``                    first and last k' rows dropped              padded with zeros and kept             zeros
``interval_end``            peak + k' - 1                               peak + k'                              code
``batch_norm``,             none                                        after the ReLU; 0.3 and 0.2            code
``dropout``
``penalty``                 none                                        squares of the kernels                 code
``negatives_per_positive``  8                                           5                                      5
``spotting_epochs``         at most 200                                 10                                     10
``recognition_epochs``      at most 800                                 100                                    100
==========================  ==========================================  =====================================  =======

The emotions that it can name are those of its checkpoint; they come from the annotations that it was trained on,
grouped by one of the named tables of `facespot.datasets` (three, five, composite, basic) or as annotated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from facespot.errors import MissingDependencyError, SettingsError, WeightsError
from facespot.features import feature_spec
from facespot.intervals import Peaks, half_mean_length, highest_peak, peaks_above, smooth
from facespot.labels import label_track, with_emotions
from facespot.methods.base import OnFitProgress, TrainingVideo
from facespot.methods.mean.apex import apex_pairs
from facespot.methods.mean.config import MeanConfig
from facespot.methods.settings import override
from facespot.models import Checkpoint, OnnxNetwork, read_checkpoint
from facespot.values import (
    EMOTION_CHANNEL,
    Curve,
    Expression,
    Features,
    FeatureSpec,
    Kind,
    Scores,
    Track,
    distance_in_frames,
)

KIND: Kind = "micro"
FRAMES_AT_ONCE = 64
MAP_SHAPE = (42, 42, 3)


class MeanMethod:
    """Spots micro-expressions and names their emotion.

    Parameters
    ----------
    config : MeanConfig
        All settings.
    checkpoint : Checkpoint, optional
        The network; None before `fit`.
    """

    name = "mean"
    citation = (
        "Liong, See, Chan: Spot-then-recognize: A micro-expression analysis network for seamless evaluation of long "
        "videos, Signal Processing: Image Communication 110 (2023)"
    )

    def __init__(self, config: MeanConfig, checkpoint: Checkpoint | None = None) -> None:
        self.config = config
        self.checkpoint = checkpoint
        self._network = None if checkpoint is None else OnnxNetwork(checkpoint.network_path)

    @staticmethod
    def default_config() -> MeanConfig:
        """The published settings."""
        return MeanConfig()

    @classmethod
    def load(cls, weights: Sequence[Path], settings: Mapping[str, Any]) -> MeanMethod:
        """Read the checkpoint and settle the settings.

        Raises
        ------
        WeightsError
            The checkpoint does not fit, or there are several.
        SettingsError
            A setting is unknown or out of range.
        """
        if len(weights) > 1:
            raise WeightsError(str(weights[1]), "MEAN has one network for both tasks", "give one checkpoint")
        if not weights:
            return cls(override(MeanConfig(), settings))
        one = read_checkpoint(weights[0], method=cls.name)
        trained = dict(one.config)
        trained |= {name: one.fitted[name] for name in ("distance_s", "half_length_s") if name in one.fitted}
        method = cls(override(override(MeanConfig(), trained), settings), one)
        if method._network is not None and method._network.input_shape != MAP_SHAPE:
            found = f"the network takes {method._network.input_shape}, not {MAP_SHAPE}"
            raise WeightsError(str(one.network_path), found, "import the weights again")
        return method

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions that it can name; empty where it only spots."""
        return () if self.checkpoint is None else tuple(self.checkpoint.fitted.get("classes", ()))

    def half_length(self, fps: float) -> int:
        """The half length k' in rows."""
        return distance_in_frames(self.config.half_length_s, fps)

    def adapt(self, tracks: Sequence[Track]) -> MeanMethod:
        """The method with k' from the annotations (section 3.3); only before it has learned."""
        if self.checkpoint is not None:
            raise ValueError("the network was trained with its own k'")
        if not any(track.of_kind(KIND).expressions for track in tracks):
            return self
        fps = float(np.median([track.timebase.fps for track in tracks]))
        k = max(1, half_mean_length(tracks, KIND, fps=fps))
        return MeanMethod(replace(self.config, half_length_s=k / fps))

    def plan(self) -> Mapping[Kind, FeatureSpec]:
        """42x42x3 motion images at the distance of 0.1 s (section 4.3)."""
        config = self.config
        return {
            KIND: feature_spec(
                "mean",
                distance_s=config.distance_s,
                flow=config.flow,
                reading=config.reading,
                roi_layout=config.roi_layout,
            )
        }

    def pairs(self, truth: Track) -> tuple[tuple[int, int], ...]:
        """Onset and apex of each labelled micro-expression; where no apex is annotated, all pairs that decide it."""
        found: list[tuple[int, int]] = []
        for one in truth.of_kind(KIND).expressions:
            if one.emotion is not None:
                found += [(one.onset, one.apex)] if one.apex is not None else apex_pairs(one.onset, one.offset)
        return tuple(dict.fromkeys(found))

    def rows_needed(self, kind: Kind, fps: float) -> int:
        """Fewest rows with a peak: k for the partner frame, 2k' for the window, 3 values for a maximum."""
        return distance_in_frames(self.config.distance_s, fps) + 2 * self.half_length(fps) + 3

    def fit(
        self,
        videos: Sequence[TrainingVideo],
        *,
        out: Path,
        seed: int,
        origin: Mapping[str, str | int | None],
        on_progress: OnFitProgress | None = None,
    ) -> MeanMethod:
        """Train the spotting network, then the recognition head (section 3.3); see `Method.fit`.

        Where fewer than two emotions are annotated, only the spotting network is trained.

        Raises
        ------
        MissingDependencyError
            PyTorch is not installed.
        SettingsError
            No micro-expression is in the videos.
        """
        try:
            from facespot.methods.mean.fitting import fit_networks
        except ModuleNotFoundError as error:
            raise MissingDependencyError(
                "training MEAN", f"{error.name} is not installed", 'run pip install "facespot[train]"'
            ) from None
        of_kind = [video for video in videos if KIND in video.features]
        if not any(video.truth.of_kind(KIND).expressions for video in of_kind):
            raise SettingsError("training", "the videos hold no micro-expression", "train on annotated videos")
        checkpoint = fit_networks(of_kind, self.config, out=out, seed=seed, origin=origin, on_progress=on_progress)
        return MeanMethod(self.config, checkpoint)

    def score(self, features: Mapping[Kind, Features]) -> Scores:
        """Spotting confidence score and class probabilities of each frame (eq. 4).

        Channels are ``micro``, where there is a spotting head, and ``emotion/CLASS``.
        """
        if self._network is None:
            raise ValueError("a method without a network cannot score")
        one = features[KIND]
        outputs = self._network.run(one.values, batch_size=FRAMES_AT_ONCE)
        channels = tuple(f"{EMOTION_CHANNEL}{name}" for name in self.classes)
        if outputs.shape[1] > len(channels):
            channels = (KIND, *channels)
        valid = np.repeat(one.valid[:, np.newaxis], len(channels), axis=1)
        values = np.where(valid, outputs, np.float32(np.nan))
        return Scores(one.video, one.timebase, channels, values, one.frames, valid, one.fps)

    def curves(self, scores: Scores) -> tuple[Curve, ...]:
        """Smoothed scores (eq. 11) and threshold (eq. 12)."""
        if KIND not in scores.channels:
            return ()
        found = self._find(scores)
        return (Curve(KIND, scores.frames, found.smoothed.astype(np.float32), found.threshold),)

    def decode(self, scores: Scores) -> Track:
        """Intervals around the peaks (section 3.4) with their emotions."""
        expressions = []
        if KIND in scores.channels:
            found = self._find(scores)
            for peak, (first, last) in zip(found.peaks, found.intervals, strict=True):
                onset, apex, offset = (int(scores.frames[row]) for row in (first, peak, last))
                expressions.append(Expression(onset, apex, offset, KIND, score=float(found.smoothed[peak])))
        return self.name_emotions(scores, Track(scores.video, scores.timebase, tuple(expressions)))

    def name_emotions(self, scores: Scores, track: Track) -> Track:
        """The mode of the classes of an interval's frames (section 3.4), whoever spotted it."""
        columns = [index for index, name in enumerate(scores.channels) if name.startswith(EMOTION_CHANNEL)]
        if not columns:
            return track
        labels = label_track(
            track,
            scores.frames,
            scores.values[:, columns],
            [scores.channels[index].removeprefix(EMOTION_CHANNEL) for index in columns],
            valid=np.asarray(scores.valid[:, columns].all(axis=1)),
            case=self.config.case,
        )
        return with_emotions(track, labels)

    def weights_used(self) -> list[dict[str, Any]]:
        """Digest and origin of the checkpoint."""
        one = self.checkpoint
        return [] if one is None else [{"kind": one.kind, "sha256": one.digest, "origin": dict(one.origin)}]

    def _find(self, scores: Scores) -> Peaks:
        values, valid = scores.channel(KIND)
        k, config = self.half_length(scores.fps), self.config
        smoothed = smooth(
            values, k, valid=valid, smoothing=config.smoothing, spread=config.spread, ends=config.ends
        )  # fmt: skip
        after = k if config.interval_end == "code" else k - 1
        if config.one_peak:
            return highest_peak(smoothed, k, rows_after=after)
        return peaks_above(smoothed, k, config.p, rows_after=after)
