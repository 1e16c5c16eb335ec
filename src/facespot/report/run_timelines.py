"""Timelines of every video of a run as SVG: scores, threshold, true and spotted intervals of both types over time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from facespot.metrics import Evaluation
from facespot.metrics.errors_by_type import duration_s
from facespot.metrics.matching import false_negatives, false_positives
from facespot.report.html import count
from facespot.report.svg import drawing, path_of, short, ticks
from facespot.report.timeline import emotion_text, seconds
from facespot.values import KINDS, Curve, Expression, Kind, Timebase, Track

HIT, FALSE_ALARM, MISSED, NOT_COUNTED = "hit", "false alarm", "missed", "not counted"
POINTS = 400
WIDTH, LEFT, RIGHT = 1000.0, 62.0, 992.0
SCORES, BAR, GAP = 52.0, 8.0, 4.0
STRIP = SCORES + 2 * (GAP + BAR)
STYLE = """
details { border-top: 1px solid var(--line); padding: .3rem 0 } summary { cursor: pointer; font-weight: 600 }
summary .note { font-weight: 400; margin-left: .6rem } figure { margin: .6rem 0 1.2rem }
figcaption { font-size: .9em; margin-bottom: .1rem } figcaption .note { margin-left: .6rem }
.key { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; font-size: .87em; padding: 0;
  margin: .5rem 0; list-style: none }
.key span { display: inline-block; width: 1.6rem; height: 9px; margin-right: .4rem }
.key .line { height: 0; border-top: 2px solid var(--soft); vertical-align: middle }
.key .dashed { border-top-style: dashed; border-top-width: 1px; border-color: var(--text) }
.key .true { border: 1.5px solid var(--text) } .key .missed { border: 1.5px dashed var(--text) }
.key .hit { background: var(--hit) } .key .false-alarm { background: var(--false);
  border: 1px solid var(--false-edge); height: 6px } .key .not-counted { border: 1px solid var(--soft) }
