"""Training MEAN: first the spotting network, then the recognition head on frozen streams (sections 3.2 and 3.3).

Needs PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from facespot.features.pairs import PairFeatures
from facespot.methods.base import OnFitProgress, TrainingVideo
from facespot.methods.learning import (
    ROWS_STREAM,
    WEIGHTS_STREAM,
    derived_seed,
    features_identity,
    settings_but,
    trained_settings,
    training_digest,
)
from facespot.methods.mean.apex import apex_by_motion, apex_pairs, map_sums
from facespot.methods.mean.config import MeanConfig
from facespot.methods.mean.network import MAP_SHAPE, MEAN
from facespot.models import Checkpoint, write_checkpoint
from facespot.training.loop import Epoch, OnEpoch, Schedule, train
from facespot.training.onnx_export import to_onnx
from facespot.training.rows import label_rows
from facespot.training.samples import RowSamples
from facespot.training.sampling import keep_negatives_per_positive
from facespot.values import Expression, FloatArray, Kind, distance_in_frames

KIND: Kind = "micro"
# Settings that decide what is spotted and how it is named, but not what is learned.
_SPOTTING = ("distance_s", "half_length_s", "p", "smoothing", "spread", "ends", "interval_end", "one_peak", "case")


def fit_networks(
    videos: Sequence[TrainingVideo],
    config: MeanConfig,
    *,
    out: Path,
    seed: int,
    origin: Mapping[str, str | int | None],
    on_progress: OnFitProgress | None = None,
) -> Checkpoint:
    """Train both networks and write the checkpoint to ``out/micro``.

    Parameters
    ----------
    videos : sequence of TrainingVideo
        Holding at least one micro-expression.
    config : MeanConfig
    out, seed, origin, on_progress
        As in `facespot.methods.base.Method.fit`.
    """
    out.mkdir(parents=True, exist_ok=True)
    images, emotions = recognition_samples(videos)
    classes = tuple(sorted(set(emotions)))
    if len(classes) < 2:
        classes = ()
    network = initial_network(len(classes), config, seed)
    fingerprint = _fingerprint(videos, config, classes)
    steps = _Steps(config, out, seed, fingerprint, on_progress)
    rows = label_rows(
        [(video.features[KIND], video.truth) for video in videos],
        KIND,
        lambda fps: distance_in_frames(config.half_length_s, fps),
        function=config.pseudo_label,
        onset_counted=config.onset_counted,
    )
    kept = keep_negatives_per_positive(
        rows.targets, config.negatives_per_positive, np.random.default_rng([seed, ROWS_STREAM])
    )
    samples = RowSamples(rows.arrays, rows.places[kept], rows.targets[kept])
    history = steps.spotting(network, samples, share=0.8 if classes else 1.0)
    recognition: tuple[Epoch, ...] = ()
    if classes:
        recognition = steps.recognition(network, class_samples(images, emotions, classes))
    return write_checkpoint(
        out / KIND,
        method="mean",
        kind=KIND,
        config=trained_settings(config, always=("reading", "roi_layout"), never=_SPOTTING),
        fitted={
            "distance_s": config.distance_s,
            "half_length_s": config.half_length_s,
            "rows": len(samples),
            "positive_rows": rows.n_positive,
            "classes": list(classes),
            "expressions": {name: emotions.count(name) for name in classes},
            "history": [asdict(epoch) for epoch in history],
            "recognition_history": [asdict(epoch) for epoch in recognition],
        },
        origin={**origin, "seed": seed},
        onnx_bytes=to_onnx(network, MAP_SHAPE, output_names=("outputs",)),
        weights=network.weights(),
        overwrite=True,
    )


def initial_network(n_classes: int, config: MeanConfig, seed: int) -> MEAN:
    """The network before it has learned; its weights come from the seed."""
    return MEAN(
        n_classes,
        transfer=config.transfer,
        batch_norm=config.batch_norm,
        dropout=config.dropout,
        generator=torch.Generator().manual_seed(derived_seed(seed, WEIGHTS_STREAM)),
    )


def class_samples(images: FloatArray, emotions: Sequence[str], classes: Sequence[str]) -> RowSamples:
    """Images of expressions, each with the number of its class."""
    targets = np.array([classes.index(name) for name in emotions], dtype=np.float32)
    places = np.stack([np.zeros(len(targets), dtype=np.int64), np.arange(len(targets))], axis=1)
    return RowSamples([images], places, targets)


def retrain_recognition(
    spotting: Mapping[str, FloatArray],
    samples: RowSamples,
    n_classes: int,
    config: MeanConfig,
    *,
    seed: int,
    on_epoch: Callable[[int, MEAN], None],
) -> MEAN:
    """Step two again, as `fit_networks` took it, watched epoch by epoch.

    Parameters
    ----------
    spotting : mapping of str to float32 array
        Weights that `fit_networks` ended with; those of the streams and of the spotting head are taken.
    samples : RowSamples
        As `class_samples` makes them of the training videos.
    n_classes, config, seed
        As in the training.
    on_epoch : callable
        Called with the number of epochs done and the network after each of them; it must not change the network.

    Returns
    -------
    MEAN
        The same network, bit by bit, where nothing differs from the training.
    """
    network = initial_network(n_classes, config, seed)
    own = {name: torch.from_numpy(np.array(values)) for name, values in spotting.items() if _is_of_spotting(name)}
    network.load_state_dict({**network.state_dict(), **own})
    steps = _Steps(config, None, seed, "", None, lambda done: on_epoch(done, network))
    steps.recognition(network, samples)
    return network


def _is_of_spotting(name: str) -> bool:
    return name.startswith(("streams.", "spotting."))


class _Steps:
    """The two steps of the training, each with a state of its own to go on from."""

    def __init__(
        self,
        config: MeanConfig,
        out: Path | None,
        seed: int,
        fingerprint: str,
        on_progress: OnFitProgress | None,
        on_epoch: OnEpoch | None = None,
    ) -> None:
        self._config, self._out, self._seed = config, out, seed
        self._fingerprint, self._on_progress, self._on_epoch = fingerprint, on_progress, on_epoch

    def spotting(self, network: MEAN, samples: RowSamples, *, share: float) -> tuple[Epoch, ...]:
        """Step one: streams and spotting head learn the pseudo-labels (eq. 8); `share` of the progress is theirs."""
        streams, head = network.parts("spotting")
        parameters = [*streams.parameters(), *head.parameters()]
        loss = partial(spotting_loss, penalty=self._config.penalty)
        return self._train(network, parameters, samples, loss, "spotting", self._config.spotting_epochs, (0.0, share))

    def recognition(self, network: MEAN, samples: RowSamples) -> tuple[Epoch, ...]:
        """Step two: the recognition head learns the emotions, all else frozen (eq. 10)."""
        network.freeze_for_recognition()
        parameters = [one for one in network.parameters() if one.requires_grad]
        loss = partial(recognition_loss, penalty=self._config.penalty)
        epochs = self._config.recognition_epochs
        return self._train(network, parameters, samples, loss, "recognition", epochs, (0.8, 0.2))

    def _train(
        self,
        network: MEAN,
        parameters: list[nn.Parameter],
        samples: RowSamples,
        loss: Any,
        step: str,
        epochs: int,
        share: tuple[float, float],
    ) -> tuple[Epoch, ...]:
        start, width = share
        report = self._on_progress

        def note(done: int, total: int) -> None:
            if report is not None:
                report(KIND, round(1000 * (start + width * done / total)), 1000)

        return train(
            network,
            torch.optim.Adam(parameters, lr=self._config.learning_rate),
            samples,
            loss,
            Schedule(epochs, self._config.batch_size, self._seed),
            state_file=None if self._out is None else self._out / f"{KIND}-{step}.state.safetensors",
            fingerprint=f"{self._fingerprint} {step}",
            on_progress=note,
            on_epoch=self._on_epoch,
        )


def spotting_loss(network: nn.Module, batch: tuple[Tensor, ...], *, penalty: bool) -> Tensor:
    """Mean squared error of the scores (eq. 8), and the penalty of the authors' program."""
    mean = cast(MEAN, network)
    maps, targets = batch
    loss = torch.mean((cast(Tensor, mean.stages(maps, recognition=False).score) - targets) ** 2)
    return loss + mean.penalty("spotting") if penalty else loss


