"""What the network says of each row, in the order of its outputs; and the emotions and action units that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EMOTIONS = ("happiness", "disgust", "surprise", "anger", "sadness", "fear", "contempt", "others")
"""The seven basic emotions, and action units that show none of them."""
ACTION_UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26)
SIZES: Mapping[str, int] = MappingProxyType(
    {
        "type": 3,  # logits of none, macro, micro
        "distance": 2,  # to onset and offset, see `decoding.distances_s`
        "centre": 1,  # logits: middle of an expression
        "apex": 1,
        "onset": 1,
        "offset": 1,
        "emotion": len(EMOTIONS),
        "action_unit": len(ACTION_UNITS),
    }
)
N_OUTPUTS = sum(SIZES.values())


def _slices() -> dict[str, slice]:
    slices, start = {}, 0
    for name, size in SIZES.items():
        slices[name] = slice(start, start + size)
        start += size
    return slices


SLICES: Mapping[str, slice] = MappingProxyType(_slices())
"""Where each of them lies among the outputs."""
