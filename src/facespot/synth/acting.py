"""Events go in, the pose of any moment and the exact truth come out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from facespot.synth.distractors import Distractor, Draft, Place, ease
from facespot.synth.distributions import VISIBLE_AMPLITUDE
from facespot.synth.emotions import ACTION_SHAPES, UnitAction, add_weights, add_wrinkles
from facespot.synth.source import REST, FaceSource, Pose
from facespot.values import Expression, Kind

HOLD_SLACK = 0.10
"""The hold slackens by this share, so that the apex is one moment."""
FULL_INTENSITY = 5.0
"""Action units are given on FACS's five grades: 0 none, 1 trace (A), 5 maximum (E); `strength` 1 is 5."""


@dataclass(frozen=True)
class ActedExpression:
    """One expression of a script.

    Parameters
    ----------
    kind : {"macro", "micro"}
    emotion : str
        Key of `facespot.synth.emotions.EMOTIONS`.
    actions : tuple of UnitAction
        At the apex, the strongest at most 1; `fitted` scales them.
    start_s : float
        When the motion becomes visible.
    duration_s : float
        How long it is visible.
    amplitude : float or None
        Largest facial motion as a share of the eye distance, for which the actions are scaled; None leaves them.
    rise, hold, fall : float
        Relative lengths of the three phases, as drawn; only their ratio counts until it is fitted.
    skew : float
        Exponent on the time of the rise, 1 for none: above it the motion starts slowly and ends fast.
    """

    kind: Kind
    emotion: str
    actions: tuple[UnitAction, ...]
    start_s: float
    duration_s: float
    amplitude: float | None = None
    rise: float = 0.35
    hold: float = 0.25
    fall: float = 0.40
    skew: float = 1.0

    @property
    def end_s(self) -> float:
        """When the motion stops being visible."""
        return self.start_s + self.duration_s


@dataclass(frozen=True)
class Fitted:
    """An expression fitted to a face: `expression.actions` scaled, its phases in seconds.

    The motion begins at `begin_s`, before it can be seen, and ends after `span_s`.
    """

    expression: ActedExpression
    begin_s: float
    rise_s: float
    hold_s: float
    fall_s: float

    @property
    def span_s(self) -> float:
        """Whole length with the latest action unit."""
        longest = max(ACTION_SHAPES[one.unit].lag for one in self.expression.actions)
        return self.rise_s * (1.0 + longest) + self.hold_s + self.fall_s

    def level(self, time_s: float, lag: float = 0.0) -> float:
        """0 before and after, 1 at the apex of an action that comes later by a share `lag` of the rise."""
        t = time_s - self.begin_s - lag * self.rise_s
        if t <= 0.0 or t >= self.rise_s + self.hold_s + self.fall_s:
            return 0.0
        if t < self.rise_s:
            return ease((t / self.rise_s) ** self.expression.skew)
        slack = HOLD_SLACK if self.hold_s > 0 else 0.0
        if t < self.rise_s + self.hold_s:
            return 1.0 - slack * (t - self.rise_s) / self.hold_s
        return (1.0 - slack) * (1.0 - ease((t - self.rise_s - self.hold_s) / self.fall_s))

    def levels(self, time_s: float) -> list[tuple[UnitAction, float]]:
        """Each action and its level."""
        return [(one, self.level(time_s, ACTION_SHAPES[one.unit].lag)) for one in self.expression.actions]

    def weights(self, time_s: float) -> dict[str, float]:
        """Blendshape weights at a time."""
        weights: dict[str, float] = {}
        for action, level in self.levels(time_s):
            if level > 0.0:
                add_weights(weights, action, level)
        return weights


