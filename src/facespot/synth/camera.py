"""The camera, the light and the wall behind the person."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from facespot.errors import SettingsError

SMALLEST_SIDE, LARGEST_SIDE = 256, 1920  # pixels
BACKGROUNDS = ("wall", "gradient", "room")


@dataclass(frozen=True)
class Camera:
    """How and where the person is filmed; a pinhole camera that looks straight at the head.

    Parameters
    ----------
    width, height : int
        Size of the picture in pixels, even, 256 to 1920.
    distance : float
        From the camera to the middle of the head, centimetres; a short one makes the nose large.
    eye_distance : float
        Outer eye corners' distance in the picture at rest, as a share of the shorter side; with the distance it sets
        the focal length.
    centre : tuple of float
        Where the middle of the face lies, as a share of width and height.
    light : tuple of float
        Azimuth (positive to the right of the picture) and elevation of the key light in radians.
    light_colour : tuple of float
        RGB radiance of the key light, linear; about 1.5 for well exposed skin.
    fill : float
        Strength of the light from the other side, as a share of the key light.
    ambient : float
        Factor on the light that comes from everywhere.
    automatic_exposure : bool
        Brighten or darken the whole picture so that the face is neither, as cameras do; partly, as they do.
    background : str
        One of `BACKGROUNDS`.
    background_colour : tuple of float
        Linear RGB, 0..1.
    background_seed : int
        Chooses the pattern of the wall.

    Raises
    ------
    SettingsError
        If a value is outside its range.
    """

    width: int = 320
    height: int = 320
    distance: float = 100.0
    eye_distance: float = 0.27
    centre: tuple[float, float] = (0.5, 0.5)
    light: tuple[float, float] = (-0.55, 0.5)
    light_colour: tuple[float, float, float] = (1.62, 1.55, 1.46)
    fill: float = 0.25
    ambient: float = 1.0
    automatic_exposure: bool = True
    background: str = "wall"
    background_colour: tuple[float, float, float] = (0.28, 0.30, 0.32)
    background_seed: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("width", SMALLEST_SIDE, LARGEST_SIDE), ("height", SMALLEST_SIDE, LARGEST_SIDE), ("distance", 30.0, 500.0),
            ("eye_distance", 0.05, 0.6), ("fill", 0.0, 1.0), ("ambient", 0.0, 3.0),
        ):  # fmt: skip
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise SettingsError(f"camera {name}", f"{value} is not between {low} and {high}", "choose another")
        if self.width % 2 or self.height % 2:
            raise SettingsError("camera size", f"{self.width}x{self.height} is odd", "choose even sides, for H.264")
        if self.background not in BACKGROUNDS:
            known = ", ".join(BACKGROUNDS)
            raise SettingsError("camera background", f"{self.background!r} is unknown", f"choose one of {known}")

    @classmethod
    def draw(cls, rng: np.random.Generator, width: int = 320, height: int = 320) -> Camera:
        """Draw a camera, a light and a wall at random: how a laboratory or a desk may look.

        Distance 60-150 cm, eyes 0.24-0.33 of the shorter side apart, key light from either side or the front,
        neutral, warm or cool.
        """
        azimuth = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 0.85))
        warmth = rng.uniform(-0.10, 0.10)
        strength = rng.uniform(1.40, 1.75)
        grey = rng.uniform(0.06, 0.55)
        tint = rng.normal(0.0, 0.07, 3)
        wall = np.clip(grey * (1.0 + tint), 0.02, 0.9)
        return cls(
            width=width,
            height=height,
            distance=float(rng.uniform(60.0, 150.0)),
            eye_distance=float(rng.uniform(0.24, 0.33)),
            centre=(float(rng.uniform(0.45, 0.55)), float(rng.uniform(0.49, 0.56))),
            light=(azimuth, float(rng.uniform(0.15, 0.75))),
            light_colour=(strength * (1 + warmth), strength, strength * (1 - warmth)),
            fill=float(rng.uniform(0.15, 0.5)),
            ambient=float(rng.uniform(0.75, 1.15)),
            background=str(rng.choice(BACKGROUNDS)),
            background_colour=(float(wall[0]), float(wall[1]), float(wall[2])),
            background_seed=int(rng.integers(2**31)),
        )

    @property
    def key_direction(self) -> tuple[float, float, float]:
        """Unit vector towards the key light: x to the right of the picture, y up, z to the camera."""
        azimuth, elevation = self.light
        flat = math.cos(elevation)
        return (flat * math.sin(azimuth), math.sin(elevation), flat * math.cos(azimuth))
