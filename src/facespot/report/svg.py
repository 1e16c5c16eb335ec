"""Small drawings for HTML pages: every one is named for those who do not see it."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from facespot.report.html import Markup


def drawing(width: float, height: float, label: str, content: str, *, name: str = "", fill: bool = False) -> str:
    """An SVG picture.

    Parameters
    ----------
    width, height : float
        Size in pixels.
    label : str
        What it shows, in words.
    content : str
        Its elements.
    name : str
        Class for the style.
    fill : bool
        Whether it takes the whole width of the page instead of its own.
    """
    kind = f' class="{name}"' if name else ""
    size = 'width="100%"' if fill else f'width="{width:g}" height="{height:g}"'
    return (
        f'<svg{kind} {size} viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}">{content}</svg>'
    )


def share_bar(share: float, label: str, *, width: float = 48) -> str:
    """A bar of which a share in 0..1 is filled; nothing where there is no share."""
    if math.isnan(share):
        return Markup("")
    filled = f'<rect class="share" width="{short(width * share)}" height="8" rx="1"/>' if share > 0 else ""
    whole = f'<rect class="whole" width="{width:g}" height="8" rx="1"/>'
    return Markup(drawing(width, 8, label, whole + filled, name="bar"))


def ticks(last: float, *, most: int = 10) -> list[float]:
    """Round numbers from 0 to at most `last`, no more than `most` steps apart.

    >>> ticks(47.0, most=5)
    [0.0, 10.0, 20.0, 30.0, 40.0]
    """
    if not last > 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(last / most))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if last / (factor * power) <= most)
    return [float(f"{index * step:.12g}") for index in range(int(last / step + 1e-9) + 1)]


def short(value: float) -> str:
    """A coordinate with at most one decimal.

    >>> short(3.0), short(3.14), short(-0.01)
    ('3', '3.1', '0')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def path_of(x: np.ndarray, y: np.ndarray, joined: np.ndarray) -> str:
    """Data of an SVG path.

    Parameters
    ----------
    x, y : (n,) arrays
        Finite coordinates.
    joined : (n,) bool array
        Whether a line leads to the point from the one before it.
    """
    parts = []
    for index, (across, down) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        if index and joined[index]:
            parts.append(f" {short(across)},{short(down)}")
        else:
            # The line of no length shows a point that stands alone.
            parts.append(f"M{short(across)},{short(down)}h0L{short(across)},{short(down)}")
    return "".join(parts)
