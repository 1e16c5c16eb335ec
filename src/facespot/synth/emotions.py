"""Emotions as FACS combinations, and each action unit as blendshapes, folds and lags of the ICT face model.

The table of emotions (Ekman and Friesen's Facial Action Coding System, prototypes and their main variants)
-----------------------------------------------------------------------------------------------------------

=========== =============================== ===============================================================
happiness   6+12                            cheek raiser, lip corner puller
disgust     9, 10, 9+10, 9+17, 4+9+10       nose wrinkler, upper lip raiser; with brow lowerer or chin raiser
surprise    1+2+5+26, 1+2+26, 1+2+5, 1+2    inner and outer brow raiser, upper lid raiser, jaw drop
anger       4+5+7+23, 4+5+7+24, 4+7+23,     brow lowerer, upper lid raiser, lid tightener, lip tightener or
            4+7+24, 4+7                     lip pressor
sadness     1+4+15, 1+4+15+17, 1+15         inner brow raiser, brow lowerer, lip corner depressor, chin raiser
fear        1+2+4+20, 1+2+4+5+20            both brow raisers with the brow lowerer, lip stretcher
contempt    12 or 14 on one side            lip corner puller or dimpler of one half of the face
others      one action unit alone           1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24 or 25
=========== =============================== ===============================================================

Which blendshape shows which action unit follows the README of ICT-FaceKit; weights at full strength were set by eye.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

WITHOUT_SIDES = frozenset(
    {
        "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthFunnel", "mouthLeft", "mouthPucker",
        "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    }
)  # fmt: skip
"""Blendshapes that move the middle of the face; all others exist for the left and the right half."""

ONE_SIDED_BELOW = 0.25
"""An action unit is coded one-sided where the weaker half has less than this share of the stronger one."""


@dataclass(frozen=True)
class ActionShape:
    """One action unit at full strength.

    Parameters
    ----------
    unit : int
        Number in FACS.
    name : str
        Name in FACS.
    shapes : mapping from str to float
        Blendshape without its side to its weight.
    wrinkles : mapping from str to float
        Fold of the skin to its depth, 0 to 1.
    lag : float
        How much later than the others it comes, as a share of the rise.
    """

    unit: int
    name: str
    shapes: Mapping[str, float]
    wrinkles: Mapping[str, float] = field(default_factory=dict)
    lag: float = 0.0

    @property
    def has_sides(self) -> bool:
        """Whether one half of the face can show it alone."""
        return not WITHOUT_SIDES.intersection(self.shapes)


ACTION_SHAPES: Mapping[int, ActionShape] = MappingProxyType(
    {
        one.unit: one
        for one in (
            ActionShape(1, "inner brow raiser", {"browInnerUp": 0.90}, {"forehead": 0.20}),
            ActionShape(2, "outer brow raiser", {"browOuterUp": 0.80}, {"forehead": 0.18}),
            ActionShape(4, "brow lowerer", {"browDown": 1.0}, {"glabella": 0.48}),
            ActionShape(5, "upper lid raiser", {"eyeWide": 0.85}, lag=0.05),
            ActionShape(6, "cheek raiser", {"cheekSquint": 0.80, "eyeSquint": 0.25}, {"crow_feet": 0.42}, lag=0.14),
            ActionShape(7, "lid tightener", {"eyeSquint": 0.75}, lag=0.08),
            ActionShape(9, "nose wrinkler", {"noseSneer": 0.68}, {"nose_root": 0.48, "nasolabial": 0.12}),
            ActionShape(10, "upper lip raiser", {"mouthUpperUp": 0.50}, {"nasolabial": 0.36}, lag=0.06),
            ActionShape(12, "lip corner puller", {"mouthSmile": 0.90, "mouthUpperUp": 0.12}, {"nasolabial": 0.45}),
            ActionShape(14, "dimpler", {"mouthDimple": 0.95, "mouthPress": 0.25}, {"nasolabial": 0.15}),
            ActionShape(15, "lip corner depressor", {"mouthFrown": 0.90}, lag=0.08),
            ActionShape(17, "chin raiser", {"mouthShrugLower": 0.60}, {"chin": 0.45}, lag=0.12),
            ActionShape(20, "lip stretcher", {"mouthStretch": 0.85}, {"nasolabial": 0.12}, lag=0.06),
            ActionShape(
                23, "lip tightener", {"mouthRollUpper": 0.32, "mouthRollLower": 0.36, "mouthPress": 0.25}, lag=0.15
            ),
            ActionShape(24, "lip pressor", {"mouthPress": 0.85, "mouthRollUpper": 0.15}, lag=0.15),
            ActionShape(25, "lips part", {"mouthLowerDown": 0.26, "mouthUpperUp": 0.14}),
            ActionShape(26, "jaw drop", {"jawOpen": 0.42}, lag=0.12),
        )
    }
)


@dataclass(frozen=True)
class Emotion:
    """One emotion and the combinations of action units that show it, the usual one first."""

    name: str
    combinations: tuple[tuple[int, ...], ...]
    one_sided: bool = False


EMOTIONS: Mapping[str, Emotion] = MappingProxyType(
    {
        one.name: one
        for one in (
            Emotion("happiness", ((6, 12),)),
            Emotion("disgust", ((9, 10), (9,), (10,), (9, 17), (4, 9, 10))),
            Emotion("surprise", ((1, 2, 5, 26), (1, 2, 26), (1, 2, 5), (1, 2))),
            Emotion("anger", ((4, 5, 7, 23), (4, 5, 7, 24), (4, 7, 23), (4, 7, 24), (4, 7))),
            Emotion("sadness", ((1, 4, 15), (1, 4, 15, 17), (1, 15))),
            Emotion("fear", ((1, 2, 4, 20), (1, 2, 4, 5, 20))),
            Emotion("contempt", ((14,), (12,)), one_sided=True),
            Emotion(
                "others", tuple((unit,) for unit in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25))
            ),
        )
    }
)  # fmt: skip


@dataclass(frozen=True)
class UnitAction:
    """How strongly an action unit contracts at the apex.

    Parameters
    ----------
    unit : int
        Key of `ACTION_SHAPES`.
    left, right : float
        Strength on the subject's two halves, 0 to 1. An action unit of the middle takes the larger one.
    """

    unit: int
    left: float
    right: float

    def __post_init__(self) -> None:
        if self.unit not in ACTION_SHAPES:
            raise ValueError(f"action unit {self.unit} is none of {sorted(ACTION_SHAPES)}")
        if not (0.0 <= self.left <= 1.0 and 0.0 <= self.right <= 1.0):
            raise ValueError(f"strengths {self.left}, {self.right} are outside 0..1")

    @property
    def sides(self) -> tuple[float, float]:
        """Strength (left, right) as shown: equal where the unit has no sides."""
        if ACTION_SHAPES[self.unit].has_sides:
            return self.left, self.right
        return (max(self.left, self.right),) * 2

    def scaled(self, factor: float) -> UnitAction:
        """The same action, stronger or weaker, at most 1."""
        return UnitAction(self.unit, min(1.0, self.left * factor), min(1.0, self.right * factor))

    @property
    def code(self) -> str:
        """FACS code, with L or R where one half moves alone.

        >>> UnitAction(12, 0.5, 0.5).code, UnitAction(12, 0.0, 0.5).code
        ('12', 'R12')
        """
        left, right = self.sides
        if min(left, right) >= ONE_SIDED_BELOW * max(left, right):
            return str(self.unit)
        return f"{'L' if left > right else 'R'}{self.unit}"


def draw_actions(
    emotion: str, rng: np.random.Generator, *, partial: float = 0.0, one_sided: float = 0.0, asymmetry: float = 0.15
) -> tuple[UnitAction, ...]:
    """Action units of one showing of an emotion, the strongest at strength 1.

    Parameters
    ----------
    emotion : str
        Key of `EMOTIONS`.
    rng : numpy.random.Generator
        Source of all chance.
    partial : float
        Probability that only some units of the combination appear.
    one_sided : float
        Probability that one half of the face moves alone.
    asymmetry : float
        Largest lack of strength of the weaker half otherwise.
    """
    entry = EMOTIONS[emotion]
    units: Sequence[int] = entry.combinations[_first_favoured(len(entry.combinations), emotion, rng)]
    if len(units) > 1 and rng.random() < partial:
        kept = rng.choice(len(units), size=int(rng.integers(1, len(units))), replace=False)
        units = [units[k] for k in sorted(kept)]
    alone = rng.random() < one_sided or entry.one_sided
    weaker = 0.0 if alone else 1.0 - rng.uniform(0.0, asymmetry)
    left_leads = rng.random() < 0.5
    actions = []
    for unit in units:
        strong = rng.uniform(0.8, 1.0)
        sides = (strong, strong * weaker) if left_leads else (strong * weaker, strong)
        actions.append(UnitAction(unit, *sides))
    largest = max(max(one.sides) for one in actions)
    return tuple(one.scaled(1.0 / largest) for one in actions)


def _first_favoured(count: int, emotion: str, rng: np.random.Generator) -> int:
    """Half of the showings are the prototype; single units are all alike."""
    if emotion == "others" or count == 1 or rng.random() >= 0.5:
        return int(rng.integers(count))
    return 0


def add_weights(weights: dict[str, float], action: UnitAction, level: float) -> None:
    """Add the blendshape weights of an action at a level of 0 to 1 to `weights`."""
    left, right = action.sides
    for name, full in ACTION_SHAPES[action.unit].shapes.items():
        if name in WITHOUT_SIDES:
            weights[name] = weights.get(name, 0.0) + full * level * left
        else:
            for side, strength in (("L", left), ("R", right)):
                if strength:
                    key = f"{name}_{side}"
                    weights[key] = weights.get(key, 0.0) + full * level * strength


def add_wrinkles(folds: dict[str, tuple[float, float]], action: UnitAction, level: float) -> None:
    """Add the folds of an action at a level of 0 to 1 to `folds`: the skin folds once the motion is under way."""
    left, right = action.sides
    for name, full in ACTION_SHAPES[action.unit].wrinkles.items():
        before = folds.get(name, (0.0, 0.0))
        folds[name] = (before[0] + full * level * left, before[1] + full * level * right)


def shapes_of(actions: Iterable[UnitAction]) -> frozenset[str]:
    """Blendshapes that the actions move, without sides."""
    return frozenset(name for one in actions for name in ACTION_SHAPES[one.unit].shapes)
