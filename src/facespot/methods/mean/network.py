"""MEAN: the micro-expression analysis network (Liong, See and Chan, 2022, section 3.3, figure 2).

::

    maps (n, 42, 42, 3)
      |-- u ------- conv 5x5, 3 filters, ReLU, batch norm --- max-pool 3x3, dropout 0.3 --.
      |-- v ------- conv 5x5, 3 filters, ReLU, batch norm --- max-pool 3x3, dropout 0.3 --+-- concat (n, 14, 14, 14)
      `-- strain -- conv 5x5, 8 filters, ReLU, batch norm --- max-pool 3x3, dropout 0.3 --'        |
                                                                                                   |
      .--------------------------------------------------------------------------------------------|
      |                                                                                            |
    spotting head                                                                     recognition head
    conv 5x5, 8 filters, ReLU                                                conv 5x5, 8 filters, ReLU
    max-pool 2x2, flatten (n, 392), dropout 0.2                  max-pool 2x2, flatten (n, 392), dropout 0.2
    score (n, 1), linear                                              probabilities (n, C), softmax

Where the paper is silent, this follows the authors' Keras code: same padding, flattening in the order height, width,
channel, Glorot-uniform kernels and zero biases, penalties on the squares of the kernels. Batch normalisation and
dropout are the code's alone: ``batch_norm=False, dropout=False`` is the network as the paper describes it.

The paper's 7,608 parameters (C = 3) count what Keras counts: the running means and variances of batch normalisation
too, four numbers for each of the 14 filters. 56 of them are not there without batch normalisation.

=============================  =============  ==================
network                        as the code    without batch norm
=============================  =============  ==================
spotting alone                 3,621          3,565
with recognition, C = 3        7,608          7,552
with recognition, C = 5        8,394          8,338
two networks apart, C = 3      8,028          7,916
=============================  =============  ==================

Needs PyTorch: import this module only where training, explaining or exporting is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Self, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from facespot.values import FloatArray

Task: TypeAlias = Literal["spotting", "recognition"]

MAP_SIZE = 42
MAP_SHAPE = (MAP_SIZE, MAP_SIZE, 3)
STREAM_FILTERS = (3, 3, 8)
HEAD_FILTERS = 8
FLAT_NODES = HEAD_FILTERS * (MAP_SIZE // 6) ** 2
STREAM_DROPOUT = 0.3
HEAD_DROPOUT = 0.2
STREAM_PENALTY = 0.001
"""Factor of the squares of the stream kernels in the loss (authors' code)."""
HEAD_PENALTY = 0.1
"""Factor of the squares of a head's convolution kernel in the loss (authors' code)."""
# Keras's defaults; its momentum 0.99 is the share of the old value, PyTorch names the share of the new one.
BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.01
_COUNTER = "num_batches_tracked"


class Stages(NamedTuple):
    """What the layers of `MEAN` hold on the way, for n samples; None where the network lacks the head.

    Parameters
    ----------
    concat : (n, 14, 14, 14) tensor
        The three pooled streams, channel-wise in the order u, v, strain; Grad-CAM looks here (section 5.4).
    spotting_flat : (n, 392) tensor or None
        Input of the score, in the order height, width, channel.
    score : (n, 1) tensor or None
        The spotting confidence score.
    recognition_concat : (n, 14, 14, 14) tensor or None
        What the recognition head reads: `concat`, except where the two networks are apart.
    recognition_flat : (n, 392) tensor or None
        Input of the logits, in the order height, width, channel.
    logits : (n, C) tensor or None
        Input of the softmax.
    probabilities : (n, C) tensor or None
        Probability of each class.
    """

    concat: Tensor
    spotting_flat: Tensor | None
    score: Tensor | None
    recognition_concat: Tensor | None
    recognition_flat: Tensor | None
    logits: Tensor | None
    probabilities: Tensor | None


class MEAN(nn.Module):
    """The network: 42x42 maps of u, v and strain in, spotting confidence score and class probabilities out.

    Parameters
    ----------
    n_classes : int
        Classes of emotions, at least 2; 0 for a network without the recognition head.
    spotting : bool
        Whether there is a spotting head.
    transfer : bool
        Whether both heads read the same streams (section 3.2). Without, each has streams of its own: the two
        independent networks of Table 9. It makes no difference where there is only one head.
    batch_norm, dropout : bool
        Whether the network has these layers (authors' code) or not (paper).
    generator : torch.Generator, optional
        Draws the initial weights; None draws from PyTorch's global generator.

    Raises
    ------
    ValueError
        If there is no head at all, or a single class.
    """

    def __init__(
        self,
        n_classes: int = 0,
        *,
        spotting: bool = True,
        transfer: bool = True,
        batch_norm: bool = True,
        dropout: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if n_classes == 1 or n_classes < 0 or not (spotting or n_classes):
            raise ValueError(f"no network has {n_classes} classes and {'a' if spotting else 'no'} spotting head")
        self.frozen = False
        self.streams = _streams(batch_norm, dropout)
        self.spotting = _Head(1, dropout) if spotting else None
        self.recognition = _Head(n_classes, dropout) if n_classes else None
        apart = spotting and n_classes > 0 and not transfer
        self.recognition_streams = _streams(batch_norm, dropout) if apart else None
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    @classmethod
    def of_weights(cls, weights: Mapping[str, FloatArray], *, dropout: bool = True) -> Self:
        """The network that some weights belong to, with them.

        Parameters
        ----------
        weights : mapping of str to float32 array
            As `weights` gives them; they tell which heads and layers there are.
        dropout : bool
            Whether the network has dropout, which no weight tells; it matters in training alone.
        """
        classes = weights.get("recognition.output.bias")
        network = cls(
            0 if classes is None else len(classes),
            spotting="spotting.output.bias" in weights,
            transfer=not any(name.startswith("recognition_streams.") for name in weights),
            batch_norm="streams.0.2.running_mean" in weights,
            dropout=dropout,
        )
        network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
        return network

    def weights(self) -> dict[str, FloatArray]:
        """Every number that Keras counts, by name: the parameters, running means and running variances."""
        named = self.state_dict()
        return {name: value.detach().cpu().numpy().copy() for name, value in named.items() if _COUNTER not in name}

    def forward(self, maps: Tensor) -> Tensor:
        """Outputs of a batch side by side: the score, where there is a spotting head, then the class probabilities.

        Parameters
        ----------
        maps : (n, 42, 42, 3) float32 tensor
            u, v and strain, scaled to [0, 1].

        Returns
        -------
        (n, 1 + C), (n, 1) or (n, C) float32 tensor
        """
        stages = self.stages(maps)
        return torch.cat([one for one in (stages.score, stages.probabilities) if one is not None], dim=1)

    def stages(self, maps: Tensor, *, recognition: bool = True) -> Stages:
        """Outputs of a batch with the values of the layers before them.

        Parameters
        ----------
        maps : (n, 42, 42, 3) float32 tensor
            As in `forward`.
        recognition : bool
            Whether the recognition is computed. In training its own streams, where it has some, keep statistics of
            what they see, so that it must not see the rows that the spotting alone learns from.
        """
        channels = maps.permute(0, 3, 1, 2).chunk(3, dim=1)
        concat = _concat(self.streams, channels)
        spotting_flat = score = recognition_concat = recognition_flat = logits = None
        if self.spotting is not None:
            spotting_flat, score = self.spotting(concat)
        if self.recognition is not None and recognition:
            apart = self.recognition_streams
            recognition_concat = concat if apart is None else _concat(apart, channels)
            recognition_flat, logits = self.recognition(recognition_concat)
        probabilities = None if logits is None else torch.softmax(logits, dim=1)
        return Stages(concat, spotting_flat, score, recognition_concat, recognition_flat, logits, probabilities)

    def parts(self, task: Task) -> tuple[nn.ModuleList, nn.Module]:
        """The streams and the head that serve one task."""
        head = self.spotting if task == "spotting" else self.recognition
        if head is None:
            raise ValueError(f"the network has no {task} head")
        apart = self.recognition_streams
        return (apart if task == "recognition" and apart is not None else self.streams), head

    def penalty(self, task: Task) -> Tensor:
        """Penalty to add to the loss of one task, authors' code: squares of the kernels that are trained for it.

        ``0.001 sum(w^2)`` of the stream kernels and ``0.1 sum(w^2)`` of the head's convolution; biases and the last
        layer have none. Frozen kernels are left out: they move no gradient.
        """
        streams, head = self.parts(task)
        factors = [(stream[0].weight, STREAM_PENALTY) for stream in streams]  # type: ignore[index]
        factors.append((head.conv.weight, HEAD_PENALTY))  # type: ignore[union-attr]
        terms = [factor * kernel.square().sum() for kernel, factor in factors if kernel.requires_grad]
        return torch.stack(terms).sum() if terms else torch.zeros(())

    def freeze_for_recognition(self) -> None:
        """Step two of the training (section 3.2): only the recognition head learns from now on.

        Streams and spotting head keep every number, the running statistics too: batch normalisation stays as it is
        when scoring. Dropout goes on in training. Where the two networks are apart, the recognition head's own streams
        learn with it.
        """
        if self.recognition is None:
            raise ValueError("the network has no recognition head")
        self.frozen = True
        for part in (self.streams, self.spotting):
            if part is not None:
                part.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Switch between training and scoring; frozen batch normalisation never trains."""
        super().train(mode)
        if self.frozen:
            for module in self.streams.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self


class _Head(nn.Module):
    """What follows the concatenated streams for one task."""

    def __init__(self, n_outputs: int, dropout: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(sum(STREAM_FILTERS), HEAD_FILTERS, kernel_size=5, padding="same")
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(HEAD_DROPOUT if dropout else 0.0)
        self.output = nn.Linear(FLAT_NODES, n_outputs)

    def forward(self, concat: Tensor) -> tuple[Tensor, Tensor]:
        flat = self.pool(torch.relu(self.conv(concat))).permute(0, 2, 3, 1).flatten(1)
        return flat, self.output(self.dropout(flat))


def _streams(batch_norm: bool, dropout: bool) -> nn.ModuleList:
    return nn.ModuleList(
        nn.Sequential(
            nn.Conv2d(1, filters, kernel_size=5, padding="same"),
            nn.ReLU(),
            nn.BatchNorm2d(filters, BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM) if batch_norm else nn.Identity(),
            nn.MaxPool2d(3),
            nn.Dropout(STREAM_DROPOUT if dropout else 0.0),
        )
        for filters in STREAM_FILTERS
    )


def _concat(streams: nn.ModuleList, channels: tuple[Tensor, ...]) -> Tensor:
    return torch.cat([stream(channel) for stream, channel in zip(streams, channels, strict=True)], dim=1)