.timeline .score { fill: none; stroke-width: 1.3; stroke-linejoin: round; stroke-linecap: round }
.timeline .macro { stroke: var(--macro) } .timeline .micro { stroke: var(--micro) }
.timeline .threshold { stroke: var(--text); stroke-dasharray: 5 4; stroke-width: .9 }
.timeline .true { fill: none; stroke: var(--text); stroke-width: 1.2 }
.timeline .missed { fill: none; stroke: var(--text); stroke-width: 1.1; stroke-dasharray: 2 1.5 }
.timeline .cross { stroke: var(--text); stroke-width: 1.3 } .timeline .hit { fill: var(--hit) }
.timeline .false-alarm { fill: var(--false); stroke: var(--false-edge); stroke-width: .7 }
.timeline .not-counted { fill: none; stroke: var(--soft); stroke-width: .8 }
@media print { details::details-content { content-visibility: visible; display: block; height: auto } }
"""
KEY = (
    '<ul class="key"><li><span class="line"></span>smoothed score</li>'
    '{}<li><span class="true"></span>true, found</li><li><span class="missed"></span>true, missed (cross)</li>'
    '<li><span class="hit"></span>spotted, hit</li>'
    '<li><span class="false-alarm"></span>spotted, false alarm (lower bar)</li>{}</ul>'
)

Judged = list[tuple[Expression, str]]


def timelines(
    truth: Sequence[Track],
    predicted: Sequence[Track],
    evaluation: Evaluation,
    curves: Mapping[str, Sequence[Curve]],
    subjects: Mapping[str, str],
) -> str:
    """One timeline for each video, folded by subject; only the first subject is unfolded.

    Parameters
    ----------
    truth, predicted : sequence of Track
        As given to `evaluate`; a video without a predicted track has nothing spotted.
    evaluation : Evaluation
        What `evaluate` made of them.
    curves : mapping from video to curves
        Smoothed scores and threshold; a video without them shows its intervals only.
    subjects : mapping from video to subject
        A video that is not named is a subject of its own.
    """
    true = _judge(truth, Counter((hit.video, hit.truth) for hit in evaluation.matches),
                  Counter(false_negatives(truth, evaluation)), MISSED)  # fmt: skip
    spotted = _judge(predicted, Counter((hit.video, hit.predicted) for hit in evaluation.matches),
                     Counter(false_positives(predicted, evaluation)), FALSE_ALARM)  # fmt: skip
    grouped: dict[str, list[Track]] = {}
    for track in truth:
        grouped.setdefault(subjects.get(track.video, track.video), []).append(track)
    anchors = timeline_anchors(truth, subjects)
    parts: list[str] = []
    for subject in sorted(grouped):
        figures = "".join(
            _figure(track, true[track.video], spotted.get(track.video, []), curves.get(track.video, ()))
            for track in grouped[subject]
        )
        videos = [track.video for track in grouped[subject]]
        found = _tally(
            [one for video in videos for one in true[video]],
            [one for video in videos for one in spotted.get(video, [])],
        )
        parts.append(
            f"<details{'' if parts else ' open'}><summary>{escape(subject)}"
            f'<span class="note">{count(len(videos), "video")}; {found}</span></summary>\n'
            f'<div id="{anchors[subject]}">{figures}</div></details>'
        )
    everything = [state for judged in (*true.values(), *spotted.values()) for _, state in judged]
    extra = '<li><span class="not-counted"></span>not counted by the rule</li>' if NOT_COUNTED in everything else ""
    laid = any(one.threshold is not None for each in curves.values() for one in each)
    dashed = '<li><span class="line dashed"></span>threshold</li>' if laid else ""
    words = (
        "<p>Scores are normalised for each video and type: 0 is the lowest, 1 the highest smoothed score (or the "
        "threshold, where it lies beyond). Gaps are "
        "frames without a score. The time axis is in seconds and spans the whole video.</p>"
    )
    return words + KEY.format(dashed, extra) + "\n" + "\n".join(parts) if parts else ""


def timeline_anchors(truth: Sequence[Track], subjects: Mapping[str, str]) -> dict[str, str]:
    """Where on the page the timelines of each subject are."""
    names = sorted({subjects.get(track.video, track.video) for track in truth})
    return {name: f"timelines-{index}" for index, name in enumerate(names, start=1)}


def _judge(
    tracks: Sequence[Track],
    hits: Counter[tuple[str, Expression]],
    mistakes: Counter[tuple[str, Expression]],
    mistake: str,
) -> dict[str, Judged]:
    """What became of each expression, by video: of two equal ones, one hit marks one."""
    found: dict[str, Judged] = {}
    for track in tracks:
        judged = found.setdefault(track.video, [])
        for one in track.expressions:
            key, state = (track.video, one), NOT_COUNTED
            for counter, name in ((hits, HIT), (mistakes, mistake)):
                if counter[key] > 0:
                    counter[key] -= 1
                    state = name
                    break
            judged.append((one, state))
    return found


def _tally(true: Judged, spotted: Judged) -> str:
    """Such as "macro 2 of 3 found, 1 false alarm; micro 0 of 1 found"."""
    parts = []
    for kind in KINDS:
        states = [state for one, state in true if one.kind == kind]
        alarms = sum(one.kind == kind and state == FALSE_ALARM for one, state in spotted)
        words = f"{states.count(HIT)} of {len(states)} found" if states else "none true"
        parts.append(f"{kind} {words}" + (f", {count(alarms, 'false alarm')}" if alarms else ""))
    return "; ".join(parts)


def _figure(track: Track, true: Judged, spotted: Judged, curves: Sequence[Curve]) -> str:
    tally = _tally(true, spotted)
    lasts = track.timebase.duration_s
    top = f'<figure><figcaption>{escape(track.video)}<span class="note">{lasts:.1f} s; {tally}</span></figcaption>'
    if not lasts > 0:
        return f"{top}</figure>\n"
    by_kind = {curve.kind: curve for curve in curves}
    strips = []
    for index, kind in enumerate(KINDS):
        y = 4 + index * (STRIP + 12)
        of_kind = [one for one in true if one[0].kind == kind], [one for one in spotted if one[0].kind == kind]
        strips.append(_strip(track.timebase, kind, by_kind.get(kind), *of_kind, y))
    bottom = 4 + len(KINDS) * STRIP + (len(KINDS) - 1) * 12
    axis = []
    for time in ticks(lasts):
        x = short(_across(time, lasts))
        axis.append(
            f'<line class="axis" x1="{x}" x2="{x}" y1="4" y2="{short(bottom + 4)}"/>'
            f'<text class="soft" x="{x}" y="{short(bottom + 16)}" text-anchor="middle">{time:g}</text>'
        )
    axis.append(f'<text class="soft" x="0" y="{short(bottom + 16)}">seconds</text>')
    label = f"Timeline of {track.video}, {lasts:.1f} seconds: {tally}"
    return f"{top}{drawing(WIDTH, bottom + 20, label, ''.join(axis + strips), name='timeline', fill=True)}</figure>\n"


def _across(time_s: float, lasts_s: float) -> float:
    return LEFT + (RIGHT - LEFT) * time_s / lasts_s


def _strip(timebase: Timebase, kind: Kind, curve: Curve | None, true: Judged, spotted: Judged, y: float) -> str:
    """One type: the scores, below them the true intervals, below these the spotted ones."""
    base, rows = y + SCORES, (y + SCORES + GAP, y + SCORES + 2 * GAP + BAR)
    parts = [
        f'<text x="0" y="{short(y + 12)}">{kind}</text>',
        f'<text class="soft" x="{short(LEFT - 5)}" y="{short(y + 9)}" text-anchor="end">1</text>',
        f'<text class="soft" x="{short(LEFT - 5)}" y="{short(base)}" text-anchor="end">0</text>',
        f'<line class="axis" x1="{short(LEFT)}" x2="{short(RIGHT)}" y1="{short(base)}" y2="{short(base)}"/>',
        f'<text class="soft" x="0" y="{short(rows[0] + 8)}">true</text>',
        f'<text class="soft" x="0" y="{short(rows[1] + 8)}">spotted</text>',
        _score_line(timebase, curve, y) if curve is not None else "",
    ]
    if not parts[-1]:
        middle = short((LEFT + RIGHT) / 2)
        parts[-1] = f'<text class="soft" x="{middle}" y="{short(y + SCORES / 2)}" text-anchor="middle">no scores</text>'
    for row, judged in zip(rows, (true, spotted), strict=True):
        parts += [_bar(timebase, one, state, row, is_true=judged is true) for one, state in judged]
    return "".join(parts)


def _score_line(timebase: Timebase, curve: Curve, y: float) -> str:
    values = np.asarray(curve.values, dtype=np.float64)
    if not np.isfinite(values).any():
        return ""
    threshold = curve.threshold if curve.threshold is not None and math.isfinite(curve.threshold) else None
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
    span = (high - low) or 1.0
    kept, joined = thin_out(values)
    times = seconds(timebase, curve.frames[kept])
    x = LEFT + (RIGHT - LEFT) * times / timebase.duration_s
    line = path_of(x, y + SCORES * (1.0 - (values[kept] - low) / span), joined)
    drawn = f'<path class="score {curve.kind}" d="{line}"/>'
    if threshold is not None:
        at = short(y + SCORES * (1.0 - (threshold - low) / span))
        drawn += (
            f'<line class="threshold" x1="{short(LEFT)}" x2="{short(RIGHT)}" y1="{at}" y2="{at}">'
            f"<title>threshold {threshold:.4g}</title></line>"
        )
    return drawn


def thin_out(values: NDArray[np.float64], most: int = POINTS) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Choose at most `most` points of a curve that keep its shape: the lowest and highest of each stretch.

    Parameters
    ----------
    values : (n,) float64 array
        NaN where there is none.
    most : int
        Even.

    Returns
    -------
    kept : (m,) int64 array
        Indices of finite values, increasing.
    joined : (m,) bool array
        Whether every value between a point and the one before it is finite.

    >>> kept, joined = thin_out(np.array([0.0, 9.0, 1.0, 2.0, np.nan, 3.0, -5.0, 4.0]), most=4)
    >>> kept.tolist(), joined.tolist()
    ([0, 1, 6, 7], [False, True, False, True])
    """
    finite = np.isfinite(values)
    if len(values) <= most:
        kept = np.flatnonzero(finite)
    else:
        edges = np.linspace(0, len(values), most // 2 + 1).astype(np.int64)
        chosen = set()
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if finite[start:stop].any():
                chosen |= {start + int(np.nanargmin(values[start:stop])), start + int(np.nanargmax(values[start:stop]))}
        kept = np.array(sorted(chosen), dtype=np.int64)
    gaps = np.cumsum(~finite)
    joined = np.zeros(len(kept), dtype=np.bool_)
    joined[1:] = gaps[kept[1:]] == gaps[kept[:-1]]
    return kept, joined


def _bar(timebase: Timebase, one: Expression, state: str, y: float, *, is_true: bool) -> str:
    start = timebase.seconds(one.onset)
    lasts = duration_s(timebase, one)
    x = _across(start, timebase.duration_s)
    width = max(2.5, _across(start + lasts, timebase.duration_s) - x)
    height = BAR * 0.6 if state == FALSE_ALARM else BAR
    name = "true" if is_true and state == HIT else state.replace(" ", "-")
    emotion = f", {emotion_text(one)}" if one.emotion else ""
    title = escape(f"{'true' if is_true else 'spotted'}, {state}: {start:.2f} to {start + lasts:.2f} s{emotion}")
    drawn = (
        f'<rect class="{name}" x="{short(x)}" y="{short(y + BAR - height)}" width="{short(width)}" '
        f'height="{short(height)}"><title>{title}</title></rect>'
    )
    if state == MISSED:
        drawn += f'<path class="cross" d="M{short(x + width / 2 - 3)},{short(y + 1)}l6,6m0,-6l-6,6"/>'
    return drawn
