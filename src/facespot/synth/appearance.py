"""What a person looks like: shape, skin, brows, hair, beard, eyes, shirt; drawn at random, painted by rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from facespot.errors import SettingsError
from facespot.synth.procedural import linear
from facespot.values import FloatArray
from facespot.values.arrays import read_only

HAIR_STYLES = ("bald", "shaved", "short", "full", "long")
N_IDENTITY = 100

# Diffuse colour of skin, sRGB, in ten steps in the order of the Monk Skin Tone scale (1 lightest, 10 darkest). The
# colours are ours: the swatches of the scale show lit skin, a renderer needs it unlit.
SKIN_TONES: Final = (
    (233, 200, 181), (226, 189, 167), (216, 175, 150), (204, 158, 130), (186, 138, 109),
    (162, 115, 88), (137, 94, 70), (114, 77, 57), (96, 65, 49), (80, 55, 43),
)  # fmt: skip
# sRGB; dark first, so that dark skin can draw from the head of the table.
HAIR_COLOURS: Final = (
    (24, 20, 19), (38, 29, 25), (56, 39, 30), (79, 55, 38), (106, 76, 50), (132, 99, 64), (152, 122, 80), (118, 58, 34),
    (104, 101, 98), (138, 135, 131),
)  # fmt: skip
# sRGB of the outer and the inner part of the iris: brown, dark brown, hazel, green, blue, grey.
EYE_COLOURS: Final = (
    ((74, 46, 28), (96, 60, 34)), ((48, 30, 20), (62, 40, 26)), ((92, 76, 44), (126, 88, 48)),
    ((84, 104, 76), (122, 112, 66)), ((86, 120, 150), (112, 136, 150)), ((104, 116, 122), (122, 128, 126)),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Appearance:
    """One person; lengths in centimetres on the generic face, colours linear RGB, amounts 0..1.

    Parameters
    ----------
    identity : (k,) float32 array
        Weights of the model's identity modes, in standard deviations.
    skin_tone : float
        Place on `SKIN_TONES`, 1 to 10.
    skin : tuple of float
        Its diffuse colour, undertone included.
    redness, freckles, age : float
        Flush of cheeks and nose, cover with freckles, depth of lines at rest.
    moles : int
    lip_redness : float
    brow_colour : tuple of float
    brow_thickness, brow_density : float
        Factors, 1 for an average brow.
    brow_height : float
        Shift upwards.
    hair_style : str
        One of `HAIR_STYLES`.
    hair_colour : tuple of float
    hairline : float
        Shift of the front hair line upwards.
    hair_volume : float
        Thickness of the hair on top.
    stubble, beard, moustache : float
        Cover of the beard region with short, and with long hair, and of the upper lip.
    eye_colour, eye_centre_colour : tuple of float
        Outer and inner part of the iris.
    lashes : float
        Factor on the lashes' thickness.
    shirt : tuple of float
    seed : int
        Chooses the patterns: pores, moles, strands.
    """

    identity: FloatArray
    skin_tone: float
    skin: tuple[float, float, float]
    redness: float
    freckles: float
    age: float
    moles: int
    lip_redness: float
    brow_colour: tuple[float, float, float]
    brow_thickness: float
    brow_density: float
    brow_height: float
    hair_style: str
    hair_colour: tuple[float, float, float]
    hairline: float
    hair_volume: float
    stubble: float
    beard: float
    moustache: float
    eye_colour: tuple[float, float, float]
    eye_centre_colour: tuple[float, float, float]
    lashes: float
    shirt: tuple[float, float, float]
    seed: int

    def __post_init__(self) -> None:
        if self.hair_style not in HAIR_STYLES:
            known = ", ".join(HAIR_STYLES)
            raise SettingsError("hair_style", f"{self.hair_style!r} is unknown", f"choose one of {known}")
        object.__setattr__(self, "identity", read_only(np.asarray(self.identity, dtype=np.float32)))

    @classmethod
    def draw(cls, rng: np.random.Generator, n_identity: int = N_IDENTITY) -> Appearance:
        """Draw a person at random; `n_identity` is the model's number of identity modes.

        Shape: weights N(0, 0.9), clipped at 2, which keeps the faces plausible. Tone: even over the scale. Hair and
        eyes lighter than brown only on the lighter tones.
        """
        identity = np.clip(rng.normal(0.0, 0.9, n_identity), -2.0, 2.0).astype(np.float32)
        tone = float(rng.uniform(1.0, 10.0))
        light = float(np.clip((6.5 - tone) / 3.0, 0.0, 1.0))
        skin = _tone_colour(tone) * (1.0 + rng.normal(0.0, [0.02, 0.03, 0.05])).astype(np.float32)
        age = float(rng.beta(1.3, 2.2))
        bearded = bool(rng.random() < 0.5)
        styles = (0.05, 0.13, 0.52, 0.27, 0.03) if bearded else (0.01, 0.03, 0.29, 0.22, 0.45)
        style = str(rng.choice(HAIR_STYLES, p=styles))
        if age > 0.72 and rng.random() < 0.7:
            hair_index = int(rng.integers(8, 10))
        else:
            hair_index = int(rng.choice(8, p=_lean([22, 20, 17, 13, 10, 8, 6, 4], light)))
        hair = _vary(HAIR_COLOURS[hair_index], rng, 0.10)
        brow_index = min(hair_index, 4) if hair_index < 8 else int(rng.choice([2, 3, 8]))
        brow = _vary(HAIR_COLOURS[brow_index], rng, 0.10)
        outer, inner = EYE_COLOURS[int(rng.choice(6, p=_lean([30, 26, 12, 10, 14, 8], light, keep=2)))]
        facial = rng.random() if bearded else 1.0
        beard, moustache, stubble = 0.0, 0.0, 0.0
        if facial < 0.22:
            beard = moustache = float(rng.uniform(0.7, 1.0))
        elif facial < 0.32:
            moustache = float(rng.uniform(0.6, 1.0))
        elif facial < 0.72:
            stubble = float(rng.uniform(0.15, 0.9))
        return cls(
            identity=identity,
            skin_tone=tone,
            skin=_triple(skin),
            redness=float(rng.uniform(0.2, 1.0)) * (0.45 + 0.55 * light),
            freckles=float(rng.uniform(0.3, 1.0)) * light if rng.random() < 0.3 else 0.05,
            age=age,
            moles=int(rng.poisson(2.5)),
            lip_redness=float(rng.uniform(0.25, 0.6) if bearded else rng.uniform(0.4, 1.0)),
            brow_colour=brow,
            brow_thickness=float(rng.uniform(0.85, 1.45) if bearded else rng.uniform(0.55, 1.1)),
            brow_density=float(rng.uniform(0.7, 1.0)),
            brow_height=float(rng.uniform(-0.22, 0.18)),
            hair_style=style,
            hair_colour=hair,
            hairline=float(rng.normal(0.0, 0.45) + (1.6 * age * rng.random() if bearded else 0.0)),
            hair_volume=float(rng.uniform(1.2, 2.3) if style == "full" else rng.uniform(0.7, 1.45)),
            stubble=stubble,
            beard=beard,
            moustache=moustache,
            eye_colour=_vary(outer, rng, 0.12),
            eye_centre_colour=_vary(inner, rng, 0.12),
            lashes=float(rng.uniform(0.6, 0.9) if bearded else rng.uniform(0.8, 1.15)),
            shirt=_shirt_colour(rng),
            seed=int(rng.integers(2**20)),
        )


def _shirt_colour(rng: np.random.Generator) -> tuple[float, float, float]:
    grey = rng.uniform(35, 205)
    return _triple(linear(*np.clip(grey + rng.normal(0.0, 22.0, 3), 15, 225)))


def _tone_colour(tone: float) -> FloatArray:
    table = np.stack([linear(*colour) for colour in SKIN_TONES])
    place = np.clip(tone - 1.0, 0.0, len(table) - 1.0)
    below = min(int(place), len(table) - 2)
    return np.asarray(table[below] + (table[below + 1] - table[below]) * (place - below), dtype=np.float32)


def _lean(shares: list[float], light: float, keep: int = 3) -> FloatArray:
    """Probabilities of the shares, those after the first `keep` scaled by `light`."""
    weights = np.array(shares, dtype=np.float64)
    weights[keep:] *= light
    return np.asarray(weights / weights.sum())


def _vary(colour: tuple[int, int, int], rng: np.random.Generator, spread: float) -> tuple[float, float, float]:
    return _triple(linear(*colour) * np.exp(rng.normal(0.0, spread)))


def _triple(values: FloatArray) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return (red, green, blue)
