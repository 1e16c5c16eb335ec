"""Draws what happens in a video: expressions first, then distractors around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from facespot.synth import distributions
from facespot.synth.acting import ActedExpression, Movement, Script
from facespot.synth.distractors import (
    Blink,
    Distractor,
    Gaze,
    Hand,
    Leaving,
    Light,
    LipPress,
    Nod,
    Swallow,
    Talking,
    Turn,
)
from facespot.synth.emotions import draw_actions, shapes_of
from facespot.synth.presets import Preset
from facespot.values import KINDS, Kind

CALM_S = 0.45
"""Least time without an expression before, between and after expressions."""
SHORTEST_BLINK_GAP_S = 0.5


def draw_script(preset: Preset, seconds: float, fps: float, rng: np.random.Generator) -> Script:
    """All that happens in a video of a preset.

    Parameters
    ----------
    preset : Preset
        Rates and counts.
    seconds, fps : float
        Of the video.
    rng : numpy.random.Generator
        Source of all chance.
    """
    expressions = _expressions(preset, seconds, fps, rng)
    others = _happenings(preset.happenings_a_minute, expressions, seconds, rng)
    talking = [one for one in others if isinstance(one, Talking)]
    blinks = list(_blinks(preset.blinks_a_minute, seconds, talking, rng))
    distractors = sorted([*others, *blinks], key=lambda one: (one.start_s, one.kind))
    return Script(tuple(expressions), tuple(distractors), _movement(preset.sway, rng))


def _expressions(preset: Preset, seconds: float, fps: float, rng: np.random.Generator) -> list[ActedExpression]:
    n_macro, n_micro = preset.counts or (
        int(rng.poisson(preset.macro_a_minute * seconds / 60)),
        int(rng.poisson(preset.micro_a_minute * seconds / 60)),
    )
    if preset.counts is None and rng.random() < preset.without_expression:
        n_macro = n_micro = 0
    kinds: list[Kind] = [kind for kind, count in zip(KINDS, (n_macro, n_micro), strict=True) for _ in range(count)]
    groups: list[list[ActedExpression]] = []
    for k in rng.permutation(len(kinds)):
        one = _expression(kinds[int(k)], fps, rng)
        before = groups[-1] if groups else []
        pair = len(before) == 1 and before[0].kind == one.kind and rng.random() < preset.overlapping
        if pair and not shapes_of(before[0].actions) & shapes_of(one.actions):
            # The second begins while the first one lasts, and outlasts it.
            begin = rng.uniform(0.35, 0.8) * before[0].duration_s
            before.append(_at(one, max(begin, before[0].duration_s - 0.9 * one.duration_s)))
        else:
            groups.append([one])
    lengths = [max(one.end_s for one in group) for group in groups]
    while lengths and sum(lengths) + CALM_S * (len(lengths) + 1) > seconds:
        groups.pop()
        lengths.pop()
    spare = seconds - sum(lengths) - CALM_S * (len(lengths) + 1)
    gaps = CALM_S + spare * rng.dirichlet(np.ones(len(lengths) + 1))
    found, now = [], 0.0
    for group, length, gap in zip(groups, lengths, gaps, strict=False):
        now += float(gap)
        found += [_at(one, now + one.start_s) for one in group]
        now += length
    return found


def _expression(kind: Kind, fps: float, rng: np.random.Generator) -> ActedExpression:
    emotion = distributions.draw_emotion(rng)
    duration = distributions.draw_duration(kind, fps, rng)
    micro = kind == "micro"
    actions = draw_actions(
        emotion,
        rng,
        partial=0.45 if micro else 0.12,
        one_sided=0.25 if micro else 0.05,
        asymmetry=0.3 if micro else 0.15,
    )
    amplitude = distributions.draw_micro_amplitude(rng) if micro else None
    if not micro:
        strength = distributions.draw_macro_strength(rng)
        actions = tuple(one.scaled(strength) for one in actions)
    # The rise is the quicker part in most; macro-expressions are held.
    rise = rng.uniform(0.25, 0.5)
    fall = rise * rng.uniform(0.9, 2.0)
    hold = rng.uniform(0.02, 0.2) if micro else rng.uniform(0.1, 1.0)
    skew = float(rng.uniform(0.8, 1.3))
    return ActedExpression(
        kind, emotion, actions, 0.0, duration, amplitude, float(rise), float(hold), float(fall), skew
    )


def _at(one: ActedExpression, start_s: float) -> ActedExpression:
    return replace(one, start_s=start_s)


def _blinks(a_minute: float, seconds: float, talking: list[Talking], rng: np.random.Generator) -> Iterator[Distractor]:
    """Blinks after gaps of log-normal length, half as long again in number while the person talks."""
    now = float(rng.uniform(0.0, 60.0 / max(a_minute, 1e-6)))
    while a_minute > 0:
        duration = distributions.draw_blink_duration(rng)
        if now + duration >= seconds:
            return
        yield Blink(now, duration, distributions.draw_blink_depth(rng))
        mean = 60.0 / a_minute - duration
        if any(one.lasts_at(now) for one in talking):
            mean *= 17.0 / 26.0
        spread = 0.6
        gap = rng.lognormal(np.log(max(mean, SHORTEST_BLINK_GAP_S)) - spread**2 / 2, spread)
        now += duration + max(SHORTEST_BLINK_GAP_S, float(gap))


def _happenings(
    rates: Mapping[str, float], expressions: list[ActedExpression], seconds: float, rng: np.random.Generator
) -> list[Distractor]:
    free = _free(expressions, seconds)
    found: list[Distractor] = []
    for kind in sorted(rates):
        draw, needs_calm = _KINDS[kind]
        for _ in range(int(rng.poisson(rates[kind] * seconds / 60))):
            one = draw(rng)
            if needs_calm:
                room = [k for k, (start, end) in enumerate(free) if end - start > one.duration_s + 0.2]
                if not room:
                    continue
                start, end = free.pop(int(rng.choice(room)))
                begin = float(rng.uniform(start, end - one.duration_s))
                free += [(start, begin - 0.1), (begin + one.duration_s + 0.1, end)]
            elif one.duration_s < seconds:
                begin = float(rng.uniform(0.0, seconds - one.duration_s))
                same = [other for other in found if other.kind == kind]
                if any(other.start_s < begin + one.duration_s and begin < other.end_s for other in same):
                    continue
            else:
                continue
            found.append(replace(one, start_s=begin))
    return found


def _free(expressions: list[ActedExpression], seconds: float) -> list[tuple[float, float]]:
    """Stretches without an expression; the first moments, on which methods find the face, are left in peace."""
    free, now = [], 0.3
    for one in sorted(expressions, key=lambda one: one.start_s):
        free.append((now, one.start_s - 0.25))
        now = max(now, one.end_s + 0.25)
    free.append((now, seconds - 0.05))
    return [(start, end) for start, end in free if end > start]


def _draw_gaze(rng: np.random.Generator) -> Distractor:
    left = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.08, 0.45))
    return Gaze(0.0, float(rng.uniform(0.3, 1.6)), left, float(rng.uniform(-0.25, 0.35)))


def _draw_talking(rng: np.random.Generator) -> Distractor:
    duration = float(rng.uniform(1.0, 3.5))
    syllables, now = [], 0.1
    while True:
        length = float(rng.uniform(0.14, 0.30))
        if now + length > duration - 0.1:
            break
        rounding = float(rng.uniform(-0.25, 0.35))
        syllables.append((now, length, float(rng.uniform(0.06, 0.28)), rounding))
        # Syllables run into one another; now and then there is a pause.
        now += length * (0.8 if rng.random() < 0.85 else 2.0)
    brow = float(rng.uniform(0.15, 0.5)) if rng.random() < 0.35 else 0.0
    return Talking(0.0, duration, tuple(syllables), brow)


def _draw_turn(rng: np.random.Generator) -> Distractor:
    yaw = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.12, 0.6))
    return Turn(0.0, float(rng.uniform(1.0, 2.8)), yaw, float(rng.normal(0.0, 0.06)))


def _draw_light(rng: np.random.Generator) -> Distractor:
    change = float(rng.uniform(-0.35, 0.2))
    return Light(0.0, float(rng.uniform(0.4, 3.0)), change, float(rng.uniform(0.03, 0.6)))


def _draw_hand(rng: np.random.Generator) -> Distractor:
    side = float(rng.choice([-1.0, 1.0]))
    place = (side * float(rng.uniform(0.02, 0.55)), float(rng.uniform(0.25, 0.85)))
    return Hand(0.0, float(rng.uniform(1.0, 2.4)), place, float(rng.uniform(0.3, 0.5)))


_KINDS: Mapping[str, tuple[Callable[[np.random.Generator], Distractor], bool]] = {
    "gaze": (_draw_gaze, False),
    "nod": (
        lambda rng: Nod(0.0, float(rng.uniform(0.6, 1.6)), float(rng.uniform(0.03, 0.12)), int(rng.integers(1, 4))),
        False,
    ),
    "light": (_draw_light, False),
    "lip press": (lambda rng: LipPress(0.0, float(rng.uniform(0.3, 1.6)), float(rng.uniform(0.25, 0.9))), True),
    "swallow": (lambda rng: Swallow(0.0, float(rng.uniform(0.5, 1.0)), float(rng.uniform(0.6, 1.0))), True),
    "talking": (_draw_talking, True),
    "turn": (_draw_turn, True),
    "hand": (_draw_hand, True),
    "leaving": (lambda rng: Leaving(0.0, float(rng.uniform(2.2, 4.0)), int(rng.choice([-1, 1]))), True),
}


def _movement(sway: float, rng: np.random.Generator) -> Movement:
    # Radians for yaw, pitch, roll, then centimetres for the three shifts.
    amplitudes = sway * np.array([0.030, 0.016, 0.013, 0.22, 0.10, 0.30]) * rng.uniform(0.6, 1.4, 6)
    sines = []
    for axis, amplitude in enumerate(amplitudes):
        for low, high, share in ((12.0, 18.0, 0.55), (6.5, 9.5, 0.32), (3.6, 5.2, 0.13)):
            sines.append((axis, float(amplitude * share), float(1 / rng.uniform(low, high)), _phase(rng)))
        # Tremor: 0.3 to 1.5 thousandths of a radian, or of 10 centimetres.
        tremor = sway * rng.uniform(0.3e-3, 1.5e-3) * (1.0 if axis < 3 else 5.0) / np.sqrt(6.0)
        for frequency in rng.uniform(1.0, 7.0, 6):
            sines.append((axis, float(tremor), float(frequency), _phase(rng)))
    breath = (float(rng.uniform(0.05, 0.15)), float(rng.uniform(0.2, 0.33)))
    return Movement(tuple(sines), breath)


def _phase(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.0, 2.0 * np.pi))
