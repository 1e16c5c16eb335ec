"""What the layers of a trained FESNet hold of test videos: where figures 5 and 7 start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facespot.errors import FormatError, MissingDependencyError
from facespot.experiments.outcome import FoldOutcome, RunOutcome
from facespot.experiments.papers.inference import features_of_run
from facespot.experiments.papers.reproduction import Reproduction
from facespot.methods.fesnet.config import FesnetConfig
from facespot.models.checkpoint import read_weights
from facespot.values import KINDS, Features

if TYPE_CHECKING:
    from facespot.methods.fesnet.network import FESNet, Stages


def fold_config(fold: FoldOutcome) -> FesnetConfig:
    """Settings of a fold of FESNet."""
    config: FesnetConfig = fold.method("fesnet").config
    return config


def network_of(fold: FoldOutcome) -> FESNet:
    """The network that a fold has trained, ready for use.

    Raises
    ------
    MissingDependencyError
        PyTorch is not installed.
    FormatError
        The fold has no network of its own.
    """
    try:
        import torch

        from facespot.methods.fesnet.network import build_network
    except ModuleNotFoundError as error:
        remedy = 'run pip install "facespot[train]"'
        raise MissingDependencyError("the layers of FESNet", f"{error.name} is not installed", remedy) from None
    if not fold.checkpoints():
        raise FormatError(str(fold.folder), "it has no network", "leave --weights out, so that one is trained")
    weights = read_weights(fold.checkpoints()[0])
    network = build_network(fold_config(fold))
    network.load_state_dict({name: torch.tensor(values) for name, values in weights.items()})
    return network.eval()


def stages_of(network: FESNet, clip: NDArray[np.uint8]) -> Stages:
    """What the layers hold of one clip of aligned faces, (T, 112, 112, 3)."""
    import torch

    with torch.no_grad():
        return network.stages(torch.from_numpy(np.asarray(clip, dtype=np.float32)[np.newaxis]))


def faces_of(
    outcome: RunOutcome, fold: FoldOutcome, videos: Sequence[str], reproduction: Reproduction
) -> dict[str, Features]:
    """Aligned faces of some test videos of a fold, by video; they are in the cache unless it was emptied.

    Raises
    ------
    FormatError
        A video has no features any more.
    """
    method, kind = fold.method("fesnet"), KINDS[0]
    alone = replace(outcome, folds=(replace(fold, test=tuple(videos)),))
    features = features_of_run(alone, [method], kind, reproduction.execution)
    found = {}
    for video in videos:
        stored = features.of(video, method.plan()).get(kind)
        if stored is None:
            reason = features.failed.get(video, "its features are missing")
            raise FormatError(video, reason, "see that the video can be read, and give the same command again")
        found[video] = stored.open()
    return found
