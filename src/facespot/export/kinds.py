"""What files of other programs call the two types of expression."""

from __future__ import annotations

import re

from facespot.values import Kind

_NAMES = re.compile(r"(?P<kind>macro|micro)[\s_-]*(expressions?)?(\s*-\s*[0-9/]+)?", re.IGNORECASE)
_SHORT_NAMES: dict[str, Kind] = {"mae": "macro", "me": "micro"}


def parse_kind(text: str) -> Kind | None:
    """Type that a word stands for; None where it stands for neither.

    >>> [parse_kind(text) for text in ("Macro", "micro-expression", "Micro - 1/2", "mae", "blink")]
    ['macro', 'micro', 'micro', 'macro', None]
    """
    text = text.strip()
    found = _NAMES.fullmatch(text)
    if found is None:
        return _SHORT_NAMES.get(text.lower())
    return "macro" if found["kind"].lower() == "macro" else "micro"
