"""Training SpoT-GCN, section III-E: one network for both types. Needs PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from facespot.errors import SettingsError
from facespot.features.region_flow import N_REGIONS
from facespot.methods.base import OnFitProgress, TrainingVideo
from facespot.methods.learning import (
    WEIGHTS_STREAM,
    derived_seed,
    features_identity,
    settings_but,
    trained_settings,
    training_digest,
    validation_subjects,
)
from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.methods.spotgcn.losses import Targets, total_loss
from facespot.methods.spotgcn.network import SpotGCN, build_network
from facespot.methods.spotgcn.samples import window_samples
from facespot.models import Checkpoint, write_checkpoint
from facespot.training.loop import Schedule, train
from facespot.training.onnx_export import to_onnx
from facespot.values import KINDS, Kind

BOTH = "both"
BETAS = (0.5, 0.9)
_LENGTHS = ("macro_mean_s", "micro_mean_s", "macro_least_s", "micro_least_s")
# Settings that decide what is spotted, or how features are kept, but not what is learned.
_SPOTTING = (*_LENGTHS, "apex_threshold", "search", "consistent", "overlap", "most_per_video", "reach")
_INPUT = ("window", "motion", "flow", "landmarks_every")


def fit_network(
    videos: Sequence[TrainingVideo],
    config: SpotgcnConfig,
    *,
    kinds: Sequence[Kind],
    out: Path,
    seed: int,
    origin: Mapping[str, str | int | None],
    on_progress: OnFitProgress | None = None,
) -> Checkpoint:
    """Train the network and write its checkpoint to ``out/both``.

    Beside it, ``out/both.state.safetensors`` holds where the training stands.

    Parameters
    ----------
    videos : sequence of TrainingVideo
        A type is learned from those that have features of it, which are the same for both.
    config : SpotgcnConfig
    kinds : sequence of {"macro", "micro"}
        Types to learn, at least one.
    out, seed, origin, on_progress
        As in `facespot.methods.base.Method.fit`.

    Raises
    ------
    SettingsError
        No expression has a usable frame, there are too few frames, or the training diverges.
    """
    out.mkdir(parents=True, exist_ok=True)
    learnable = [video for video in videos if any(kind in video.features for kind in kinds)]
    if not learnable:
        raise SettingsError("training", "the videos hold no expression", "train on annotated videos")
    held_back = validation_subjects([video.subject for video in learnable], config, seed)
    samples = window_samples([video for video in learnable if video.subject not in held_back], config, kinds)
    if samples.n_expression_frames == 0:
        what = "no expression of the training videos has a usable frame"
        raise SettingsError("training", what, "give videos in which the face is seen during expressions")
    validation = None
    if held_back:
        validation = window_samples([video for video in learnable if video.subject in held_back], config, kinds)
        if len(validation) == 0:
            what = f"no frame of the held-back subjects ({', '.join(sorted(held_back))}) is usable"
            raise SettingsError("setting 'patience'", what, "give 0, or videos in which the face is seen")
    generator = torch.Generator().manual_seed(derived_seed(seed, WEIGHTS_STREAM))
    network = build_network(config.network, config.window, config.adjacency, generator)
    try:
        history = train(
            network,
            torch.optim.AdamW(
                network.parameters(), lr=config.learning_rate, betas=BETAS, weight_decay=config.weight_decay
            ),
            samples,
            partial(loss_of_batch, config=config),
            Schedule(
                config.epochs,
                config.batch_size,
                seed,
                samples_per_epoch=samples_per_epoch(len(samples), config),
                learning_rate_decay=config.learning_rate_decay,
                patience=config.patience,
            ),
            validation=validation,
            state_file=out / f"{BOTH}.state.safetensors",
            fingerprint=_fingerprint(kinds, learnable, config),
            on_progress=None if on_progress is None else partial(on_progress, BOTH),
        )
    except FloatingPointError as error:
        raise SettingsError("setting 'learning_rate'", f"training: {error}", "give a smaller one") from error
    return write_checkpoint(
        out / BOTH,
        method="spotgcn",
        kind=None,
        config=trained_settings(config, always=_INPUT, never=_SPOTTING),
        fitted={
            "kinds": [kind for kind in KINDS if kind in kinds],
            **{name: getattr(config, name) for name in _LENGTHS},
            "rows": len(samples),
            "expression_rows": samples.n_expression_frames,
            "validation_subjects": sorted(held_back),
            "history": [asdict(epoch) for epoch in history],
        },
        origin={**origin, "seed": seed},
        onnx_bytes=to_onnx(network, (config.window, N_REGIONS, 2), input_name="windows", output_names=("logits",)),
        weights={name: value.numpy() for name, value in network.state_dict().items()},
        overwrite=True,
    )


def loss_of_batch(network: nn.Module, batch: tuple[Tensor, ...], *, config: SpotgcnConfig) -> Tensor:
    """Loss of a batch as `WindowSamples` gathers it (eq. 6)."""
    windows, *targets = batch
    return total_loss(cast(SpotGCN, network).stages(windows), Targets(*targets), config)


def samples_per_epoch(n_samples: int, config: SpotgcnConfig) -> int:
    """Frames in an epoch, 0 for all; one less where its last batch would hold a single one.

    Batch norm knows no variance of a single frame. The frame that is left out is another one in each epoch.

    Raises
    ------
    SettingsError
        There is only one frame.
    """
    n_taken = min(n_samples, config.samples_per_epoch or n_samples)
    if n_taken < 2:
        raise SettingsError("training", f"an epoch has {n_taken} usable frame", "give more videos or samples_per_epoch")
    return n_taken - 1 if n_taken % config.batch_size == 1 else config.samples_per_epoch


def _fingerprint(kinds: Sequence[Kind], videos: Sequence[TrainingVideo], config: SpotgcnConfig) -> str:
    """Differs where the training would differ: settings, videos, truth and what the features are."""
    content = [
        [
            video.truth.video,
            video.subject,
            [(one.kind, one.onset, one.apex, one.offset) for one in video.truth.expressions],
            [(kind, *features_identity(video.features[kind])) for kind in KINDS if kind in video.features],
        ]
        for video in videos
    ]
    return training_digest(list(kinds), settings_but(config, _SPOTTING), content)
