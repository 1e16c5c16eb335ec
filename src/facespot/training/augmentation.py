"""Altered copies of 42x42 motion images, SOFTNet section 2.3: mirrored, blurred, with noise.

All take and give (n, h, w, c) float32 arrays in 0..1, scaled by channel as the networks see them.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from facespot.values import FloatArray

Noise: TypeAlias = Literal["code", "paper"]
Variant: TypeAlias = Literal["plain", "flip", "blur", "noise"]
VARIANTS: tuple[Variant, ...] = ("plain", "flip", "blur", "noise")
BLUR_SIZE = 7


def flip(images: FloatArray, *, signed: bool) -> FloatArray:
    """Mirror left and right.

    Parameters
    ----------
    images : (n, h, w, 3) float32 array
        u, v, strain.
    signed : bool
        Whether u keeps its sign: a mirrored face then moves the other way, which in a channel scaled to 0..1 turns x
        into 1 - x. A channel without motion stays 0.
    """
    mirrored = images[:, :, ::-1].copy()
    if signed:
        moves = mirrored[..., 0].max(axis=(1, 2)) > 0
        mirrored[moves, ..., 0] = 1.0 - mirrored[moves, ..., 0]
    return mirrored


def blur(images: FloatArray) -> FloatArray:
    """Gaussian blur with a 7x7 window, as the authors' program calls OpenCV: without a sigma.

    OpenCV then takes the weights (2, 7, 14, 18, 14, 7, 2) / 64 in each direction, near a Gaussian of sigma 1.4 pixels;
    beyond the border the image is reflected, its last pixel not repeated.
    """
    import cv2

    return np.stack([cv2.GaussianBlur(image, (BLUR_SIZE, BLUR_SIZE), 0) for image in images])


def add_noise(images: FloatArray, rng: np.random.Generator, noise: Noise = "code") -> FloatArray:
    """Add Gaussian noise: variance 0.01 and clipped to 0..1 (authors' program), or N(0, 1) as printed (paper)."""
    drawn = rng.standard_normal(images.shape, dtype=np.float32)
    if noise == "paper":
        return images + drawn
    clipped: FloatArray = np.clip(images + np.float32(0.1) * drawn, 0.0, 1.0)
    return clipped


def vary(
    images: FloatArray, variants: np.ndarray, rng: np.random.Generator, *, signed: bool, noise: Noise
) -> FloatArray:
    """Each image in its variant.

    Parameters
    ----------
    images : (n, h, w, 3) float32 array
    variants : (n,) int array
        Index into `VARIANTS`.
    """
    varied = images
    for number, name in enumerate(VARIANTS):
        chosen = variants == number
        if name == "plain" or not chosen.any():
            continue
        if varied is images:
            varied = images.copy()
        if name == "flip":
            varied[chosen] = flip(images[chosen], signed=signed)
        elif name == "blur":
            varied[chosen] = blur(images[chosen])
        else:
            varied[chosen] = add_noise(images[chosen], rng, noise)
    return varied
