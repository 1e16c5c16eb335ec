"""Training SOFTNet for one type, sections 2.3 and 3.1. Needs PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from facespot.errors import SettingsError
from facespot.methods.base import TrainingVideo
from facespot.methods.learning import (
    ROWS_STREAM,
    WEIGHTS_STREAM,
    derived_seed,
    features_identity,
    settings_but,
    trained_settings,
    training_digest,
    validation_subjects,
)
from facespot.methods.softnet.backbones.build import build_network
from facespot.methods.softnet.config import SoftnetConfig
from facespot.methods.softnet.network import MAP_SHAPE
from facespot.models import Checkpoint, write_checkpoint
from facespot.training.augmentation import VARIANTS, vary
from facespot.training.loop import Schedule, train
from facespot.training.onnx_export import to_onnx
from facespot.training.rows import LabelledRows, label_rows
from facespot.training.samples import RowSamples
from facespot.training.sampling import keep_share_of_negatives
from facespot.values import Features, FloatArray, IntArray, Kind

# Settings that decide what is spotted but not what is learned.
_SPOTTING = ("p", "smoothing", "macro_distance_s", "micro_distance_s")


def label_softnet_rows(kind: Kind, videos: Sequence[TrainingVideo], config: SoftnetConfig) -> LabelledRows:
    """Pseudo-labels of every valid row of the videos that have features of the type (section 2.3)."""
    return label_rows(
        [(video.features[kind], video.truth) for video in videos if kind in video.features],
        kind,
        lambda fps: config.half_length(kind, fps),
        function=config.pseudo_label,
        onset_counted=config.onset_counted,
    )


def training_samples(kind: Kind, rows: LabelledRows, config: SoftnetConfig, rng: np.random.Generator) -> RowSamples:
    """Every positive row, a share of the others, and the altered copies of the positive ones."""
    kept = keep_share_of_negatives(rows.targets, config.negative_share, rng)
    places, targets = rows.places[kept], rows.targets[kept]
    variants = np.zeros(len(targets), dtype=np.int64)
    if config.augmentation in ("both", kind):
        positive = np.flatnonzero(targets > 0)
        copies = [number for number, name in enumerate(VARIANTS) if name != "plain"]
        places = np.concatenate([places, *(places[positive] for _ in copies)])
        targets = np.concatenate([targets, *(targets[positive] for _ in copies)])
        variants = np.concatenate([variants, *(np.full(len(positive), number) for number in copies)])

    def alter(images: FloatArray, chosen: IntArray, rng: np.random.Generator) -> FloatArray:
        return vary(images, chosen, rng, signed=config.reading == "paper", noise=config.noise)

    return RowSamples(rows.arrays, places, targets, variants=variants, alter=alter)


def mean_squared_error(network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
    """The loss of section 2.3 over a batch of maps and targets."""
    maps, targets = batch
    return torch.mean((network(maps) - targets) ** 2)


def fit_kind(
    kind: Kind,
    videos: Sequence[TrainingVideo],
    config: SoftnetConfig,
    *,
    out: Path,
    seed: int,
    origin: Mapping[str, str | int | None],
    on_progress: Callable[[int, int], None] | None = None,
) -> Checkpoint:
    """Train one network and write its checkpoint to ``out/<type>``.

    Beside it, ``out/<type>.state.safetensors`` holds where the training stands.

    Parameters
    ----------
    kind : {"macro", "micro"}
    videos : sequence of TrainingVideo
        Holding at least one expression of the type.
    config : SoftnetConfig
    out : Path
    seed : int
    origin : mapping
        As in `Checkpoint`.
    on_progress : callable, optional
        Called with steps done and steps in all.
    """
    out.mkdir(parents=True, exist_ok=True)
    held_back = validation_subjects([video.subject for video in videos], config, seed)
    learned = [video for video in videos if video.subject not in held_back]
    rows = label_softnet_rows(kind, learned, config)
    samples = training_samples(kind, rows, config, np.random.default_rng([seed, ROWS_STREAM]))
    if rows.n_positive == 0:
        what = f"no {kind}-expression of the training videos has a usable row"
        raise SettingsError("training", what, "give videos in which the face is seen during expressions")
    network = build_network(config.network, torch.Generator().manual_seed(derived_seed(seed, WEIGHTS_STREAM)))
    validation = None
    if held_back:
        others = label_softnet_rows(kind, [video for video in videos if video.subject in held_back], config)
        validation = RowSamples(others.arrays, others.places, others.targets)
    try:
        history = train(
            network,
            torch.optim.SGD(network.parameters(), lr=config.learning_rate),
            samples,
            mean_squared_error,
            Schedule(
                config.epochs,
                config.batch_size,
                seed,
                samples_per_epoch=config.samples_per_epoch,
                patience=config.patience,
            ),
            validation=validation,
            state_file=out / f"{kind}.state.safetensors",
            fingerprint=_fingerprint(kind, videos, config),
            on_progress=on_progress,
        )
    except FloatingPointError as error:
        remedy = "give a smaller one; --set noise=code, if it was paper"
        raise SettingsError("setting 'learning_rate'", f"training {kind}: {error}", remedy) from error
    return write_checkpoint(
        out / kind,
        method="softnet",
        kind=kind,
        config=trained_settings(config, always=("reading", "roi_layout"), never=_SPOTTING),
        fitted={
            "distance_s": config.distances_s[kind],
            "rows": len(samples),
            "positive_rows": rows.n_positive,
            "validation_subjects": sorted(held_back),
            "history": [asdict(epoch) for epoch in history],
        },
        origin={**origin, "seed": seed},
        onnx_bytes=to_onnx(network, MAP_SHAPE),
        weights={name: value.numpy() for name, value in network.state_dict().items()},
        overwrite=True,
    )


def _fingerprint(kind: Kind, videos: Sequence[TrainingVideo], config: SoftnetConfig) -> str:
    """Differs where the training would differ: settings, videos, truth and what the features are."""

    def described(video: TrainingVideo, features: Features) -> list[Any]:
        intervals = [(one.onset, one.offset) for one in video.truth.of_kind(kind).expressions]
        return [video.truth.video, video.subject, intervals, *features_identity(features)]

    content = [described(video, video.features[kind]) for video in videos if kind in video.features]
    return training_digest(kind, settings_but(config, ("p", "smoothing")), content)