def recognition_loss(network: nn.Module, batch: tuple[Tensor, ...], *, penalty: bool) -> Tensor:
    """Categorical cross-entropy of the classes (eq. 10), and the penalty of the authors' program."""
    mean = cast(MEAN, network)
    maps, targets = batch
    loss = nn.functional.cross_entropy(cast(Tensor, mean.stages(maps).logits), targets[:, 0].long())
    return loss + mean.penalty("recognition") if penalty else loss


def recognition_samples(videos: Sequence[TrainingVideo]) -> tuple[FloatArray, list[str]]:
    """The motion from onset to apex of every labelled micro-expression, and its emotion (section 4.3).

    Where no apex is annotated, it is the frame with the largest sum of the motion images (SMIC).

    Returns
    -------
    (n, 42, 42, 3) float32 array, list of str
        Expressions without a usable face are left out.
    """
    images, emotions = [np.empty((0, *MAP_SHAPE), dtype=np.float32)], []
    for video in videos:
        if video.pairs is None:
            continue
        rows = {(int(first), int(last)): row for row, (first, last) in enumerate(video.pairs.pairs)}
        for one in video.truth.of_kind(KIND).expressions:
            if one.emotion is None:
                continue
            row = rows.get((one.onset, _apex(one, video.pairs, rows)))
            if row is not None and video.pairs.valid[row]:
                images.append(np.asarray(video.pairs.values[row : row + 1]))
                emotions.append(one.emotion)
    return np.concatenate(images), emotions


def _apex(one: Expression, pairs: PairFeatures, rows: Mapping[tuple[int, int], int]) -> int:
    if one.apex is not None:
        return one.apex
    searched = [rows[pair] for pair in apex_pairs(one.onset, one.offset)]
    return apex_by_motion(map_sums(pairs.values[searched]), one.onset, one.offset)


def _fingerprint(videos: Sequence[TrainingVideo], config: MeanConfig, classes: Sequence[str]) -> str:
    """Differs where the training would differ: settings, videos, truth and what the features are."""
    content = [
        [
            video.truth.video,
            [(one.onset, one.apex, one.offset, one.emotion) for one in video.truth.of_kind(KIND).expressions],
            *features_identity(video.features[KIND]),
        ]
        for video in videos
    ]
    settings = settings_but(config, [name for name in _SPOTTING if name != "half_length_s"])
    return training_digest(settings, content, list(classes))
