"""SpoT-GCN's figures 5 and 6: what the contrastive loss does to z, and what the sliding windows do to the flow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facespot.experiments.papers.reproduction import ReproducedFigure, Reproduction
from facespot.experiments.papers.spotgcn_representation import (
    MOST_PER_TYPE,
    DrawnFrames,
    draw_frames,
    principal_components,
    representations,
    separation,
    shown_fold,
)
from facespot.experiments.papers.spotgcn_strategies import (
    LARGE_WINDOW_S,
    MOST_CANDIDATES,
    MotionAround,
    middle_of,
    motion_around,
    shown_expression,
)
from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.report.motion_traces import MotionTrace, ShadedInterval, write_motion_traces
from facespot.report.scatter import ScatterPanel, write_scatter
from facespot.values import Recording

CORPORA = {"samm_lv": "SAMM-LV", "cas_me_2": "CAS(ME)2"}
COMPARED = (("macro", "micro"), ("normal", "micro"))
LOSSES = ("without", "with")


def figure5(reproduction: Reproduction) -> ReproducedFigure:
    """Test frames of one fold in the plane of the principal components of z, with and without contrastive loss."""
    outcomes = (reproduction.run("spotgcn", contrastive_weight=0.0), reproduction.run("spotgcn"))
    fold, n_micro = shown_fold(*outcomes)
    drawn = draw_frames(outcomes, fold, seed=reproduction.plan.seed)
    represented = [representations(outcome, fold, drawn, reproduction) for outcome in outcomes]
    by_loss = dict(zip(LOSSES, represented, strict=True))
    found = {(names, loss): _values_of(names, drawn, z) for names in COMPARED for loss, z in by_loss.items()}
    path = reproduction.picture("spotgcn:figure5")
    letters = iter("abcd")
    write_scatter([_panel(next(letters), names, loss, values) for (names, loss), values in found.items()], path)
    config: SpotgcnConfig = outcomes[1].folds[0].method("spotgcn").config
    separations = "; ".join(
        f"{names[0]} and {names[1]} frames "
        + ", ".join(f"{_number(separation(*found[names, loss].values()))} {loss}" for loss in LOSSES)
        for names in COMPARED
    )
    counts = ", ".join(f"{len(rows)} of {drawn.available[name]} {name}" for name, rows in drawn.by_type().items())
    notes = [
        f"{fold} is shown, of the folds the one with the most micro-expression frames that have a window ({n_micro}); "
        f"its networks had not seen them",
        f"drawn by seed {reproduction.plan.seed}, at most {MOST_PER_TYPE} of each type, the same frames for both runs: "
        f"{counts}",
        f"separation is the variance between the two types over that within them, in all values of z, both types "
        f"counting the same: {separations} contrastive loss",
        "z has length 1, as that loss sees it, in both runs" if config.normalised else "z is not normalised",
        "each panel shows principal components of its own frames",
        "the paper does not say of which data set its figure is",
    ]
    title = "SpoT-GCN, Figure 5: test frames by type in the plane of z's principal components"
    return reproduction.figure("spotgcn:figure5", title, CORPORA, outcomes[1], paths=[path], notes=notes)


def _values_of(
    names: tuple[str, ...], drawn: DrawnFrames, represented: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    rows = drawn.by_type()
    return {name: represented[rows[name]] for name in names}


def _panel(letter: str, names: tuple[str, str], loss: str, values: Mapping[str, NDArray[np.float64]]) -> ScatterPanel:
    first, second = (values[name] for name in names)
    places, shares = principal_components(np.concatenate([first, second]))
    points = dict(zip(names, np.split(places, [len(first)]), strict=True))
    counts = " and ".join(f"{len(values[name])} {name}" for name in names) + " frames"
    return ScatterPanel(
        f"({letter}) {names[0]} and {names[1]}, {loss} contrastive loss",
        f"{counts}; separation {_number(separation(first, second))}",
        points,
        (f"PC 1 ({100 * shares[0]:.0f} % of variance)", f"PC 2 ({100 * shares[1]:.0f} % of variance)"),
    )


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "unknown"


def figure6(reproduction: Reproduction) -> ReproducedFigure:
    """Vertical flow at a corner of the mouth during a micro-expression, by three strategies."""
    outcome = reproduction.run("spotgcn")
    recording, shown = shown_expression(outcome, reproduction)
    motion = motion_around(outcome, recording, shown, reproduction)
    path = reproduction.picture("spotgcn:figure6")
    origin = recording.timebase.seconds(middle_of(shown))
    place = f"frames {shown.onset} to {shown.offset}"
    units = f"AU {'+'.join(shown.action_units)}, " if shown.action_units else ""
    apex = {} if shown.apex is None else {"apex": 0.0}
    marks = {
        "onset": recording.timebase.seconds(shown.onset) - origin,
        **apex,
        "offset": recording.timebase.seconds(shown.offset) - origin,
    }
    write_motion_traces(
        [MotionTrace(one.name, one.figures("px"), one.values) for one in motion.strategies],
        motion.times_s - origin,
        path,
        heading=f"{recording.id}, micro-expression, {units}{place}; one scale for all panels",
        labels=(f"seconds from the {'apex' if apex else 'middle'}", "vertical flow, pixels\nof a 128-pixel face"),
        marks=marks,
        intervals=_intervals(recording, motion.times_s, origin),
        most=_scale(motion),
    )
    chosen = "of the named videos" if reproduction.videos else "in the order of the corpus"
    notes = [
        f"the left corner of the mouth in the image, landmark 48; down is positive, the head's motion is removed; "
        f"of the first {MOST_CANDIDATES} micro-expressions {chosen}, the one with the largest flow by strategy (b)",
        "(b) is what the window around a frame holds of it: the flow from the first frame of the window",
        f"(c) the paper gives no size of its large window: ours is {LARGE_WINDOW_S:g} s",
        *(f"{one.name}: {one.figures('pixels')}" for one in motion.strategies),
        "largest: of the absolute flow in the expression; noise: standard deviation of the flow between two frames "
        "that are both outside all expressions",
    ]
    title = "SpoT-GCN, Figure 6: optical flow of a micro-expression computed by three strategies"
    printed = {"samm_lv": CORPORA["samm_lv"]}
    return reproduction.figure("spotgcn:figure6", title, printed, outcome, paths=[path], notes=notes)


def _intervals(recording: Recording, times_s: NDArray[np.float64], origin_s: float) -> list[ShadedInterval]:
    """True expressions that reach into the picture, in its time."""
    timebase = recording.timebase
    spans = [
        (timebase.seconds(one.onset), timebase.seconds(one.offset) + 1 / timebase.fps, one.kind)
        for one in recording.truth.expressions
    ]
    return [
        ShadedInterval(max(begin, times_s[0]) - origin_s, min(end, times_s[-1]) - origin_s, kind)
        for begin, end, kind in spans
        if begin < times_s[-1] and end > times_s[0]
    ]


def _scale(motion: MotionAround) -> float:
    """Twice what is largest in the expression, so that a moving head does not flatten it, or less where that is all."""
    inside = [one.largest for one in motion.strategies if np.isfinite(one.largest)]
    whole = max(np.max(np.abs(one.values), initial=0.0, where=np.isfinite(one.values)) for one in motion.strategies)
    return float(min(2 * max(inside, default=np.inf), 1.08 * whole)) or 1.0
