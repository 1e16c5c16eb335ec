"""The files of one result: table, document and raw scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facespot.export.document import format_document, result_document
from facespot.export.table import format_table
from facespot.values import Result, Scores


def write_result(result: Result, folder: Path) -> None:
    """Write ``expressions.csv``, ``expressions.json`` and ``scores.npz`` into an existing folder."""
    (folder / "expressions.csv").write_text(format_table([result.track]), encoding="utf-8", newline="")
    document = format_document(result_document(result))
    (folder / "expressions.json").write_text(document, encoding="utf-8", newline="")
    write_scores(result.scores, folder / "scores.npz")


def write_scores(scores: Scores, path: Path) -> None:
    """Raw scores: ``values`` and ``valid`` (n, c), ``frames`` (n,), ``channels`` (c,) and ``fps``, never pickled."""
    np.savez(
        path,
        allow_pickle=False,
        values=scores.values,
        valid=scores.valid,
        frames=scores.frames,
        channels=np.array(scores.channels),
        fps=np.float64(scores.fps),
    )
