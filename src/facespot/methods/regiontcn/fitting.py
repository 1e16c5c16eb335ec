"""Training regiontcn: one network for both types, its scores calibrated on subjects held back. Needs PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from facespot.errors import SettingsError
from facespot.methods.base import OnFitProgress, TrainingVideo
from facespot.methods.learning import (
    SUBJECTS_STREAM,
    WEIGHTS_STREAM,
    derived_seed,
    features_identity,
    settings_but,
    trained_settings,
    training_digest,
)
from facespot.methods.regiontcn.calibration import to_json
from facespot.methods.regiontcn.config import RegiontcnConfig
from facespot.methods.regiontcn.decoding import scores_of_outputs
from facespot.methods.regiontcn.judging import Judged, calibrate, judge, reliability_table
from facespot.methods.regiontcn.losses import Targets, total_loss
from facespot.methods.regiontcn.network import RegionTCN
from facespot.methods.regiontcn.outputs import ACTION_UNITS, EMOTIONS
from facespot.methods.regiontcn.samples import LearnedVideo, MotionSamples, learned_videos, usual_size
from facespot.methods.regiontcn.windows import WINDOW_SHAPE, outputs_of
from facespot.models import Checkpoint, write_checkpoint
from facespot.training.averaging import AveragedNetwork
from facespot.training.loop import Schedule, one_thread, train
from facespot.training.onnx_export import to_onnx
from facespot.training.sampling import held_back_subjects
from facespot.values import KINDS, FloatArray, Kind

BOTH = "both"
_INPUT = ("flow", "smoothing_s", "landmarks_every")
# Settings that decide what is spotted but not what is learned.
_SPOTTING = (
    "rule", "sensitivity", "macro_threshold", "micro_threshold", "p", "overlap", "boundary_search", "least_score",
    "uncertain_below", "action_unit_threshold",
)  # fmt: skip


def fit_network(
    videos: Sequence[TrainingVideo],
    config: RegiontcnConfig,
    *,
    kinds: Sequence[Kind],
    out: Path,
    seed: int,
    origin: Mapping[str, str | int | None],
    on_progress: OnFitProgress | None = None,
) -> Checkpoint:
    """Train the network and write its checkpoint to ``out/both``.

    A share of the subjects is held back, and the scores are calibrated on them. A single subject is learned from, and
    the scores are calibrated on the same videos; the checkpoint says so. Beside it, ``out/both.state.safetensors``
    holds where the training stands.

    Parameters
    ----------
    videos : sequence of TrainingVideo
        A type is learned from those that have features of it, which are the same for both.
    config : RegiontcnConfig
    kinds : sequence of {"macro", "micro"}
        Types to learn, at least one.
    out, seed, origin, on_progress
        As in `facespot.methods.base.Method.fit`.

    Raises
    ------
    SettingsError
        No expression has a usable frame, or the training diverges.
    """
    out.mkdir(parents=True, exist_ok=True)
    learnable = [video for video in videos if any(kind in video.features for kind in kinds)]
    rng = np.random.default_rng([seed, SUBJECTS_STREAM])
    held_back = held_back_subjects([video.subject for video in learnable], config.validation_share, rng)
    taught = [video for video in learnable if video.subject not in held_back]
    watched = [video for video in learnable if video.subject in held_back]
    learned = learned_videos(taught, kinds)
    if not sum(video.n_usable for video in learned):
        what = "no expression of the training videos has a usable frame"
        raise SettingsError("training", what, "give videos in which the face is seen during expressions")
    scale = usual_size(learned)
    validation = MotionSamples(learned_videos(watched, kinds), config, scale, altered=False)
    generator = torch.Generator().manual_seed(derived_seed(seed, WEIGHTS_STREAM))
    averaged = AveragedNetwork(RegionTCN(config.channels, config.dropout, scale.tolist(), generator), config.averaging)
    try:
        history = train(
            averaged,
            torch.optim.AdamW(averaged.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay),
            MotionSamples(learned, config, scale, altered=True, at_least=config.samples_per_epoch),
            partial(loss_of_batch, config=config),
            Schedule(
                config.epochs,
                config.batch_size,
                seed,
                samples_per_epoch=config.samples_per_epoch,
                learning_rate_decay=config.learning_rate_decay,
                clip_norm=config.clip_norm,
            ),
            validation=validation if len(validation) else None,
            state_file=out / f"{BOTH}.state.safetensors",
            fingerprint=_fingerprint(kinds, learnable, config),
            on_progress=None if on_progress is None else partial(on_progress, BOTH),
        )
    except FloatingPointError as error:
        raise SettingsError("setting 'learning_rate'", f"training: {error}", "give a smaller one") from error
    judged = judged_by(averaged.average, watched if len(validation) else taught, config, kinds)
    calibrations, points = calibrate(judged)
    return write_checkpoint(
        out / BOTH,
        method="regiontcn",
        kind=None,
        config=trained_settings(config, always=_INPUT, never=_SPOTTING),
        fitted={
            "kinds": [kind for kind in KINDS if kind in kinds],
            **_named(learned),
            **to_json(calibrations, points),
            "reliability": reliability_table(judged, calibrations),
            "calibrated_on": "held-back subjects" if len(validation) else "training videos",
            "validation_subjects": sorted(held_back),
            "expressions": sum(video.n_usable for video in learned),
            "history": [asdict(epoch) for epoch in history],
        },
        origin={**origin, "seed": seed},
        onnx_bytes=to_onnx(averaged.average, WINDOW_SHAPE, input_name="rows", output_names=("outputs",)),
        weights={name: value.numpy() for name, value in averaged.average.state_dict().items()},
        overwrite=True,
    )


def loss_of_batch(network: nn.Module, batch: tuple[Tensor, ...], *, config: RegiontcnConfig) -> Tensor:
    """Loss of a batch as `MotionSamples` gathers it."""
    rows, *targets = batch
    return total_loss(network(rows), Targets(*targets), config)


def judged_by(
    network: nn.Module, videos: Sequence[TrainingVideo], config: RegiontcnConfig, kinds: Sequence[Kind]
) -> dict[Kind, Judged]:
    """What the network proposes in some videos, against their truth.

    Parameters
    ----------
    network : RegionTCN
        Put into the state in which it scores.
    videos, config, kinds
        As in `fit_network`.
    """
    network.eval()

    def run(windows: FloatArray) -> FloatArray:
        with torch.no_grad():
            outputs: FloatArray = network(torch.from_numpy(windows)).numpy()
        return outputs

    found = []
    with one_thread():
        for video in videos:
            known = [kind for kind in KINDS if kind in kinds and kind in video.features]
            if known:
                features = video.features[known[0]]
                outputs = outputs_of(run, features.values, features.valid)
                found.append((scores_of_outputs(outputs, features, known, (), ()), video.truth))
    return judge(found, config)


def _named(videos: Sequence[LearnedVideo]) -> dict[str, list[str] | list[int]]:
    """Emotions and action units that the learned expressions show; a single emotion is no choice."""
    learned = [one for video in videos for one in video.expressions if one.learned]
    emotions = sorted({one.emotion for one in learned if one.emotion >= 0})
    units = sorted({unit for one in learned for unit in one.action_units})
    return {
        "classes": [EMOTIONS[emotion] for emotion in emotions] if len(emotions) > 1 else [],
        "action_units": [ACTION_UNITS[unit] for unit in units],
    }


def _fingerprint(kinds: Sequence[Kind], videos: Sequence[TrainingVideo], config: RegiontcnConfig) -> str:
    """Differs where the training would differ: settings, videos, truth and what the features are."""
    content = [
        [
            video.truth.video,
            video.subject,
            [
                (one.kind, one.onset, one.apex, one.offset, one.emotion, one.action_units)
                for one in video.truth.expressions
            ],
            [(kind, *features_identity(video.features[kind])) for kind in KINDS if kind in video.features],
        ]
        for video in videos
    ]
    return training_digest(list(kinds), settings_but(config, _SPOTTING), content)
