"""The five losses and their sum. Needs PyTorch.

Each is a mean over what it is about: rows, expressions, or marks on a map. Rows that do not count are left out of all.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, logsigmoid, softplus

from facespot.methods.regiontcn.config import RegiontcnConfig
from facespot.methods.regiontcn.decoding import UNIT_S
from facespot.methods.regiontcn.outputs import SLICES
from facespot.methods.regiontcn.targets import MAPS, NONE

CLOSE_S = 1 / 30
"""Added to both lengths of the IoU, so that it counts rows and not the gaps between them."""
LABEL_SMOOTHING = 0.05
_MARK, _NEAR = 0.9, 0.5


class Targets(NamedTuple):
    """What the network should say of b windows of t rows, see `facespot.methods.regiontcn.targets.RowTargets`."""

    counted: Tensor
    kind: Tensor
    distances_s: Tensor
    distance_weight: Tensor
    maps: Tensor
    emotion: Tensor
    emotion_weight: Tensor
    action_units: Tensor
    action_unit_weight: Tensor


def type_loss(outputs: Tensor, targets: Targets, *, micro_weight: float, gamma: float) -> Tensor:
    """Focal cross-entropy of none, macro and micro as a mean over the rows that count.

    Lin et al.: Focal Loss for Dense Object Detection, ICCV 2017: rows that are right already weigh less.

    Parameters
    ----------
    outputs : (b, t, N_OUTPUTS) tensor
    targets : Targets
    micro_weight : float
        Weight of the rows of micro-expressions; the others weigh 1.
    gamma : float
        Power of what is missing to a probability of 1.
    """
    logits = outputs[..., SLICES["type"]].flatten(0, 1)
    kind = targets.kind.flatten()
    probability = torch.softmax(logits, dim=-1).gather(1, kind[:, None])[:, 0]
    weights = logits.new_tensor([1.0, 1.0, micro_weight])
    losses = cross_entropy(logits, kind, weight=weights, reduction="none") * (1 - probability) ** gamma
    return _mean(losses, targets.counted.flatten().float())


def iou_loss(outputs: Tensor, targets: Targets) -> Tensor:
    """1 - IoU of the interval that each row proposes, as a mean over the expressions.

    Both intervals hold the row, so that the shorter distances are what they share and the longer ones what they cover.
    """
    distances = softplus(outputs[..., SLICES["distance"]]) * UNIT_S
    shared = torch.minimum(distances, targets.distances_s).sum(dim=-1) + CLOSE_S
    covered = torch.maximum(distances, targets.distances_s).sum(dim=-1) + CLOSE_S
    return _mean(1 - shared / covered, targets.distance_weight * targets.counted)


def map_loss(outputs: Tensor, targets: Targets) -> Tensor:
    """Focal loss of the maps of middle, apex, onset and offset, per mark, summed over the maps.

    Law and Deng: CornerNet, ECCV 2018, eq. 1, but for the rows above a half: they count as near the mark as they are.
    """
    logits = torch.cat([outputs[..., SLICES[name]] for name in MAPS], dim=-1)
    probability = torch.sigmoid(logits)
    there = -targets.maps * (1 - probability) ** 2 * logsigmoid(logits)
    elsewhere = -((1 - targets.maps) ** 4) * probability**2 * logsigmoid(-logits)
    counted = targets.counted[..., None].float()
    marks = ((targets.maps > _MARK) * counted).sum(dim=(0, 1)) + 1
    losses = ((there * (targets.maps > _NEAR) + elsewhere) * counted).sum(dim=(0, 1))
    return (losses / marks).sum()


def emotion_loss(outputs: Tensor, targets: Targets) -> Tensor:
    """Cross-entropy of the emotions as a mean over the expressions that have one, with 0.05 of it spread over all."""
    losses = cross_entropy(
        outputs[..., SLICES["emotion"]].flatten(0, 1),
        targets.emotion.flatten(),
        ignore_index=NONE,
        reduction="none",
        label_smoothing=LABEL_SMOOTHING,
    )
    return _mean(losses, (targets.emotion_weight * targets.counted).flatten())


def action_unit_loss(outputs: Tensor, targets: Targets) -> Tensor:
    """Cross-entropy of the action units, summed over them, as a mean over the expressions that have any."""
    losses = binary_cross_entropy_with_logits(
        outputs[..., SLICES["action_unit"]], targets.action_units, reduction="none"
    ).sum(dim=-1)
    return _mean(losses, targets.action_unit_weight * targets.counted)


def total_loss(outputs: Tensor, targets: Targets, config: RegiontcnConfig) -> Tensor:
    """The weighted sum of all five."""
    return (
        config.type_weight * type_loss(outputs, targets, micro_weight=config.micro_weight, gamma=config.gamma)
        + config.iou_weight * iou_loss(outputs, targets)
        + config.map_weight * map_loss(outputs, targets)
        + config.emotion_weight * emotion_loss(outputs, targets)
        + config.action_unit_weight * action_unit_loss(outputs, targets)
    )


def _mean(losses: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean; with weights of less than 1 in all the sum, so that a sliver of an expression teaches little."""
    return (losses * weights).sum() / weights.sum().clamp(min=1.0)