def fit(expression: ActedExpression, face: FaceSource) -> Fitted:
    """Scale an expression to its amplitude on this face, and stretch it so that it is visible for its duration.

    An amplitude that the actions cannot reach at full strength stays below what was asked for.
    """
    if expression.amplitude is not None:
        expression = replace(expression, actions=_scaled(expression, face))
    unit = Fitted(expression, 0.0, expression.rise, expression.hold, expression.fall)
    visible = VISIBLE_AMPLITUDE * face.eye_distance()

    def seen(t: float) -> bool:
        weights = unit.weights(t)
        return bool(weights) and face.facial_motion(weights) >= visible

    lag = max(ACTION_SHAPES[one.unit].lag for one in expression.actions)
    top = expression.rise * (1.0 + 0.5 * lag)
    if not seen(top):
        raise ValueError(f"{expression.emotion} at {expression.start_s:.2f} s is nowhere visible on this face")
    first = _crossing(seen, 0.0, top)
    last = _crossing(seen, unit.span_s, top)
    stretch = expression.duration_s / (last - first)
    return Fitted(
        expression,
        expression.start_s - first * stretch,
        *(stretch * one for one in (expression.rise, expression.hold, expression.fall)),
    )


def _scaled(expression: ActedExpression, face: FaceSource) -> tuple[UnitAction, ...]:
    """Actions whose largest motion is the amplitude: motion grows a little less or more than with the weight."""
    target = (expression.amplitude or 0.0) * face.eye_distance()
    factor = 1.0
    for _ in range(3):
        actions = tuple(one.scaled(factor) for one in expression.actions)
        still = Fitted(replace(expression, actions=actions, skew=1.0), 0.0, 1.0, 0.0, 1.0)
        moved = max(face.facial_motion(still.weights(t)) for t in (1.0, 1.08))
        factor *= target / max(moved, 1e-9)
        # Beyond full strength the actions would no longer keep their proportions.
        factor = min(factor, 1.0 / max(max(one.sides) for one in expression.actions))
    return tuple(one.scaled(factor) for one in expression.actions)


def _crossing(seen: Callable[[float], bool], outside: float, inside: float) -> float:
    """Moment between `outside`, where nothing is seen, and `inside` at which the motion becomes visible."""
    for _ in range(14):
        middle = 0.5 * (outside + inside)
        if seen(middle):
            inside = middle
        else:
            outside = middle
    return inside


@dataclass(frozen=True)
class Movement:
    """Movement of head and shoulders that goes on all the time: sums of sines, three for the sway, more for the tremor.

    Parameters
    ----------
    sines : tuple of (axis, amplitude, frequency, phase)
        Axis 0 to 2: yaw, pitch, roll in radians; 3 to 5: left, up, forward in centimetres. Hertz, radians.
    breath : tuple of float
        Amplitude in centimetres and frequency in hertz.
    """

    sines: tuple[tuple[int, float, float, float], ...] = ()
    breath: tuple[float, float] = (0.10, 0.27)

    def at(self, time_s: float) -> list[float]:
        """Return the six coordinates."""
        total = [0.0] * 6
        for axis, amplitude, frequency, phase in self.sines:
            total[axis] += amplitude * math.sin(2.0 * math.pi * frequency * time_s + phase)
        return total


@dataclass(frozen=True)
class Script:
    """All that happens in one video."""

    expressions: tuple[ActedExpression, ...] = ()
    distractors: tuple[Distractor, ...] = ()
    movement: Movement = Movement()


@dataclass(frozen=True)
class TrueExpression:
    """What was measured of an expression.

    Parameters
    ----------
    expression : Expression
        Onset and offset are the first and last frame that moves visibly, the apex is the frame of the largest motion.
    peak : float
        Largest facial motion in a frame, as a share of the eye distance.
    """

    expression: Expression
    peak: float


