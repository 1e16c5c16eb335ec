"""What the backbones share: their way from motion maps to a score, and their initial weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Share of each batch in the running statistics of batch normalisation. Keras has 0.01 in its ResNets and 0.001 in its
# MobileNetV2; with the latter the initial statistics still count after the few thousand steps of a fold.
MOMENTUM = 0.01


class Backbone(nn.Module):
    """Maps of u, v and strain in, one spotting confidence score out, as `SOFTNet`.

    Parameters
    ----------
    convolutions : nn.Module
        (n, 3, 42, 42) in, maps of any size out.
    n_features : int
        Numbers in the flattened maps.
    generator : torch.Generator, optional
        Draws the initial weights; None draws from PyTorch's global generator.
    """

    def __init__(self, convolutions: nn.Module, n_features: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.convolutions = convolutions
        self.score = nn.Linear(n_features, 1)
        for module in convolutions.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.xavier_uniform_(self.score.weight, generator=generator)
        nn.init.zeros_(self.score.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """Scores of a batch.

        Parameters
        ----------
        maps : (n, 42, 42, 3) float32 tensor
            u, v and strain, each scaled to [0, 1] per map.

        Returns
        -------
        (n, 1) float32 tensor
        """
        scores: Tensor = self.score(self.convolutions(maps.permute(0, 3, 1, 2)).flatten(1))
        return scores
