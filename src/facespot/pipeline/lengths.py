"""Whether a video is long enough for what is asked of it, and has enough frames per second."""

from __future__ import annotations

from facespot.errors import TooShortError
from facespot.faces.quality_rule import LEAST_FPS, too_slow_for_micro
from facespot.features.pair_stream import row_distance
from facespot.methods import Method, Recognizer
from facespot.values import KINDS, Kind
from facespot.video import Selection, Video


def kinds_that_fit(method: Method, video: Video, selection: Selection) -> tuple[tuple[Kind, ...], tuple[str, ...]]:
    """Types for which the selection is long and fast enough, and a note on each one for which it is not.

    Raises
    ------
    TooShortError
        If there is none.
    """
    n_rows, fps = len(selection.frames), selection.fps
    planned = [kind for kind in KINDS if kind in method.plan()]
    notes: tuple[str, ...] = ()
    if is_too_slow(method, selection):
        planned.remove("micro")
        if not planned:
            raise too_slow(video, selection, method)
        rates = f"{fps:.4g} frames per second, {LEAST_FPS:g} are needed"
        notes = (f"too slow for micro-expressions: {rates}; none was looked for",)
    needed = {kind: method.rows_needed(kind, fps) for kind in planned}
    fitting = tuple(kind for kind in planned if n_rows >= needed[kind])
    if not fitting:
        raise too_short(video, selection, method, min(needed.values()))
    return fitting, notes + tuple(
        f"too short for {kind}-expressions: {n_rows} frames, {needed[kind]} are needed; none was looked for"
        for kind in planned
        if kind not in fitting
    )


def is_too_slow(method: Method, selection: Selection) -> bool:
    """Whether the method looks for micro-expressions and the selection has too few frames per second for them."""
    return "micro" in method.plan() and too_slow_for_micro(selection.fps)


def rows_to_recognize(recognizer: Recognizer, selection: Selection) -> int:
    """Fewest rows of video with a row of features."""
    return 1 + max(row_distance(spec, selection.fps) for spec in recognizer.plan().values())


def too_short(video: Video, selection: Selection, method: Method | Recognizer, fewest: int) -> TooShortError:
    """The error of a selection with fewer frames than the method needs."""
    n_rows, fps = len(selection.frames), selection.fps
    what = f"it has only {n_rows} frame{'' if n_rows == 1 else 's'} at {fps:g} per second"
    remedy = f"the method {method.name!r} needs at least {fewest} frames ({fewest / fps:.2f} s)"
    return TooShortError(video.name, what, remedy)


def too_slow(video: Video, selection: Selection, method: Method) -> TooShortError:
    """The error of a selection with too few frames per second for a method that looks for micro-expressions alone."""
    recorded = too_slow_for_micro(video.timebase.fps)
    has = "it has" if recorded else "it is read at"
    what = f"{has} {selection.fps:.4g} frames per second, and micro-expressions need {LEAST_FPS:g}"
    remedy = f"use a video of {LEAST_FPS:g} or more" if recorded else "leave out --fps"
    return TooShortError(video.name, what, f"{remedy}; the method {method.name!r} looks for nothing else")
