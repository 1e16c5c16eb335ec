"""What the network says to scores, and scores to expressions with apex, emotion and action units.

Channels of the scores: ``macro`` and ``micro``, sqrt(P(type) * P(middle of an expression)); ``onset_s`` and
``offset_s``, seconds to both ends; ``apex``, ``onset`` and ``offset``, their probabilities; ``emotion/NAME`` and
``au/NUMBER``, probabilities that hold where there is an expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facespot.intervals import relative_threshold, runs
from facespot.methods.regiontcn.calibration import Calibrations, Points
from facespot.methods.regiontcn.config import RegiontcnConfig
from facespot.methods.regiontcn.outputs import ACTION_UNITS, EMOTIONS, N_OUTPUTS, SLICES
from facespot.values import (
    EMOTION_CHANNEL,
    KINDS,
    BoolArray,
    Curve,
    Expression,
    Features,
    FloatArray,
    IntArray,
    Kind,
    Scores,
    Track,
)

UNIT_S = 0.25
"""An output of 1 after the softplus is so many seconds."""
ACTION_UNIT_CHANNEL = "au/"
UNCERTAIN = "uncertain"
FEWEST_ROWS_SEARCHED = 2
LEAST_BOUNDARY = 0.1
_LEAST_PROBABILITY = 1e-9


def scores_of_outputs(
    outputs: FloatArray,
    features: Features,
    kinds: Sequence[Kind],
    classes: Sequence[str] = EMOTIONS,
    action_units: Sequence[int] = ACTION_UNITS,
) -> Scores:
    """Scores of a video from what the network says of each row.

    Parameters
    ----------
    outputs : (n, N_OUTPUTS) float32 array
    features : Features
        The rows; those that are not valid have no scores.
    kinds : sequence of {"macro", "micro"}
        Types to give.
    classes, action_units : sequence
        Emotions and action units to give, some of `outputs.EMOTIONS` and `outputs.ACTION_UNITS`; the probabilities of
        the former add up to 1.
    """
    if outputs.shape != (len(features.frames), N_OUTPUTS):
        raise ValueError(f"outputs of shape {outputs.shape}, not ({len(features.frames)}, {N_OUTPUTS})")
    of = {name: outputs[:, place].astype(np.float64) for name, place in SLICES.items()}
    types, centre = _softmax(of["type"]), _sigmoid(of["centre"])[:, 0]
    distances = np.logaddexp(0.0, of["distance"]) * UNIT_S
    columns = {str(kind): np.sqrt(types[:, 1 + KINDS.index(kind)] * centre) for kind in KINDS if kind in kinds}
    columns |= {
        "onset_s": distances[:, 0],
        "offset_s": distances[:, 1],
    }
    columns |= {name: _sigmoid(of[name])[:, 0] for name in ("apex", "onset", "offset")}
    if classes:
        emotions = _softmax(of["emotion"][:, [EMOTIONS.index(name) for name in classes]])
        columns |= {f"{EMOTION_CHANNEL}{name}": emotions[:, place] for place, name in enumerate(classes)}
    units = _sigmoid(of["action_unit"])
    columns |= {f"{ACTION_UNIT_CHANNEL}{unit}": units[:, ACTION_UNITS.index(unit)] for unit in action_units}
    values = np.stack(list(columns.values()), axis=1).astype(np.float32)
    values[~features.valid] = np.nan
    return Scores(
        features.video, features.timebase, tuple(columns), values, features.frames, np.isfinite(values), features.fps
    )


@dataclass(frozen=True, eq=False)
class Proposals:
    """Possible expressions of both types, the highest score first; no two overlap by much.

    Parameters
    ----------
    kinds : (m,) int64 array
        Places in `KINDS`.
    rows : (m,) int64 array
        Row that proposed each.
    bounds : (m, 2) float64 array
        Onset and offset in rows and parts of them, onset <= row <= offset; all rows between them are valid.
    scores : (m,) float64 array
        Before they are calibrated.
    """

    kinds: IntArray
    rows: IntArray
    bounds: NDArray[np.float64]
    scores: NDArray[np.float64]


def proposals(scores: Scores, config: RegiontcnConfig) -> Proposals:
    """Every row proposes an interval of each type; of those that overlap the one with the highest score stays.

    An interval ends at the first row that is not valid.
    """
    kinds = [kind for kind in KINDS if kind in scores.channels]
    valid = scores.channel("apex")[1]
    before, after = (np.nan_to_num(scores.channel(name)[0]).astype(np.float64) for name in ("onset_s", "offset_s"))
    n_rows = np.arange(len(valid))
    spans = np.stack([n_rows - before * scores.fps, n_rows + after * scores.fps], axis=1)
    values = np.concatenate([np.nan_to_num(scores.channel(kind)[0]).astype(np.float64) for kind in kinds])
    places = np.repeat([KINDS.index(kind) for kind in kinds], len(valid))
    rows = np.tile(n_rows, len(kinds))
    some = np.flatnonzero(values > config.least_score)
    some = some[np.argsort(-values[some], kind="stable")]
    kept = some[suppressed(spans[rows[some]], config.overlap)]
    limits = _runs_of(valid)[rows[kept]]
    bounds = np.clip(spans[rows[kept]], limits[:, :1], limits[:, 1:])
    maps = [np.nan_to_num(scores.channel(name)[0]).astype(np.float64) for name in ("onset", "offset")]
    bounds = refined(bounds, rows[kept], maps, config.boundary_search)
    return Proposals(places[kept], rows[kept], bounds, values[kept])


def refined(
    bounds: NDArray[np.float64], rows: IntArray, maps: Sequence[NDArray[np.float64]], search: float
) -> NDArray[np.float64]:
    """Onsets and offsets moved to where the maps have them, for a row in the middle tells the ends by a guess.

    Each becomes the mean of the rows near it, weighted by the square of the probability that it is there, and less the
    farther they are; where no row near it has a probability of 0.1 it stays.

    Parameters
    ----------
    bounds : (m, 2) float64 array
        Onsets and offsets in rows.
    rows : (m,) int64 array
        A row inside each interval, which stays inside.
    maps : two (n,) float64 arrays
        Probability of each row to be an onset, and an offset; 0 where it is unknown.
    search : float
        How far from each end is looked, as a share of the length, at least 2 rows; 0 changes nothing.
    """
    moved = bounds.copy()
    if search == 0:
        return moved
    for number, (first, last) in enumerate(bounds.tolist()):
        reach = max(FEWEST_ROWS_SEARCHED, search * (last - first + 1))
        for side, (place, probabilities) in enumerate(zip((first, last), maps, strict=True)):
            low, high = max(0, round(place - reach)), min(len(probabilities) - 1, round(place + reach))
            near = np.arange(low, high + 1)
            found = probabilities[low : high + 1]
            if len(found) and found.max() >= LEAST_BOUNDARY:
                weights = found**2 * np.exp(-0.5 * ((near - place) / (reach / 1.5)) ** 2)
                moved[number, side] = weights @ near / weights.sum()
    return np.stack([np.minimum(moved[:, 0], rows), np.maximum(moved[:, 1], rows)], axis=1)


def suppressed(bounds: NDArray[np.float64], overlap: float) -> IntArray:
    """Which intervals stay: one after the other, each drops those after it that overlap it by more than `overlap`.

    Parameters
    ----------
    bounds : (m, 2) float64 array
        First and last row, both included, the best interval first.
    overlap : float
        Largest intersection over union of two that stay.

    >>> suppressed(np.array([[2.0, 11.0], [0.0, 9.0], [8.0, 20.0]]), 0.5)
    array([0, 2])
    """
    first, last = np.asarray(bounds, dtype=np.float64).reshape(-1, 2).T
    lengths = last - first + 1
    left, kept = np.arange(len(first)), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        shared = np.minimum(last[left], last[best]) - np.maximum(first[left], first[best]) + 1
        # Of intervals that lie apart this is 0 or less, and so is the ratio.
        left = left[shared / (lengths[left] + lengths[best] - shared) <= overlap]
    return np.array(kept, dtype=np.int64)


def _runs_of(valid: BoolArray) -> IntArray:
    """First and last row of the run of valid rows that each valid row is in; (n, 2)."""
    limits = np.zeros((len(valid), 2), dtype=np.int64)
    for start, stop in runs(valid):
        limits[start:stop] = start, stop - 1
    return limits


def curves(scores: Scores, config: RegiontcnConfig, calibrations: Calibrations, points: Points) -> tuple[Curve, ...]:
    """Probability of each type in each row, and what that of an expression must reach."""
    found = []
    for kind in KINDS:
        if kind in scores.channels:
            values = calibrations[kind].probability(scores.channel(kind)[0])
            threshold: float | None = config.threshold(kind)
            if config.rule == "paper":
                threshold = relative_threshold(values, config.p)
            elif threshold is None:
                threshold = points[kind][config.sensitivity].threshold
            threshold = threshold if np.isfinite(values).any() else None
            found.append(Curve(kind, scores.frames, values.astype(np.float32), threshold))
    return tuple(found)


def decode(scores: Scores, config: RegiontcnConfig, calibrations: Calibrations, points: Points) -> Track:
    """Proposals whose probability reaches the threshold of their type, with apex, emotion and action units.

    The apex is the row of the highest apex probability within the interval.
    """
    thresholds = {curve.kind: curve.threshold for curve in curves(scores, config, calibrations, points)}
    found, apex = proposals(scores, config), scores.channel("apex")[0]
    expressions = []
    for place, bounds, score in zip(found.kinds.tolist(), found.bounds, found.scores, strict=True):
        kind = KINDS[place]
        probability, threshold = float(calibrations[kind].probability(score)), thresholds[kind]
        if threshold is None or probability < threshold:
            continue
        first, last = (int(row) for row in np.rint(bounds))
        onset, offset = frames_at(bounds, scores.frames)
        at = int(scores.frames[first + int(apex[first : last + 1].argmax())])
        one = Expression(onset, min(max(at, onset), offset), offset, kind, score=probability)
        expressions.append(replace(one, action_units=_action_units(scores, one, config)))
    return name_emotions(scores, Track(scores.video, scores.timebase, tuple(expressions)), config)


def frames_at(rows: NDArray[np.float64], frames: IntArray) -> list[int]:
    """Source frames of places between rows, the nearest ones.

    >>> frames_at(np.array([0.0, 0.4, 1.5]), np.array([10, 12, 14]))
    [10, 11, 13]
    """
    places = np.interp(rows, np.arange(len(frames)), frames)
    return [int(frame) for frame in np.floor(places + 0.5)]


def name_emotions(scores: Scores, track: Track, config: RegiontcnConfig) -> Track:
    """The expressions with their emotion, whoever spotted them; one without a row that has scores stays as it is.

    The emotion is that of the highest mean log-probability over the interval, its rows weighted by their probability to
    be the apex; "uncertain" where its own probability, all of them brought to a sum of 1, is below `uncertain_below`.
    """
    columns = [index for index, name in enumerate(scores.channels) if name.startswith(EMOTION_CHANNEL)]
    named = []
    for one in track.expressions:
        weights = _weights(scores, one, columns)
        if weights.any():
            logarithms = np.log(np.maximum(scores.values[:, columns][weights > 0], _LEAST_PROBABILITY))
            means = _softmax(weights[weights > 0] @ logarithms.astype(np.float64))
            best = int(means.argmax())
            probability = float(means[best])
            name = scores.channels[columns[best]].removeprefix(EMOTION_CHANNEL)
            name = UNCERTAIN if probability < config.uncertain_below else name
            one = replace(one, emotion=name, emotion_probability=min(probability, 1.0))
        named.append(one)
    return replace(track, expressions=tuple(named))


def _action_units(scores: Scores, one: Expression, config: RegiontcnConfig) -> tuple[str, ...]:
    columns = [index for index, name in enumerate(scores.channels) if name.startswith(ACTION_UNIT_CHANNEL)]
    weights = _weights(scores, one, columns)
    means = weights[weights > 0] @ scores.values[:, columns][weights > 0].astype(np.float64)
    units = [int(scores.channels[index].removeprefix(ACTION_UNIT_CHANNEL)) for index in columns]
    return tuple(str(unit) for unit, mean in sorted(zip(units, means, strict=True))
                 if mean >= config.action_unit_threshold)  # fmt: skip


def _weights(scores: Scores, one: Expression, columns: Sequence[int]) -> NDArray[np.float64]:
    """How much each row counts for an expression: 0 outside it and where a column has no value, in all 1 or 0."""
    frames = scores.frames
    start, stop = np.searchsorted(frames, one.onset), np.searchsorted(frames, one.offset, side="right")
    if start == stop and 0 < start < len(frames):
        start -= 1
    weights = np.zeros(len(frames))
    apex, known = scores.channel("apex")
    part = slice(int(start), int(stop))
    usable = known[part] & scores.valid[part][:, columns].all(axis=1) if columns else np.zeros(stop - start, dtype=bool)
    weights[part][usable] = np.maximum(apex[part][usable], _LEAST_PROBABILITY)
    total = weights.sum()
    return weights / total if total > 0 else weights


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    # Less the highest of each row, no exponential overflows.
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-np.logaddexp(0.0, -logits)))
