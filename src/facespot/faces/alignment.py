"""Upright face crops from which the motion of the head is taken out (FESNet, section 3.2).

Eyes and nose of the landmarks are laid on those of a mean face by a similarity transform: shift, turn and scale. Every
landmark is a little off, another way in each frame, and a crop that followed it would shake. So the transforms are
smoothed over time before the frames are resampled.

A transform is kept as four numbers: x and y of the crop's centre in the image in pixels, the turn in radians (positive
from x to y), and the logarithm of the image pixels per crop pixel. As such they can be averaged.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from facespot.values import ByteImage, FloatArray

ALIGNED_SIZE = 112
"""Side of an aligned crop in pixels (section 3.2)."""
ALIGNMENT_POINTS = (36, 39, 42, 45, 27, 28, 29, 30, 33)
"""Corners of the eyes, ridge and base of the nose: what an expression moves least."""
SAME_SCALE = 1e-6
"""A scale this near to a whole number is one."""
MEAN_POINTS = np.array(
    [
        (24.1, 28.0),
        (42.9, 28.5),
        (68.1, 28.5),
        (86.9, 28.0),
        (55.5, 25.4),
        (55.5, 33.1),
        (55.5, 40.1),
        (55.5, 48.6),
        (55.5, 58.7),
    ]
)
"""Where these points of a mean face lie in the crop, pixels: the middles of the eyes 44 pixels apart, so that a raised
brow and the chin are inside. Ours: median landmarks of ten rendered faces, averaged and made symmetric."""


def alignment(landmarks: FloatArray) -> NDArray[np.float64]:
    """The similarity transform that lays the aligned crop on a face, by least squares in the crop.

    Parameters
    ----------
    landmarks : (68, 2) float array
        The 68 points in pixels of the image.

    Returns
    -------
    (4,) float64 array
        x, y, turn and log scale, see the module's text.

    Raises
    ------
    ValueError
        All eye and nose points coincide.
    """
    points = np.asarray(landmarks, dtype=np.float64)[list(ALIGNMENT_POINTS)] @ (1.0, 1.0j)
    wanted = (MEAN_POINTS - (ALIGNED_SIZE - 1) / 2) @ (1.0, 1.0j)
    middle, target = points.mean(), wanted.mean()
    spread = float(np.sum(np.abs(points - middle) ** 2))
    # The mean of equal numbers may differ from them in the last digit.
    apart = spread > 1e-20 * float(np.sum(np.abs(points) ** 2))
    factor = np.sum(np.conj(points - middle) * (wanted - target)) / spread if apart else 0.0
    if factor == 0:
        raise ValueError("the points of eyes and nose coincide")
    # Crop = factor * (image - middle) + target; the crop's centre is 0.
    centre = middle - target / factor
    return np.array([centre.real, centre.imag, -np.angle(factor), -math.log(abs(factor))])


def smoothing_radius(sigma_frames: float) -> int:
    """Frames before and after each one that count when it is smoothed: three standard deviations."""
    return math.ceil(3 * sigma_frames)


def smoothed_at(transforms: NDArray[np.float64], place: int, sigma_frames: float) -> NDArray[np.float64] | None:
    """The transform of one of several consecutive frames after a Gaussian over time.

    Parameters
    ----------
    transforms : (n, 4) float64 array
        As `alignment` gives them; NaN in frames without landmarks, which their neighbours fill in.
    place : int
        Which of the frames.
    sigma_frames : float
        Standard deviation of the Gaussian, which ends after `smoothing_radius`; 0 leaves the transform as it is.

    Returns
    -------
    (4,) float64 array or None
        None where no landmarks are near enough.
    """
    offsets = np.arange(len(transforms)) - place
    near = (np.abs(offsets) <= smoothing_radius(sigma_frames)) & np.isfinite(transforms).all(axis=-1)
    if not near.any():
        return None
    weights = np.exp(-0.5 * (offsets[near] / sigma_frames) ** 2) if sigma_frames > 0 else np.ones(1)
    return np.asarray(weights @ transforms[near] / weights.sum())


def aligned_crop(image: ByteImage, transform: NDArray[np.float64], size: int = ALIGNED_SIZE) -> ByteImage:
    """Resample an image to the aligned crop.

    Cubic interpolation; where a face is larger than in the crop, each pixel is the mean of a square of finer ones. Else
    fine patterns would turn into coarse ones, which change whenever the head moves by a fraction of a pixel: on a
    rendered face 1.3 to 2.6 times as large, by twice as many grey levels. Nothing depends on where the image begins.

    Parameters
    ----------
    image : (h, w, 3) uint8 array
    transform : (4,) float64 array
        As `alignment` gives it.
    size : int
        Side of the crop; another one than `ALIGNED_SIZE` shows the same part of the image, coarser or finer.

    Returns
    -------
    (size, size, 3) uint8 array
        Beyond the image its edge pixels are repeated.
    """
    import cv2

    x, y, turn, log_scale = (float(value) for value in transform)
    scale = math.exp(log_scale) * ALIGNED_SIZE / size
    finer = 1 if scale <= 1 + SAME_SCALE else max(2, math.ceil(scale - SAME_SCALE))
    side, step = size * finer, scale / finer
    cosine, sine, middle = step * math.cos(turn), step * math.sin(turn), (side - 1) / 2
    to_image = np.array(
        [
            [cosine, -sine, x - middle * (cosine - sine)],
            [sine, cosine, y - middle * (sine + cosine)],
        ]
    )
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    sampled = cv2.warpAffine(image, to_image, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(sampled, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def to_aligned(points: FloatArray, transform: NDArray[np.float64], size: int = ALIGNED_SIZE) -> FloatArray:
    """Where points of the image lie in the aligned crop.

    Parameters
    ----------
    points : (n, 2) float array
        x, y in pixels of the image.
    transform, size
        As in `aligned_crop`.

    Returns
    -------
    (n, 2) float32 array
        x, y in pixels of the crop, the centre of its first pixel at (0, 0).
    """
    x, y, turn, log_scale = (float(value) for value in transform)
    scale = math.exp(log_scale) * ALIGNED_SIZE / size
    offsets = (np.asarray(points, dtype=np.float64) - (x, y)) @ (1.0, 1.0j) * np.exp(-1j * turn) / scale
    return np.stack([offsets.real, offsets.imag], axis=-1).astype(np.float32) + np.float32((size - 1) / 2)
