"""Training SOFTNet for one type, sections 2.3 and 3.1. Needs PyTorch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from facespot.methods.base import TrainingVideo
from facespot.methods.softnet.backbones.build import build_network
from facespot.methods.softnet.config import SoftnetConfig
from facespot.methods.softnet.network import MAP_SHAPE
from facespot.models import Checkpoint, write_checkpoint
from facespot.training.augmentation import VARIANTS, vary
from facespot.training.loop import Schedule, train
from facespot.training.onnx_export import to_onnx
from facespot.training.pseudo_labels import pseudo_label, rows_of, window_iou
from facespot.training.samples import RowSamples
from facespot.training.sampling import keep_share_of_negatives
from facespot.values import Features, FloatArray, IntArray, Kind, Setting

# Random streams of one seed that must not meet: initial weights, choice of rows, choice of validation subjects.
_WEIGHTS, _ROWS, _SUBJECTS = range(3)
# Settings that decide what is spotted but not what is learned.
_SPOTTING = ("p", "smoothing", "macro_distance_s", "micro_distance_s")


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """The valid rows of some videos with their targets.

    Parameters
    ----------
    arrays : tuple of (n, 42, 42, 3) float32 array
        One per video.
    places : (m, 2) int array
        Video and row.
    targets : (m,) float32 array
        Pseudo-labels.
    """

    arrays: tuple[FloatArray, ...]
    places: IntArray
    targets: FloatArray

    @property
    def n_positive(self) -> int:
        """Rows with a target above 0."""
        return int(np.count_nonzero(self.targets > 0))


def label_rows(kind: Kind, videos: Sequence[TrainingVideo], config: SoftnetConfig) -> LabelledRows:
    """Pseudo-labels of every valid row of the videos that have features of the type."""
    arrays: list[FloatArray] = []
    places, targets = [], []
    for video in videos:
        features = video.features.get(kind)
        if features is None:
            continue
        k = config.half_length(kind, features.fps)
        intervals = rows_of(video.truth, features, kind, k, onset_counted=config.onset_counted)
        labels = pseudo_label(window_iou(len(features.frames), k, intervals), config.pseudo_label)
        rows = np.flatnonzero(features.valid)
        places.append(np.stack([np.full(len(rows), len(arrays)), rows], axis=1))
        targets.append(labels[rows])
        arrays.append(features.values)
    if not arrays:
        return LabelledRows((), np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.float32))
    return LabelledRows(tuple(arrays), np.concatenate(places), np.concatenate(targets))


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
    rows = label_rows(kind, learned, config)
    samples = training_samples(kind, rows, config, np.random.default_rng([seed, _ROWS]))
    network = build_network(config.network, torch.Generator().manual_seed(_derived(seed, _WEIGHTS)))
    validation = None
    if held_back:
        others = label_rows(kind, [video for video in videos if video.subject in held_back], config)
        validation = RowSamples(others.arrays, others.places, others.targets)
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
    return write_checkpoint(
        out / kind,
        method="softnet",
        kind=kind,
        config=_trained_settings(config),
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


def validation_subjects(subjects: Sequence[str], config: SoftnetConfig, seed: int) -> set[str]:
    """Who is held back to tell when to stop: a share of the training subjects, drawn by the seed, at least one.

    Nobody where `patience` is 0 or there is only one subject.
    """
    names = sorted(set(subjects))
    if config.patience == 0 or len(names) < 2:
        return set()
    count = min(max(1, round(config.validation_share * len(names))), len(names) - 1)
    drawn = np.random.default_rng([seed, _SUBJECTS]).permutation(len(names))[:count]
    return {names[index] for index in drawn}


def _derived(seed: int, stream: int) -> int:
    return int(np.random.default_rng([seed, stream]).integers(2**63))


def _trained_settings(config: SoftnetConfig) -> dict[str, Setting]:
    """What the network's input needs, and all that differs from the published training."""
    default = SoftnetConfig()
    always = {"reading", "roi_layout"}
    return {
        field.name: getattr(config, field.name)
        for field in fields(config)
        if field.name not in _SPOTTING
        and (field.name in always or getattr(config, field.name) != getattr(default, field.name))
    }


def _fingerprint(kind: Kind, videos: Sequence[TrainingVideo], config: SoftnetConfig) -> str:
    """Differs where the training would differ: settings, videos, truth and what the features are."""

    def described(video: TrainingVideo, features: Features) -> list[Any]:
        intervals = [(one.onset, one.offset) for one in video.truth.of_kind(kind).expressions]
        return [video.truth.video, video.subject, intervals, features.spec.digest(), len(features.frames)]

    content = [described(video, video.features[kind]) for video in videos if kind in video.features]
    settings = {name: value for name, value in asdict(config).items() if name not in ("p", "smoothing")}
    text = json.dumps([kind, settings, content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
