"""What happens in the demo: expressions, blinks, glances and head movement, and their true intervals.

Times are seconds, frames count from 0 and both ends of an interval belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from demo.face import REST, Person, Pose
from demo.textures import WRINKLES

FPS = 30
N_FRAMES = 900
VISIBLE_MOTION = 0.2  # pixels of facial motion from which an expression counts as visible: about the camera's noise
BLINKS = (1.75, 5.5, 8.55, 12.2, 15.0, 18.3, 21.15, 26.0, 29.2)
# Start, end, then how far the eyes turn to the subject's left and down (weights of the gaze shapes).
GLANCES = ((8.5, 9.5, 0.32, 0.10), (20.95, 22.0, -0.36, 0.16))


@dataclass(frozen=True)
class Expression:
    """One expression of the script.

    ``shapes``: blendshape name without side to its weight on the subject's (left, right) half, for a macro-expression
    at its apex, for a micro-expression in proportion only, since ``peak_pixels`` then sets its largest motion.
    ``start``, ``rise``, ``hold``, ``fall``: seconds; the rise is the quicker part. ``lag``: seconds by which a shape
    comes later than the others.
    """

    kind: Literal["macro", "micro"]
    emotion: str
    start: float
    rise: float
    hold: float
    fall: float
    shapes: Mapping[str, tuple[float, float]]
    peak_pixels: float | None = None
    wrinkles: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    lag: Mapping[str, float] = field(default_factory=dict)

    def intensity(self, time: float, lag: float = 0.0) -> float:
        """0 before and after, 1 at the apex; the hold slackens slowly, so that the apex is one moment."""
        t = time - self.start - lag
        if t <= 0.0 or t >= self.rise + self.hold + self.fall:
            return 0.0
        if t < self.rise:
            return _ease(t / self.rise)
        slack = 0.10
        if t < self.rise + self.hold:
            return 1.0 - slack * (t - self.rise) / self.hold
        return (1.0 - slack * (self.hold > 0)) * (1.0 - _ease((t - self.rise - self.hold) / self.fall))


@dataclass(frozen=True)
class Interval:
    """True interval of an expression, in frames, and its largest motion in pixels."""

    kind: str
    onset: int
    apex: int
    offset: int
    emotion: str
    peak_pixels: float


def _both(weight: float) -> tuple[float, float]:
    return (weight, weight)


EXPRESSIONS = (
    Expression(  # AU 6 + 12
        "macro", "happiness", 2.5, 0.50, 0.75, 0.85,
        {"mouthSmile": (0.80, 0.74), "cheekSquint": _both(0.70), "eyeSquint": _both(0.30), "mouthUpperUp": _both(0.18),
         "jawOpen": _both(0.05)},
        wrinkles={"nasolabial": _both(0.45), "crow_feet": _both(0.38)}, lag={"cheekSquint": 0.07, "eyeSquint": 0.07},
    ),
    Expression(  # AU 12, stronger on the left
        "micro", "happiness", 6.8, 0.15, 0.03, 0.22, {"mouthSmile": (1.0, 0.35), "cheekSquint": (0.5, 0.15)}, 2.4,
        wrinkles={"nasolabial": (0.12, 0.04)},
    ),
    Expression(  # AU 1 + 2 + 5 + 26
        "macro", "surprise", 9.9, 0.27, 0.45, 0.60,
        {"browInnerUp": _both(0.85), "browOuterUp": _both(0.75), "eyeWide": _both(0.75), "jawOpen": _both(0.42)},
        wrinkles={"forehead": _both(0.34)}, lag={"jawOpen": 0.05},
    ),
    Expression(  # AU 4 + 7
        "micro", "anger", 13.55, 0.13, 0.03, 0.20, {"browDown": _both(1.0), "eyeSquint": _both(0.5)}, 2.1,
        wrinkles={"glabella": _both(0.14)},
    ),
    Expression(  # AU 9 + 10, 4
        "macro", "disgust", 16.0, 0.40, 0.55, 0.70,
        {"noseSneer": (0.55, 0.62), "mouthUpperUp": (0.30, 0.38), "browDown": _both(0.45), "cheekSquint": _both(0.4),
         "mouthShrugLower": _both(0.30)},
        wrinkles={"nose_root": _both(0.42), "nasolabial": _both(0.42), "glabella": _both(0.18)},
    ),
    Expression(  # AU 1 + 2, stronger on the right
        "micro", "surprise", 19.4, 0.17, 0.03, 0.24, {"browInnerUp": (0.6, 1.0), "browOuterUp": (0.5, 1.0)}, 2.6,
        wrinkles={"forehead": (0.07, 0.12)},
    ),
    Expression(  # AU 4 + 7 + 23
        "macro", "anger", 22.6, 0.45, 0.90, 0.75,
        {"browDown": _both(0.95), "eyeSquint": _both(0.6), "mouthPress": _both(0.6), "mouthRollUpper": _both(0.25),
         "mouthRollLower": _both(0.3), "noseSneer": _both(0.25)},
        wrinkles={"glabella": _both(0.45), "nose_root": _both(0.15)}, lag={"mouthPress": 0.08},
    ),
    Expression(  # AU 1 + 15 + 17, brief
        "macro", "sadness", 26.75, 0.30, 0.25, 0.45,
        {"browInnerUp": _both(0.75), "mouthFrown": _both(0.8), "mouthShrugLower": _both(0.45)},
        wrinkles={"forehead": _both(0.12)},
    ),
)  # fmt: skip


class Script:
    """The demo's course for one person; ``seed`` chooses small shifts in time and the movement of the head."""

    def __init__(self, person: Person, seed: int) -> None:
        rng = np.random.default_rng([seed, 1])
        self._person = person
        self._shifts = rng.uniform(-0.12, 0.12, len(EXPRESSIONS))
        self._blinks = np.array(BLINKS) + rng.uniform(-0.12, 0.12, len(BLINKS))
        # Radians for yaw, pitch, roll, then centimetres for the three shifts.
        amplitude = np.array([0.030, 0.016, 0.013, 0.22, 0.10, 0.30])
        self._motion = _sway(rng, amplitude) + _jitter(rng, amplitude * 0.014)
        self._scales = [self._scale(expression) for expression in EXPRESSIONS]

    def pose(self, frame: int) -> Pose:
        """Return what the person does in a frame."""
        time = frame / FPS
        weights: dict[str, float] = {}
        folds = {name: [0.0, 0.0] for name in WRINKLES}
        for expression, shift, scale in zip(EXPRESSIONS, self._shifts, self._scales, strict=True):
            for name, weight in _weights(expression, time - shift, scale).items():
                weights[name] = weights.get(name, 0.0) + weight
            now = expression.intensity(time - shift)
            for name, sides in expression.wrinkles.items():
                for k in range(2):
                    folds[name][k] += now * sides[k]
        self._add_eyes(weights, time)
        motion = self._motion[frame]
        return Pose(
            weights,
            (float(motion[0]), float(motion[1]), float(motion[2])),
            (float(motion[3]), float(motion[4]), float(motion[5])),
            {name: (left, right) for name, (left, right) in folds.items()},
            0.10 * float(np.sin(2 * np.pi * time / 3.7)),
        )

    def truth(self) -> list[Interval]:
        """Intervals measured on the drawn motion: from the first to the last frame that moves visibly."""
        intervals = []
        for expression, shift, scale in zip(EXPRESSIONS, self._shifts, self._scales, strict=True):
            motion = np.array(
                [self._motion_pixels(_weights(expression, k / FPS - shift, scale)) for k in range(N_FRAMES)]
            )
            seen = np.flatnonzero(motion >= VISIBLE_MOTION)
            onset, apex, offset = int(seen[0]), int(np.argmax(motion)), int(seen[-1])
            peak = float(motion.max())
            intervals.append(Interval(expression.kind, onset, apex, offset, expression.emotion, peak))
        return intervals

    def _scale(self, expression: Expression) -> float:
        """Factor on the weights that brings the largest motion of the skin to ``peak_pixels``."""
        if expression.peak_pixels is None:
            return 1.0
        apex = expression.start + expression.rise
        full = self._motion_pixels(_weights(expression, apex, 1.0))
        frames = np.arange(int(expression.start * FPS), int((apex + 1.0) * FPS))
        sampled = max(expression.intensity(k / FPS - self._shifts[EXPRESSIONS.index(expression)]) for k in frames)
        return expression.peak_pixels / (full * sampled)

    def _motion_pixels(self, weights: Mapping[str, float]) -> float:
        """Largest distance that a point of the face's skin moves in the image, in pixels, the head at rest."""
        if not weights:
            return 0.0
        skin = self._person.skin_vertices
        pose = Pose(weights, REST.rotation, REST.shift, {}, 0.0)
        moved = self._person.project(self._person.vertices(pose)[skin])
        rest = self._person.project(self._person.vertices(REST)[skin])
        return float(np.max(np.linalg.norm(moved - rest, axis=1)))

    def _add_eyes(self, weights: dict[str, float], time: float) -> None:
        blink = max(_blink(time - start) for start in self._blinks) * self._person.blink_weight
        for side in "LR":
            squint = weights.get(f"eyeSquint_{side}", 0.0)
            # Squinting already lowers the lid: together they must not pass one another.
            weights[f"eyeBlink_{side}"] = blink * (1.0 - 0.25 * squint)
        for start, end, left, down in GLANCES:
            turn = _ease((time - start) / 0.10) * (1.0 - _ease((time - end) / 0.10))
            outward, inward = ("L", "R") if left > 0 else ("R", "L")
            for name, weight in (
                (f"eyeLookOut_{outward}", abs(left)), (f"eyeLookIn_{inward}", abs(left)),
                ("eyeLookDown_L", down), ("eyeLookDown_R", down),
            ):  # fmt: skip
                weights[name] = weights.get(name, 0.0) + turn * weight


