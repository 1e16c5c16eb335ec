"""The losses: LSDM loss (eq. 3), weighted cross-entropy and smooth loss (eq. 4) and their sum (eq. 5). Needs PyTorch.

Classes are in the order of `facespot.metrics.framewise.LABELS`: neutral, macro, micro.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import cross_entropy

from facespot.methods.fesnet.config import ClassWeights, FesnetConfig, LsdmForm
from facespot.methods.fesnet.network import Stages

GUARD = 0.1
"""Smallest size of the logarithm in the printed form of eq. 3: its values stay within -10 and 10."""
LEAST_DEVIATION = 1e-3
"""Smallest d in the printed form of eq. 3, whose slope is infinite at 0."""


def lsdm_loss(x_motion: Tensor, form: LsdmForm, guard: float = GUARD) -> Tensor:
    """LSDM loss, eq. 3, as a mean over the frames.

    d of a frame is the root of the summed squares of x'' less its mean, both over all channels and positions; eq. 3
    prints no square, but without one the sum is 0.

    The paper wants the deviation within the features reduced, as a trade-off against the classification. Both forms
    grow with d wherever they are smooth, so to minimise them is to reduce d; the less so, the larger d already is.
    "stable", ``-1 / log(e + d)``, goes from -1 at d = 0 to 0 and rewards constant features the most. "printed",
    ``-1 / log d``, has a pole: from above it falls without end as d nears 1, and below it pushes d from there to 0.
    Far above 1 the two hardly differ.

    Parameters
    ----------
    x_motion : (..., channels, height, width) float tensor
        x'' of some frames.
    form : {"stable", "printed"}
    guard : float
        For "printed", > 0: a logarithm between -guard and guard is taken for the nearer of the two, with a gradient of
        0 in between; so is d below 0.001.

    Returns
    -------
    () tensor
        Finite, and so is its gradient, which is 0 where x'' is constant.

    >>> flat = torch.ones(4, 32, 7, 7)
    >>> lsdm_loss(flat, "stable").item(), round(lsdm_loss(flat, "printed").item(), 4)
    (-1.0, 0.1448)
    """
    mean = x_motion.mean(dim=(-3, -2, -1), keepdim=True)
    # Its gradient at 0 is 0, where that of a root of a sum is not a number.
    deviation = torch.linalg.vector_norm(x_motion - mean, dim=(-3, -2, -1))
    if form == "stable":
        logarithm = torch.log(math.e + deviation)
    else:
        logarithm = torch.log(deviation.clamp(min=LEAST_DEVIATION))
        logarithm = torch.where(logarithm < 0, logarithm.clamp(max=-guard), logarithm.clamp(min=guard))
    return -(1 / logarithm).mean()


def smooth_loss(refined: Sequence[Sequence[Tensor]]) -> Tensor:
    """Smooth loss, eq. 4: how much the refined proposals change from one frame to the next.

    Squared differences of the probabilities of consecutive frames, the softmax of each proposal; summed over the
    layers of a block, as mean over blocks, clips, pairs of frames and classes. The paper does not say whether p are
    logits or probabilities, and sums over the frames.

    Parameters
    ----------
    refined : S sequences of (b, T, 3) float tensors
        The proposals p^{s|l} of each block and layer, logits; T >= 2.

    Returns
    -------
    () tensor
    """
    total = refined[0][0].new_zeros(())
    for proposals in refined:
        probabilities = torch.softmax(torch.stack(list(proposals)), dim=-1)
        changes = probabilities[:, :, 1:] - probabilities[:, :, :-1]
        total = total + changes.square().mean(dim=(1, 2, 3)).sum()
    return total / len(refined)


def class_weights(label_counts: ArrayLike, kind: ClassWeights) -> Tensor:
    """w_c of eq. 4, in such a scale that the frames they are of weigh 1 in the mean.

    So the learning rate means the same for all kinds and shares.

    Parameters
    ----------
    label_counts : (3,) int array
        Training frames of each class, n_c; at least one of all.
    kind : {"inverse", "root", "none"}
        Weights as 1 / n_c, as the square root of that, or 1 for each.

    Returns
    -------
    (3,) float32 tensor
        w_c with ``sum(w_c n_c) = sum(n_c)``; 0 for a class without frames, which nothing can be learned about.

    >>> class_weights([80, 15, 5], "inverse")
    tensor([0.4167, 2.2222, 6.6667])
    >>> class_weights([90, 10, 0], "none")
    tensor([1., 1., 0.])
    """
    counts = torch.as_tensor(label_counts, dtype=torch.float64)
    power = {"inverse": -1.0, "root": -0.5, "none": 0.0}[kind]
    weights = torch.where(counts > 0, counts.clamp(min=1) ** power, 0.0)
    return (weights * counts.sum() / (weights * counts).sum()).float()


def weighted_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor, counts: Tensor | None = None) -> Tensor:
    """Weighted cross-entropy, eq. 4, as a mean over the frames that count.

    The sum of the weighted frames is divided by their number, not by the sum of their weights: a frame moves the
    network as much in a batch of rare classes as in any other.

    Parameters
    ----------
    logits : (b, T, 3) float tensor
    labels : (b, T) int64 tensor
    weights : (3,) float tensor
        w_c.
    counts : (b, T) bool tensor, optional
        Frames that are learned from; default: all.

    Returns
    -------
    () tensor
        0, with a gradient of 0, where no frame counts.
    """
    of_frames = cross_entropy(logits.flatten(0, 1), labels.flatten(), weights, reduction="none")
    if counts is None:
        return of_frames.mean()
    return torch.where(counts.flatten(), of_frames, 0.0).sum() / counts.sum().clamp(min=1)


def total_loss(
    stages: Stages, labels: Tensor, weights: Tensor, config: FesnetConfig, counts: Tensor | None = None
) -> Tensor:
    """Loss of a batch, eq. 5: cross-entropy, gamma times the smooth loss, and the LSDM loss, divided by T.

    Eq. 4 sums over the frames of a clip, eq. 3 has one value for it. Ours are means over the frames, of which the LSDM
    loss therefore counts one T-th. Counted in full, it pulls x'' to a constant within 300 steps (measured).

    Parameters
    ----------
    stages : Stages
    labels, weights, counts
        As in `weighted_cross_entropy`. The smooth and the LSDM loss need no labels and see every frame.
    config : FesnetConfig
        `gamma`, `lsdm_weight`, `lsdm_form` and `supervision` are read. With supervision "all" the cross-entropy is the
        mean of those of the spatial proposals, the temporal ones and the last ones of each refinement block; the last
        of these are the result. Without the MTAM it is that of the spatial proposals, and there is no smooth loss.

    Returns
    -------
    () tensor
    """
    supervised = [stages.final]
    if config.supervision == "all" and stages.temporal is not None:
        supervised = [stages.spatial, stages.temporal, *(proposals[-1] for proposals in stages.refined)]
    loss = torch.stack([weighted_cross_entropy(one, labels, weights, counts) for one in supervised]).mean()
    if config.gamma and stages.refined:
        loss = loss + config.gamma * smooth_loss(stages.refined)
    if config.lsdm_weight:
        loss = loss + config.lsdm_weight / labels.shape[1] * lsdm_loss(stages.x_motion, config.lsdm_form)
    return loss
