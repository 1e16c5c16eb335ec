"""Every table and figure that can be made again, by its id; loaded only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TypeAlias

from facespot.errors import SettingsError
from facespot.experiments.papers.reproduction import ReproducedFigure, Reproduction
from facespot.experiments.printed import printed_tables
from facespot.experiments.table import ReproducedTable

Maker: TypeAlias = Callable[[Reproduction], ReproducedTable | ReproducedFigure]


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the registry.

    Parameters
    ----------
    path : str
        ``module:function``.
    title : str
        What a figure shows; a table has its title in ``printed.toml``.
    """

    path: str
    title: str = ""


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "softnet:table1": Part("facespot.experiments.papers.softnet:table1"),
        "softnet:table2": Part("facespot.experiments.papers.softnet:table2"),
        "softnet:table3": Part("facespot.experiments.papers.softnet:table3"),
        "softnet:table4": Part("facespot.experiments.papers.softnet:table4"),
        "softnet:table5": Part("facespot.experiments.papers.softnet:table5"),
        "softnet:table6": Part("facespot.experiments.papers.softnet:table6"),
        "softnet:table7": Part("facespot.experiments.papers.softnet:table7"),
        "softnet:figure5": Part(
            "facespot.experiments.papers.softnet_figures:figure5", "where the network looks at the onset (Grad-CAM)"
        ),
        "softnet:figure6": Part(
            "facespot.experiments.papers.softnet_figures:figure6", "scores, thresholds and intervals of two long videos"
        ),
        **{f"mean:table{number}": Part(f"facespot.experiments.papers.mean:table{number}") for number in range(2, 11)},
        "mean:figure4": Part(
            "facespot.experiments.papers.mean_figures:figure4", "confusion matrix of the hits' emotions, short videos"
        ),
        "mean:figure5": Part(
            "facespot.experiments.papers.mean_figures:figure5", "confusion matrix of the hits' emotions, long videos"
        ),
        "mean:figure6": Part(
            "facespot.experiments.papers.mean_learning:figure6",
            "loss and accuracy of the recognition by epoch, with and without transfer",
        ),
        "mean:figure7": Part(
            "facespot.experiments.papers.mean_figures:figure7", "where both heads look, one expression per emotion"
        ),
        **{
            f"spotgcn:table{number}": Part(f"facespot.experiments.papers.spotgcn:table{number}")
            for number in range(1, 6)
        },
        "spotgcn:figure5": Part(
            "facespot.experiments.papers.spotgcn_figures:figure5",
            "frames by type in the plane of z's principal components, with and without contrastive loss",
        ),
        "spotgcn:figure6": Part(
            "facespot.experiments.papers.spotgcn_figures:figure6",
            "flow at the left corner of the mouth by strategy during a micro-expression",
        ),
        **{
            f"fesnet:table{number}": Part(f"facespot.experiments.papers.fesnet:table{number}") for number in range(1, 5)
        },
        "fesnet:figure5": Part(
            "facespot.experiments.papers.fesnet_figures:figure5", "feature maps over the face during a micro-expression"
        ),
        "fesnet:figure7": Part(
            "facespot.experiments.papers.fesnet_figures:figure7",
            "frames by type in the plane of t-SNE, features of the residual blocks and of the LSDM",
        ),
        "fesnet:figure8": Part(
            "facespot.experiments.papers.fesnet_figures:figure8",
            "segments of two videos: annotated, proposals of the LSDM, final result",
        ),
    }
)
METHODS_OF_PAPER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "softnet": ("softnet", "strain"),
        "mean": ("mean",),
        "spotgcn": ("spotgcn", "softnet"),
        "fesnet": ("fesnet", "spotgcn", "softnet", "strain"),
    }
)
"""The methods that a paper's tables run; a setting of any of them may be changed."""


def titles() -> dict[str, str]:
    """What each id shows."""
    printed = printed_tables()
    return {name: part.title or printed[name].title for name, part in PARTS.items()}


def maker(part_id: str) -> Maker:
    """The function that makes a table or figure.

    Raises
    ------
    SettingsError
        If there is no such id.
    """
    if part_id not in PARTS:
        raise SettingsError("reproduce", f"there is no table or figure {part_id!r}", f"choose from {', '.join(PARTS)}")
    module, _, name = PARTS[part_id].path.partition(":")
    found: Maker = getattr(import_module(module), name)
    return found