_MIDLINE = {"jawOpen", "mouthShrugLower", "mouthRollUpper", "mouthRollLower"}


def _weights(expression: Expression, time: float, scale: float) -> dict[str, float]:
    weights: dict[str, float] = {}
    for name, (left, right) in expression.shapes.items():
        now = scale * expression.intensity(time, expression.lag.get(name, 0.0))
        if now == 0.0:
            continue
        if name in _MIDLINE:
            weights[name] = now * left
        else:
            weights[f"{name}_L"], weights[f"{name}_R"] = now * left, now * right
    return weights


def _ease(t: float) -> float:
    """0 to 1, smooth at both ends (Perlin's quintic)."""
    t = min(max(t, 0.0), 1.0)
    return t**3 * (t * (6.0 * t - 15.0) + 10.0)


def _blink(t: float) -> float:
    """Return how far the lids are closed, for a moment within 0.33 s: quicker down than up."""
    return _ease(t / 0.11) * (1.0 - _ease((t - 0.14) / 0.19))


def _sway(rng: np.random.Generator, amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slow movement (N_FRAMES, 6): three sines of unrelated periods each."""
    time = np.arange(N_FRAMES)[:, None] / FPS
    total = np.zeros((N_FRAMES, len(amplitude)))
    for low, high, share in ((12.0, 18.0, 0.55), (6.5, 9.5, 0.32), (3.6, 5.2, 0.13)):
        period, phase = rng.uniform(low, high, len(amplitude)), rng.uniform(0, 2 * np.pi, len(amplitude))
        total += share * np.sin(2 * np.pi * time / period + phase)
    return total * amplitude


def _jitter(rng: np.random.Generator, amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Small irregular movement: smoothed noise (N_FRAMES, 6) of standard deviation ``amplitude``."""
    kernel = np.hanning(9)[1:-1]
    kernel /= np.linalg.norm(kernel)
    white = rng.standard_normal((N_FRAMES + len(kernel) - 1, len(amplitude)))
    return np.stack([np.convolve(column, kernel, "valid") for column in white.T], axis=1) * amplitude
