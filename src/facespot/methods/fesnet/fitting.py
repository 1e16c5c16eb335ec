"""Training FESNet, section 3.5: one network for both types. Needs PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from facespot.errors import SettingsError, WeightsError
from facespot.methods.base import OnFitProgress, TrainingVideo
from facespot.methods.fesnet.config import FesnetConfig
from facespot.methods.fesnet.losses import class_weights, total_loss
from facespot.methods.fesnet.network import SIDE, FESNet, build_network
from facespot.methods.fesnet.samples import clip_samples
from facespot.methods.learning import (
    WEIGHTS_STREAM,
    derived_seed,
    features_identity,
    settings_but,
    trained_settings,
    training_digest,
    validation_subjects,
)
from facespot.metrics.framewise import LABELS
from facespot.models import Checkpoint, read_checkpoint, read_weights, write_checkpoint
from facespot.training.loop import Epoch, OnProgress, Schedule, train
from facespot.training.onnx_export import to_onnx
from facespot.values import KINDS, Kind

BOTH = "both"
LSDM = "lsdm"
# Settings that decide what is spotted but not what is learned; and a path, whose content counts, see `_fingerprint`.
_NOT_KEPT = ("least_s", "close_s", "peak_threshold", "start_from")
# The stride is kept, for it must fit the length of the clips, which is.
_SPOTTING = ("clip_stride", *_NOT_KEPT)
_INPUT = ("rows_per_second", "smoothing_s", "landmarks_every", "clip_frames")


def fit_network(
    videos: Sequence[TrainingVideo],
    config: FesnetConfig,
    *,
    kinds: Sequence[Kind],
    out: Path,
    seed: int,
    origin: Mapping[str, str | int | None],
    on_progress: OnFitProgress | None = None,
) -> Checkpoint:
    """Train the network and write its checkpoint to ``out/both``: first the LSDM alone, then all of it.

    Beside it, ``out/both.lsdm.state.safetensors`` and ``out/both.state.safetensors`` hold where the training stands.

    Parameters
    ----------
    videos : sequence of TrainingVideo
        A type is learned from those that have features of it, which are the same for both.
    config : FesnetConfig
    kinds : sequence of {"macro", "micro"}
        Types to learn, at least one.
    out, seed, origin, on_progress
        As in `facespot.methods.base.Method.fit`.

    Raises
    ------
    SettingsError
        No expression has a usable frame, or the training diverges.
    WeightsError
        The weights to start from do not fit.
    """
    out.mkdir(parents=True, exist_ok=True)
    learnable = [video for video in videos if any(kind in video.features for kind in kinds)]
    if not learnable:
        raise SettingsError("training", "the videos hold no expression", "train on annotated videos")
    held_back = validation_subjects([video.subject for video in learnable], config, seed)
    if config.patience and not held_back:
        what = f"{learnable[0].subject!r} is the only training subject, and one must be held back"
        raise SettingsError("setting 'patience'", what, "give 0")
    taught = [video for video in learnable if video.subject not in held_back]
    samples = clip_samples(taught, config, kinds, mirrored=config.mirrored)
    counts = samples.class_counts
    if counts[1:].sum() == 0:
        what = "no expression of the training videos has a usable frame"
        raise SettingsError("training", what, "give videos in which the face is seen during expressions")
    validation = None
    if held_back:
        watched = [video for video in learnable if video.subject in held_back]
        validation = clip_samples(watched, config, kinds, mirrored=False)
        if len(validation) == 0:
            what = f"no frame of the held-back subjects ({', '.join(sorted(held_back))}) is usable"
            raise SettingsError("setting 'patience'", what, "give 0, or videos in which the face is seen")
    generator = torch.Generator().manual_seed(derived_seed(seed, WEIGHTS_STREAM))
    network = build_network(config, generator)
    start = read_checkpoint(config.start_from, method="fesnet") if config.start_from else None
    if start is not None:
        _load(network, start)
    weights = class_weights(counts, config.class_weights)
    fingerprint = _fingerprint(kinds, learnable, config, start)
    schedule = Schedule(
        config.epochs,
        config.batch_size,
        seed,
        samples_per_epoch=config.samples_per_epoch,
        learning_rate_decay=config.learning_rate_decay,
        patience=config.patience,
    )
    alone: tuple[Epoch, ...] = ()
    alone_frames = config.lsdm_epochs * min(config.lsdm_frames, config.clip_frames)
    alone_share = alone_frames / (alone_frames + config.epochs * config.clip_frames)
    try:
        if config.lsdm_epochs:
            alone = train(
                network,
                torch.optim.Adam(network.lsdm.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay),
                clip_samples(taught, config, kinds, mirrored=config.mirrored, few=config.lsdm_frames),
                partial(loss_of_batch, weights=weights, config=config, spatial_only=True),
                replace(
                    schedule,
                    epochs=config.lsdm_epochs,
                    batch_size=config.lsdm_batch_size,
                    samples_per_epoch=0,
                    patience=0,
                ),
                state_file=out / f"{BOTH}.{LSDM}.state.safetensors",
                fingerprint=fingerprint,
                on_progress=_part_of(on_progress, 0.0, alone_share),
            )
        history = train(
            network,
            torch.optim.Adam(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay),
            samples,
            partial(loss_of_batch, weights=weights, config=config),
            schedule,
            validation=validation,
            state_file=out / f"{BOTH}.state.safetensors",
            fingerprint=fingerprint,
            on_progress=_part_of(on_progress, alone_share, 1.0 - alone_share),
        )
    except FloatingPointError as error:
        raise SettingsError("setting 'learning_rate'", f"training: {error}", "give a smaller one") from error
    return write_checkpoint(
        out / BOTH,
        method="fesnet",
        kind=None,
        config=trained_settings(config, always=_INPUT, never=_NOT_KEPT),
        fitted={
            "kinds": [kind for kind in KINDS if kind in kinds],
            "clips": len(samples),
            "rows": dict(zip(LABELS, counts.tolist(), strict=True)),
            "started_from": None if start is None else start.digest,
            "validation_subjects": sorted(held_back),
            "lsdm_history": [asdict(epoch) for epoch in alone],
            "history": [asdict(epoch) for epoch in history],
        },
        origin={**origin, "seed": seed},
        onnx_bytes=to_onnx(network, (config.clip_frames, SIDE, SIDE, 3), input_name="clips", output_names=("logits",)),
        weights={name: value.numpy() for name, value in network.state_dict().items()},
        overwrite=True,
    )


def loss_of_batch(
    network: nn.Module,
    batch: tuple[Tensor, ...],
    *,
    weights: Tensor,
    config: FesnetConfig,
    spatial_only: bool = False,
) -> Tensor:
    """Loss of a batch as `ClipSamples` gathers it (eq. 5), or that of the LSDM and its spatial proposals alone."""
    frames, classes, counted = batch
    stages = cast(FESNet, network).stages(frames, spatial_only=spatial_only)
    return total_loss(stages, classes, weights, config, counted)


def _part_of(on_progress: OnFitProgress | None, start: float, share: float) -> OnProgress | None:
    """Tells of a stage as a share of the whole training, which begins at `start`."""
    if on_progress is None:
        return None
    return lambda done, total: on_progress(BOTH, round(1000 * (start + share * done / total)), 1000)


def _load(network: FESNet, start: Checkpoint) -> None:
    """Take over the weights of a checkpoint."""
    weights = {name: torch.from_numpy(array) for name, array in read_weights(start).items()}
    own = network.state_dict()
    # The file gives its names in no order.
    names = [*own, *sorted(weights.keys() - own.keys())]
    unlike = [name for name in names if name not in own or name not in weights]
    unlike += [name for name in own if name in weights and own[name].shape != weights[name].shape]
    if unlike:
        remedy = "start from weights of a network of the same widths"
        raise WeightsError(str(start.path), f"{unlike[0]} does not fit the network", remedy)
    network.load_state_dict(weights)


def _fingerprint(
    kinds: Sequence[Kind], videos: Sequence[TrainingVideo], config: FesnetConfig, start: Checkpoint | None
) -> str:
    """Differs where the training would differ: settings, videos, truth, features and the weights at the start."""
    content = [
        [
            video.truth.video,
            video.subject,
            [(one.kind, one.onset, one.apex, one.offset) for one in video.truth.expressions],
            [(kind, *features_identity(video.features[kind])) for kind in KINDS if kind in video.features],
        ]
        for video in videos
    ]
    return training_digest(list(kinds), settings_but(config, _SPOTTING), content, start and start.digest)
