"""Optical flow engines on one thread: time per pair and end-point error on exact warps.

Two textures of 128 x 128 pixels: a portrait photograph (from Matplotlib's sample data) that is three times as fine as
the images made of it, and sums of sinusoids. Motion: five smooth bumps; both images get Gaussian noise and are rounded
to 8 bits. The error is the mean distance to the true motion where that is above a tenth of its peak.

Run: python benchmarks/flow.py
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.image import imread
from numpy.typing import NDArray
from scipy import ndimage

from facespot.features.flow import FlowEngine, load_flow_engine

SIZE = 128
PEAKS_PX = (0.1, 0.25, 0.5, 1.0, 2.0)
NOISE_LEVELS = 1.5
ENGINES = (
    ("opencv-tvl1", {}),
    ("tvl1", {}),
    ("farneback", {}),
    ("dis", {"preset": "medium"}),
    ("dis-fine", {}),
    ("dis", {"preset": "fast"}),
    ("dis", {"preset": "ultrafast"}),
)
Array = NDArray[np.floating]
Texture = Callable[[Array, Array], Array]


def photograph(seed: int) -> Texture:
    """Grey levels of a portrait at any (x, y), by cubic splines."""
    pixels = imread(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg") @ [0.299, 0.587, 0.114]
    left, top = np.random.default_rng(seed).integers(60, 90), np.random.default_rng(seed + 1).integers(10, 40)
    scale = 400 / SIZE
    spline = ndimage.spline_filter(ndimage.gaussian_filter(pixels[top : top + 400, left : left + 400], scale / 2), 3)

    def grey(x: Array, y: Array) -> Array:
        places = [(y + 0.5) * scale - 0.5, (x + 0.5) * scale - 0.5]
        return ndimage.map_coordinates(spline, places, order=3, mode="nearest", prefilter=False)

    return grey


def waves(seed: int) -> Texture:
    """Grey levels at any (x, y): sinusoids of 4 to 80 pixels, long ones stronger, 30 levels root mean square."""
    rng = np.random.default_rng(seed)
    wavelengths = np.exp(rng.uniform(np.log(4), np.log(80), 160))
    angles, phases = rng.uniform(0, 2 * np.pi, (2, 160))
    amplitudes = wavelengths**0.8
    amplitudes *= 30 / np.sqrt((amplitudes**2).sum() / 2)

    def grey(x: Array, y: Array) -> Array:
        total = np.full(x.shape, 128.0)
        for wavelength, angle, phase, amplitude in zip(wavelengths, angles, phases, amplitudes, strict=True):
            total += amplitude * np.cos(2 * np.pi / wavelength * (np.cos(angle) * x + np.sin(angle) * y) + phase)
        return total

    return grey


def bumps(seed: int, peak_px: float) -> Array:
    """Five smooth local motions (SIZE, SIZE, 2), the strongest of `peak_px` pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    motion = np.zeros((SIZE, SIZE, 2))
    for _ in range(5):
        centre_x, centre_y = rng.uniform(0.15 * SIZE, 0.85 * SIZE, 2)
        width, angle = rng.uniform(0.05, 0.11) * SIZE, rng.uniform(0, 2 * np.pi)
        bump = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / (2 * width**2))
        motion += bump[..., np.newaxis] * [np.cos(angle), np.sin(angle)]
    return motion * peak_px / np.hypot(motion[..., 0], motion[..., 1]).max()


def warped_pair(texture: Texture, motion: Array, seed: int) -> list[NDArray[np.uint8]]:
    """Two images of which the second, sampled at (x + u, y + v), is exactly the first, but for noise."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    rng = np.random.default_rng(seed)
    images = texture(x + motion[..., 0], y + motion[..., 1]), texture(x, y)
    noisy = (image + rng.normal(0, NOISE_LEVELS, image.shape) for image in images)
    return [np.clip(np.rint(image), 0, 255).astype(np.uint8) for image in noisy]


def end_point_error(flow: Array, motion: Array) -> float:
    """Mean distance to the true motion inside the moving regions, in pixels."""
    strength = np.hypot(motion[..., 0], motion[..., 1])
    error = np.hypot(flow[..., 0] - motion[..., 0], flow[..., 1] - motion[..., 1])
    return float(error[strength > 0.1 * strength.max()].mean())


def measure(engine: FlowEngine, cases: list[list[tuple[list[NDArray[np.uint8]], Array]]]) -> tuple[float, list[float]]:
    """Median milliseconds per pair, and the mean error of each case."""
    seconds, errors = [], []
    engine.flow(*(image[np.newaxis] for image in cases[0][0][0]))
    for case in cases:
        of_case = []
        for images, motion in case:
            first, second = (image[np.newaxis] for image in images)
            start = time.perf_counter()
            flow = engine.flow(first, second)
            seconds.append(time.perf_counter() - start)
            of_case.append(end_point_error(flow[0], motion))
        errors.append(float(np.mean(of_case)))
    return 1e3 * float(np.median(seconds)), errors


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=8, help="pairs per texture and peak motion (default 8)")
    pairs = parser.parse_args().pairs
    cv2.setNumThreads(1)
    cases = []
    for make in (photograph, waves):
        for peak_px in PEAKS_PX:
            motions = [bumps(100 + seed, peak_px) for seed in range(pairs)]
            cases.append([(warped_pair(make(seed), motion, seed), motion) for seed, motion in enumerate(motions)])
    print(f"{SIZE} x {SIZE} pixels, one thread, {pairs} pairs per texture and peak, noise {NOISE_LEVELS} grey levels")
    print(f"Python {platform.python_version()}, OpenCV {cv2.__version__}, {platform.machine()}\n")
    peaks = " / ".join(f"{peak:g}" for peak in PEAKS_PX)
    print(f"| Engine | ms per pair | pairs/s over OpenCV TV-L1 | error in px at {peaks} px, photograph | waves |")
    print("|---|---|---|---|---|")
    baseline_ms = None
    for name, settings in ENGINES:
        milliseconds, errors = measure(load_flow_engine(name, **settings), cases)
        baseline_ms = baseline_ms or milliseconds
        label = " ".join([name, *settings.values()])
        photo, wave = (" ".join(f"{error:.4f}" for error in part) for part in (errors[:5], errors[5:]))
        print(f"| {label} | {milliseconds:.2f} | {baseline_ms / milliseconds:.1f} | {photo} | {wave} |", flush=True)


if __name__ == "__main__":
    main()
