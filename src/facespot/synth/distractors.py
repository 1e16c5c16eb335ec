"""What a face does beside expressions: each with a label of its own, so that false alarms can be told apart.

A distractor adds itself to a `Draft` of the pose. Times are seconds from the start of the video. Kinds: ``blink``,
``partial blink``, ``gaze``, ``lip press``, ``nod``, ``turn``, ``talking``, ``swallow``, ``light``, ``hand``,
``leaving``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

from facespot.synth.distributions import BLINK_CLOSING, BLINK_SHUT

CENTIMETRES_OF_EYES = 9.2
"""Distance between the outer eye corners of the mean face of the ICT model."""


def ease(t: float) -> float:
    """0 to 1, smooth at both ends (Perlin's quintic)."""
    t = min(max(t, 0.0), 1.0)
    return t**3 * (t * (6.0 * t - 15.0) + 10.0)


def plateau(t: float, duration: float, edge: float) -> float:
    """0 outside ``0..duration``, 1 inside, with smooth edges of `edge` seconds."""
    edge = min(edge, duration / 2)
    return ease(t / edge) * ease((duration - t) / edge)


@dataclass(frozen=True)
class Place:
    """Where the resting face is in the picture.

    Parameters
    ----------
    centre : tuple of float
        Middle of the face in pixels.
    eyes : float
        Distance between the outer eye corners in pixels.
    size : tuple of int
        Width and height of the picture in pixels.
    blink_weight : float
        Weight of the eyeBlink shapes that shuts the eyes.
    """

    centre: tuple[float, float]
    eyes: float
    size: tuple[int, int]
    blink_weight: float


@dataclass
class Draft:
    """A pose in the making."""

    place: Place
    weights: dict[str, float] = field(default_factory=dict)
    rotation: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    shift: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    step: list[float] = field(default_factory=lambda: [0.0, 0.0])
    shut: float = 0.0
    light: float = 1.0
    occluder: tuple[float, float, float, float] | None = None

    def add(self, name: str, weight: float) -> None:
        """Add to the weight of a blendshape."""
        self.weights[name] = self.weights.get(name, 0.0) + weight

    def add_both(self, name: str, weight: float) -> None:
        """Add to the weight of both halves of a blendshape."""
        self.add(f"{name}_L", weight)
        self.add(f"{name}_R", weight)


@dataclass(frozen=True)
class Distractor:
    """Something that is no expression.

    Parameters
    ----------
    start_s, duration_s : float
        When it begins, and how long it lasts.
    """

    label: ClassVar[str] = ""
    start_s: float
    duration_s: float

    @property
    def kind(self) -> str:
        """Label in the corpus."""
        return self.label

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.start_s + self.duration_s

    @property
    def hides_face(self) -> bool:
        """Whether a detector may be excused for not finding the face meanwhile."""
        return False

    def lasts_at(self, time_s: float) -> bool:
        """Whether it goes on at a time."""
        return self.start_s <= time_s <= self.end_s

    def add_to(self, draft: Draft, t: float) -> None:
        """Add to the draft what is to be seen `t` seconds after the start."""
        raise NotImplementedError


@dataclass(frozen=True)
class Blink(Distractor):
    """The lids close by `depth`, quicker down than up."""

    depth: float = 1.0

    @property
    def kind(self) -> str:
        """Whole blinks and partial ones are told apart."""
        return "blink" if self.depth >= 1.0 else "partial blink"

    def add_to(self, draft: Draft, t: float) -> None:
        """Shut the eyes."""
        closing, shut = BLINK_CLOSING * self.duration_s, BLINK_SHUT * self.duration_s
        level = ease(t / closing) * (1.0 - ease((t - closing - shut) / (self.duration_s - closing - shut)))
        draft.shut = max(draft.shut, self.depth * level)


@dataclass(frozen=True)
class Gaze(Distractor):
    """The eyes turn to the subject's left (negative: right) and down (negative: up), in blendshape weight."""

    left: float = 0.3
    down: float = 0.0
    label: ClassVar[str] = "gaze"

    def add_to(self, draft: Draft, t: float) -> None:
        """Turn the eyes in a saccade, and back in another."""
        turn = plateau(t, self.duration_s, 0.06)
        outward, inward = ("L", "R") if self.left > 0 else ("R", "L")
        draft.add(f"eyeLookOut_{outward}", turn * abs(self.left))
        draft.add(f"eyeLookIn_{inward}", turn * abs(self.left))
        draft.add_both("eyeLookDown" if self.down > 0 else "eyeLookUp", turn * abs(self.down))


@dataclass(frozen=True)
class LipPress(Distractor):
    """The lips are pressed together or rolled in without any emotion."""

    strength: float = 0.6
    label: ClassVar[str] = "lip press"

    def add_to(self, draft: Draft, t: float) -> None:
        """Press the lips."""
        level = self.strength * plateau(t, self.duration_s, 0.3 * self.duration_s)
        draft.add_both("mouthPress", 0.7 * level)
        draft.add("mouthRollUpper", 0.35 * level)
        draft.add("mouthRollLower", 0.45 * level)


@dataclass(frozen=True)
class Nod(Distractor):
    """The head goes down and up `times` times by `angle` radians."""

    angle: float = 0.06
    times: int = 2
    label: ClassVar[str] = "nod"

    def add_to(self, draft: Draft, t: float) -> None:
        """Pitch the head."""
        swing = 0.5 * (1.0 - math.cos(2.0 * math.pi * self.times * t / self.duration_s))
        draft.rotation[1] += self.angle * swing * plateau(t, self.duration_s, 0.2)


@dataclass(frozen=True)
class Turn(Distractor):
    """The head turns to the side by `yaw` and lifts by `pitch` radians, stays and comes back."""

    yaw: float = 0.3
    pitch: float = 0.0
    label: ClassVar[str] = "turn"

    @property
    def hides_face(self) -> bool:
        """Beyond 30 degrees one half of the face is out of sight."""
        return abs(self.yaw) > math.pi / 6

    def add_to(self, draft: Draft, t: float) -> None:
        """Turn the head."""
        level = plateau(t, self.duration_s, min(0.45, self.duration_s / 3))
        draft.rotation[0] += self.yaw * level
        draft.rotation[1] += self.pitch * level


@dataclass(frozen=True)
class Talking(Distractor):
    """Speech: one open and rounded or spread mouth per syllable.

    Parameters
    ----------
    syllables : tuple of (start, duration, opening, rounding)
        Seconds after the start of the speech, then blendshape weights; a negative rounding spreads the lips.
    brow : float
        Strength of a brow flash that stresses a word.
    """

    syllables: tuple[tuple[float, float, float, float], ...] = ()
    brow: float = 0.0
    label: ClassVar[str] = "talking"

    def add_to(self, draft: Draft, t: float) -> None:
        """Move the mouth, the brows and a little the head."""
        for start, duration, opening, rounding in self.syllables:
            if start < t < start + duration:
                level = math.sin(math.pi * (t - start) / duration) ** 2
                draft.add("jawOpen", opening * level)
                draft.add_both("mouthLowerDown", 0.5 * opening * level)
                if rounding > 0:
                    draft.add("mouthFunnel", rounding * level)
                    draft.add("mouthPucker", 0.6 * rounding * level)
                else:
                    draft.add_both("mouthStretch", -rounding * level)
        if self.brow:
            flash = plateau(t - 0.3 * self.duration_s, 0.35 * self.duration_s, 0.15)
            draft.add_both("browInnerUp", self.brow * flash)
            draft.add_both("browOuterUp", self.brow * flash)
        draft.rotation[1] += 0.02 * math.sin(2.0 * math.pi * 1.1 * t) * plateau(t, self.duration_s, 0.3)


@dataclass(frozen=True)
class Swallow(Distractor):
    """The lips close firmly and the chin rises for a moment."""

    strength: float = 1.0
    label: ClassVar[str] = "swallow"

    def add_to(self, draft: Draft, t: float) -> None:
        """Press, then lift the chin."""
        draft.add_both("mouthPress", 0.30 * self.strength * plateau(t, self.duration_s, 0.35 * self.duration_s))
        lift = plateau(t - 0.25 * self.duration_s, 0.5 * self.duration_s, 0.25 * self.duration_s)
        draft.add("mouthShrugLower", 0.20 * self.strength * lift)
        draft.rotation[1] -= 0.012 * self.strength * lift


@dataclass(frozen=True)
class Light(Distractor):
    """The light changes by `change` (a share of it) over `edge_s` seconds, and back."""

    change: float = -0.2
    edge_s: float = 0.2
    label: ClassVar[str] = "light"

    def add_to(self, draft: Draft, t: float) -> None:
        """Dim or brighten."""
        draft.light *= 1.0 + self.change * plateau(t, self.duration_s, self.edge_s)


@dataclass(frozen=True)
class Hand(Distractor):
    """A hand comes up from below, rests at a place on the face and goes.

    Parameters
    ----------
    place : tuple of float
        Where it rests, from the middle of the face, in eye distances, x to the right of the picture, y down.
    radius : float
        In eye distances.
    """

    place: tuple[float, float] = (0.0, 0.6)
    radius: float = 0.5
    label: ClassVar[str] = "hand"

    @property
    def hides_face(self) -> bool:
        """Always."""
        return True

    def add_to(self, draft: Draft, t: float) -> None:
        """Lay the hand in front of the face."""
        up = plateau(t, self.duration_s, min(0.5, self.duration_s / 3))
        eyes, (x, y) = draft.place.eyes, draft.place.centre
        goal = (x + self.place[0] * eyes, y + self.place[1] * eyes)
        start = (goal[0] + math.copysign(0.5 * eyes, self.place[0]), draft.place.size[1] + 1.6 * self.radius * eyes)
        now = [low + up * (high - low) for low, high in zip(start, goal, strict=True)]
        draft.occluder = (now[0], now[1], self.radius * eyes, 0.35 * math.copysign(1.0, self.place[0]) * up)


@dataclass(frozen=True)
class Leaving(Distractor):
    """The person moves out of the picture to the subject's left (``side`` 1) or right (-1), and comes back."""

    side: int = 1
    label: ClassVar[str] = "leaving"

    @property
    def hides_face(self) -> bool:
        """Always."""
        return True

    def add_to(self, draft: Draft, t: float) -> None:
        """Step aside."""
        pixels = draft.place.size[0] / 2 + 1.3 * draft.place.eyes
        centimetres = pixels * CENTIMETRES_OF_EYES / draft.place.eyes
        draft.step[0] += self.side * centimetres * plateau(t, self.duration_s, min(0.9, self.duration_s / 2.5))
