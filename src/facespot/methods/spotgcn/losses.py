"""The losses: focal loss (eq. 4), supervised contrastive loss (eq. 5) and their sum (eq. 6). Needs PyTorch.

Eq. 4 names what is there; the program also weighs what is not, with 1 - alpha, and only so can the network learn
where there is nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, logsigmoid, normalize

from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.methods.spotgcn.decoding import APEX_LOGIT, BOUNDARY_LOGITS, EXPRESSION_LOGIT
from facespot.methods.spotgcn.network import Stages
from facespot.values import KINDS


class Targets(NamedTuple):
    """What the network should say of n frames; the columns are macro and micro, in the order of `KINDS`.

    Parameters
    ----------
    boundary, apex, action, frame_type : tensors
        As in `facespot.methods.spotgcn.targets.FrameTargets`.
    counts : (n, 2) bool tensor
        Whether the type is learned from the frame.
    """

    boundary: Tensor
    apex: Tensor
    action: Tensor
    frame_type: Tensor
    counts: Tensor


def focal_loss(logits: Tensor, targets: Tensor, alpha: float, gamma: float, smoothing: float = 0.0) -> Tensor:
    """Mean focal loss of probabilities that are a sigmoid, eq. 4 for both answers.

    ``-alpha y (1 - p)^gamma log p - (1 - alpha) (1 - y) p^gamma log(1 - p)``

    Parameters
    ----------
    logits : (n,) float tensor
    targets : (n,) float tensor
        y in [0, 1].
    alpha, gamma : float
    smoothing : float
        e of the label smoothing: y becomes y (1 - e) + e / 2.

    Returns
    -------
    () tensor
        0, with a gradient of 0, where n is 0.
    """
    smooth = targets * (1 - smoothing) + smoothing / 2
    there, absent = logsigmoid(logits), logsigmoid(-logits)
    found = alpha * smooth * torch.exp(gamma * absent) * there
    refused = (1 - alpha) * (1 - smooth) * torch.exp(gamma * there) * absent
    return -(found + refused).sum() / max(len(logits), 1)


def three_way_focal_loss(logits: Tensor, classes: Tensor, alpha: float, gamma: float) -> Tensor:
    """Mean focal loss of onset, offset and neither, eq. 4: ``-a_c (1 - p_c)^gamma log p_c`` of the true class c.

    Parameters
    ----------
    logits : (n, 3) float tensor
    classes : (n,) int64 tensor
        0 onset, 1 offset, 2 neither.
    alpha : float
        a of onset and offset; that of neither is 1 - alpha.
    gamma : float

    Returns
    -------
    () tensor
        0, with a gradient of 0, where n is 0.
    """
    log_probability = log_softmax(logits, dim=1).gather(1, classes[:, None])[:, 0]
    # 1 - p rounds to 0 or below where p is nearly 1, and a power of 0 has no gradient for every gamma.
    other = torch.clamp(-torch.expm1(log_probability), min=torch.finfo(logits.dtype).tiny)
    weight = logits.new_tensor([alpha, alpha, 1 - alpha])[classes]
    return -(weight * other**gamma * log_probability).sum() / max(len(logits), 1)


def supervised_contrastive_loss(
    represented: Tensor, classes: Tensor, temperature: float, *, normalised: bool = True
) -> Tensor:
    """Supervised contrastive loss, eq. 5, as a mean over the frames that have another one of their class.

    Eq. 5 prints the sum over the batch. With it, lambda of eq. 6 would weigh the loss against others that are means by
    the size of the batch; the loss as it was first published, and its authors' program, take the mean (Khosla et al.,
    2020).

    Parameters
    ----------
    represented : (n, d) float tensor
        z.
    classes : (n,) int64 tensor
    temperature : float
        tau, > 0.
    normalised : bool
        Whether z is brought to length 1 first.

    Returns
    -------
    () tensor
        0, with a gradient of 0, where no frame has another one of its class.
    """
    z = normalize(represented, dim=1) if normalised else represented
    own = torch.eye(len(z), dtype=torch.bool, device=z.device)
    alike = z @ z.t() / temperature
    log_share = alike - torch.logsumexp(alike.masked_fill(own, -torch.inf), dim=1, keepdim=True)
    positive = (classes[:, None] == classes) & ~own
    n_positive = positive.sum(dim=1)
    anchors = n_positive > 0
    if not anchors.any():
        return represented.sum() * 0.0
    of_anchors = torch.where(positive, log_share, 0.0).sum(dim=1)[anchors] / n_positive[anchors]
    return -of_anchors.mean()


def total_loss(stages: Stages, targets: Targets, config: SpotgcnConfig) -> Tensor:
    """Loss of a batch, eq. 6: focal losses of both types, and lambda times the supervised contrastive loss.

    Each mean is taken over the frames that count for its type, the contrastive one over those that count for any.
    """
    loss = stages.logits.sum() * 0.0
    for column, kind in enumerate(KINDS):
        counts = targets.counts[:, column]
        logits = stages.logits[counts]
        boundary = three_way_focal_loss(
            logits[:, BOUNDARY_LOGITS[kind]],
            targets.boundary[counts, column],
            config.boundary_alpha,
            config.gamma,
        )
        apex = focal_loss(
            logits[:, APEX_LOGIT[kind]],
            targets.apex[counts, column],
            config.apex_alpha,
            config.gamma,
            config.label_smoothing,
        )
        action = focal_loss(
            logits[:, EXPRESSION_LOGIT[kind]],
            targets.action[counts, column],
            config.action_alpha,
            config.gamma,
            config.label_smoothing,
        )
        of_kind = config.apex_weight * apex + config.boundary_weight * boundary + config.action_weight * action
        loss = loss + (config.macro_weight if kind == "macro" else 1.0) * of_kind
    if config.contrastive_weight:
        known = targets.counts.any(dim=1)
        contrast = supervised_contrastive_loss(
            stages.represented[known], targets.frame_type[known], config.temperature, normalised=config.normalised
        )
        loss = loss + config.contrastive_weight * contrast
    return loss
