"""Whether a video is long enough for what is asked of it."""

from __future__ import annotations

from facespot.errors import TooShortError
from facespot.features.pair_stream import row_distance
from facespot.methods import Method, Recognizer
from facespot.values import KINDS, Kind
from facespot.video import Selection, Video


def kinds_that_fit(method: Method, video: Video, selection: Selection) -> tuple[tuple[Kind, ...], tuple[str, ...]]:
    """Types for which the selection is long enough, and a note on each one for which it is not.

    Raises
    ------
    TooShortError
        If it is long enough for none.
    """
    n_rows, fps = len(selection.frames), selection.fps
    planned = [kind for kind in KINDS if kind in method.plan()]
    needed = {kind: method.rows_needed(kind, fps) for kind in planned}
    fitting = tuple(kind for kind in planned if n_rows >= needed[kind])
    if not fitting:
        raise too_short(video, selection, method, min(needed.values()))
    return fitting, tuple(
        f"too short for {kind}-expressions: {n_rows} frames, {needed[kind]} are needed; none was looked for"
        for kind in planned
        if kind not in fitting
    )


def rows_to_recognize(recognizer: Recognizer, selection: Selection) -> int:
    """Fewest rows of video with a row of features."""
    return 1 + max(row_distance(spec, selection.fps) for spec in recognizer.plan().values())


def too_short(video: Video, selection: Selection, method: Method | Recognizer, fewest: int) -> TooShortError:
    """The error of a selection with fewer frames than the method needs."""
    n_rows, fps = len(selection.frames), selection.fps
    what = f"it has only {n_rows} frame{'' if n_rows == 1 else 's'} at {fps:g} per second"
    remedy = f"the method {method.name!r} needs at least {fewest} frames ({fewest / fps:.2f} s)"
    return TooShortError(video.name, what, remedy)