class Actor:
    """A script, played by a face.

    Parameters
    ----------
    face : FaceSource
    script : Script
        Its expressions must be visible on this face; those of `facespot.synth.planning` are.
    """

    def __init__(self, face: FaceSource, script: Script) -> None:
        self._face, self._script = face, script
        points = face.landmarks(REST, 0)
        middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
        self.place = Place((float(middle[0]), float(middle[1])), face.eye_distance(), face.size, face.blink_weight)
        self.expressions = tuple(fit(one, face) for one in script.expressions)

    def pose(self, time_s: float) -> Pose:
        """What the person does at a time."""
        draft, folds = Draft(self.place), dict[str, tuple[float, float]]()
        for fitted in self.expressions:
            if not 0.0 < time_s - fitted.begin_s < fitted.span_s:
                continue
            for action, level in fitted.levels(time_s):
                if level > 0.0:
                    add_weights(draft.weights, action, level)
                    add_wrinkles(folds, action, level)
        for one in self._script.distractors:
            if one.lasts_at(time_s):
                one.add_to(draft, time_s - one.start_s)
        weights = {name: min(weight, 1.0) for name, weight in draft.weights.items()}
        for side in "LR":
            # A squint already lowers the lid, and a lid that was raised shuts all the same.
            squint, wide = weights.get(f"eyeSquint_{side}", 0.0), weights.get(f"eyeWide_{side}", 0.0)
            if draft.shut:
                weights[f"eyeBlink_{side}"] = draft.shut * self.place.blink_weight * (1.0 - 0.25 * squint)
            if wide:
                weights[f"eyeWide_{side}"] = wide * (1.0 - draft.shut)
        movement = self._script.movement
        base = movement.at(time_s)
        moved = [still + added for still, added in zip(base, draft.rotation + draft.shift, strict=True)]
        breath = movement.breath[0] * math.sin(2.0 * math.pi * movement.breath[1] * time_s)
        return Pose(
            weights=weights,
            rotation=(moved[0], moved[1], moved[2]),
            shift=(moved[3], moved[4], moved[5]),
            wrinkles={name: (min(left, 1.0), min(right, 1.0)) for name, (left, right) in folds.items()},
            breath=breath,
            light=draft.light,
            occluder=draft.occluder,
            step=(draft.step[0], draft.step[1]),
        )

    def intensities(self, time_s: float) -> dict[tuple[int, str], float]:
        """Intensity, 0 to 5, of each action unit of an expression by its number and side ``"left"`` or ``"right"``."""
        found: dict[tuple[int, str], float] = {}
        for fitted in self.expressions:
            for action, level in fitted.levels(time_s):
                for side, strength in zip(("left", "right"), action.sides, strict=True):
                    value = FULL_INTENSITY * min(1.0, level * strength + found.get((action.unit, side), 0.0) / 5.0)
                    if value > 0.0:
                        found[action.unit, side] = value
        return found

    def hidden(self, time_s: float) -> bool:
        """Whether a hand, a strong turn or the edge of the picture hides part of the face."""
        return any(one.hides_face and one.lasts_at(time_s) for one in self._script.distractors)

    def truth(self, fps: float, n_frames: int) -> tuple[TrueExpression, ...]:
        """Expressions as measured on the motion of each frame, in order of the script."""
        visible = VISIBLE_AMPLITUDE * self.place.eyes
        found = []
        for fitted in self.expressions:
            first = max(0, math.floor(fitted.begin_s * fps))
            last = min(n_frames - 1, math.ceil((fitted.begin_s + fitted.span_s) * fps))
            motion = self._motion(fitted, fps, first, last)
            seen = np.flatnonzero(motion >= visible)
            if not len(seen):
                continue
            expression = Expression(
                onset=first + int(seen[0]),
                apex=first + int(np.argmax(motion)),
                offset=first + int(seen[-1]),
                kind=fitted.expression.kind,
                emotion=fitted.expression.emotion,
                action_units=tuple(one.code for one in fitted.expression.actions),
            )
            found.append(TrueExpression(expression, float(motion.max()) / self.place.eyes))
        return tuple(found)

    def _motion(self, fitted: Fitted, fps: float, first: int, last: int) -> NDArray[np.float64]:
        motion = np.zeros(max(0, last - first + 1))
        for k in range(len(motion)):
            weights = fitted.weights((first + k) / fps)
            if weights:
                motion[k] = self._face.facial_motion(weights)
        return motion
