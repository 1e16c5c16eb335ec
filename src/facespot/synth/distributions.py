"""How often, how long and how strong: the figures that the corpus follows, each with its source.

Durations are ``(offset - onset + 1) / fps`` in seconds; amplitudes are shares of the distance between the outer eye
corners, so that they mean the same at every size.

Micro-expressions
    Mean length 12 frames at 30 per second in CAS(ME)2 and 74 at 200 in SAMM Long Videos, from the half lengths k = 6
    and k = 37 that SOFTNet (section 4) states: 0.37 to 0.42 s. CASME II has 0.34 s (k' = 34 at 200). The limit is
    0.5 s, as in both corpora (Yan et al. 2013; SAMM Long Videos, section I), the shortest 1/25 s (SOFTNet, section 1).
Macro-expressions
    Mean length 36 frames at 30 per second in CAS(ME)2 (k = 18), 348 or 432 at 200 in SAMM Long Videos (k = 174 or 216,
    by which rows are kept): 1.2 to 2.2 s. Longer than 0.5 s; 4 s is the longest here.
Counts
    SAMM Long Videos has 343 macro- and 159 micro-expressions in 147 videos, CAS(ME)2 300 and 57 in 98: 3.1 and 0.6, or
    2.3 and 1.1 a video. 95 of the 98 videos of CAS(ME)2 hold an expression.
Overlaps
    16 pairs of the same type overlap among the 357 expressions of CAS(ME)2.
Blinks
    17 a minute at rest and 26 in conversation (Bentivoglio et al. 1997, Movement Disorders 12:1028). Mean 0.334 s with
    a standard deviation of 0.067 s, closing in 0.092 s (VanderWerf et al. 2003, J. Neurophysiology 89:2784); at most
    0.5 s (Stern, Walrath and Goldstein 1984, Psychophysiology 21:22). About half of them are partial (Ousler et al.
    2014, Clinical Ophthalmology 8:869).

No corpus states how far the skin moves in an expression. The amplitudes are ours: between 0.6 and 3.2 per cent of the
eye distance for micro-expressions, 0.7 to 3.8 pixels where the eyes are 120 apart.
"""

from __future__ import annotations

import math
from types import MappingProxyType

import numpy as np

from facespot.values import Kind

MICRO_SHORTEST_S, MICRO_LONGEST_S = 1 / 25, 0.5
MACRO_SHORTEST_S, MACRO_LONGEST_S = 0.5, 4.0
PUBLISHED_MEAN_S = MappingProxyType({"micro": (0.36, 0.42), "macro": (1.2, 2.2)})

MICRO_AMPLITUDE = (0.006, 0.032)
MICRO_AMPLITUDE_MEDIAN = 0.015
MACRO_STRENGTH = (0.55, 1.0)
"""Strength of the strongest action unit of a macro-expression at its apex; 1 is the most that a person shows."""

VISIBLE_AMPLITUDE = 1 / 600
"""Facial motion that counts as visible, as a share of the eye distance: 0.2 pixels where the eyes are 120 apart, about
the noise of a camera. Onset and offset are the first and the last frame that moves so far."""

BLINK_MEAN_S, BLINK_DEVIATION_S = 0.334, 0.067
BLINK_SHORTEST_S, BLINK_LONGEST_S = 0.15, 0.5
BLINK_CLOSING = 0.28
"""Share of a blink in which the lids close; they stay shut for `BLINK_SHUT` of it, then open."""
BLINK_SHUT = 0.10
BLINKS_A_MINUTE = 17.0
PARTIAL_BLINKS = 0.5

OVERLAPPING_PAIRS = 16 / 357

#: How often each emotion is shown. SAMM's and CASME II's classes are far from even; an even mix serves training better.
EMOTION_SHARES = MappingProxyType(
    {
        "happiness": 0.18,
        "disgust": 0.13,
        "surprise": 0.15,
        "anger": 0.13,
        "sadness": 0.10,
        "fear": 0.09,
        "contempt": 0.07,
        "others": 0.15,
    }
)


def draw_duration(kind: Kind, fps: float, rng: np.random.Generator) -> float:
    """Visible duration of an expression in seconds.

    Kept one frame inside the limits of its type, and at least two frames long, so that the counted frames keep them.
    """
    if kind == "micro":
        low, high = max(MICRO_SHORTEST_S, 2.0 / fps), MICRO_LONGEST_S - 1.0 / fps
        return float(low + (high - low) * rng.beta(3.9, 1.15))
    low = MACRO_SHORTEST_S + 1.0 / fps
    while True:
        drawn = float(rng.lognormal(math.log(1.42), 0.46))
        if low <= drawn <= MACRO_LONGEST_S - 1.0 / fps:
            return drawn


def draw_micro_amplitude(rng: np.random.Generator) -> float:
    """Largest facial motion of a micro-expression as a share of the eye distance."""
    while True:
        drawn = float(rng.lognormal(math.log(MICRO_AMPLITUDE_MEDIAN), 0.38))
        if MICRO_AMPLITUDE[0] <= drawn <= MICRO_AMPLITUDE[1]:
            return drawn


def draw_macro_strength(rng: np.random.Generator) -> float:
    """Strength of the strongest action unit of a macro-expression."""
    low, high = MACRO_STRENGTH
    return float(low + (high - low) * rng.beta(2.0, 1.6))


def draw_blink_duration(rng: np.random.Generator) -> float:
    """Duration of a blink in seconds."""
    while True:
        drawn = float(rng.normal(BLINK_MEAN_S, BLINK_DEVIATION_S))
        if BLINK_SHORTEST_S <= drawn <= BLINK_LONGEST_S:
            return drawn


def draw_blink_depth(rng: np.random.Generator) -> float:
    """How far the lids close: 1 for a whole blink, a quarter to three quarters for a partial one."""
    return float(rng.uniform(0.25, 0.8)) if rng.random() < PARTIAL_BLINKS else 1.0


def draw_emotion(rng: np.random.Generator) -> str:
    """Name of an emotion."""
    names, shares = zip(*EMOTION_SHARES.items(), strict=True)
    return str(rng.choice(names, p=np.array(shares) / sum(shares)))
