"""The files of one result: table, document and raw scores."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from facespot.errors import FormatError
from facespot.export.document import format_document, result_document
from facespot.export.table import format_table
from facespot.values import Result, Scores, Timebase


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


def read_scores(path: Path, video: str, timebase: Timebase) -> Scores:
    """Read what `write_scores` wrote.

    Parameters
    ----------
    path : Path
    video : str
        Name of the video.
    timebase : Timebase
        Frames and seconds of the video.

    Raises
    ------
    FormatError
        If it is no file of scores.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            return Scores(
                video,
                timebase,
                tuple(content["channels"].tolist()),
                content["values"],
                content["frames"],
                content["valid"],
                float(content["fps"]),
            )
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise FormatError(str(path), f"it holds no scores ({error})", "spot the video again") from error
