"""The datasheet of a re-recorded corpus: what was done to it, before what its source was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def new_datasheet(sheet: str, header: Mapping[str, Any]) -> str:
    """Datasheet of the source with a first section that says what was done to it.

    Parameters
    ----------
    sheet : str
        Markdown.
    header : mapping
        As in corpus.json of the re-recorded corpus.
    """
    title, _, rest = sheet.partition("\n")
    last, videos = header["rerecorded"][-1], header["videos"]
    changes = "".join(f", {name} {value}" for name, value in last["changes"].items())
    section = [
        f"{title}, re-recorded\n",
        f"## Re-recorded: {last['quality']}{changes}, seed {last['seed']}\n",
        "The videos of a finished corpus were resized, disturbed and coded anew as below; what follows this section "
        "describes that source. SHA-256 of its SHA256SUMS: " + str(last["source_sha256sums"]) + ". Annotated frames "
        "lie where they are nearest in time. Landmarks and action units of every frame (Parquet) and exact flow are "
        "not carried over; they hold for the source.\n",
        "| | In these videos |",
        "|---|---|",
        f"| shorter side, pixels | {_span([min(one['width'], one['height']) for one in videos])} |",
        f"| frames per second | {_span([one['fps'] for one in videos])} |",
        f"| grey | {sum(one['grey'] for one in videos)} of {len(videos)} |",
        f"| added noise, levels | {_span([one['quality']['noise'] for one in videos])} |",
        f"| gamma | {_span([one['quality']['gamma'] for one in videos])} |",
        f"| added brightness, levels | {_span([one['quality']['brightness'] for one in videos])} |",
        f"| codec | {header['format']} |",
        f"| CRF | {_span([one['quality']['crf'] for one in videos])} |",
        f"| coded twice | {sum(one['quality']['first_crf'] is not None for one in videos)} of {len(videos)} |",
        f"| share of dropped frames | {_span([one['quality']['dropped'] for one in videos])} |",
        "",
        "Made by " + ", ".join(f"{name} {number}" for name, number in last["versions"].items()) + ".",
    ]
    return "\n".join(section) + "\n" + rest


def _span(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
