"""Optical flow behind one small interface: pairs of grey images in, motion in pixels out.

Engines are loaded by name, and only then are their libraries imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from facespot.errors import MissingDependencyError, SettingsError
from facespot.values import ByteImage, FloatArray, Setting

ENGINES: dict[str, str] = {
    "tvl1": "facespot.features.tvl1:load_tvl1",
    "opencv-tvl1": "facespot.features.opencv_flow:load_opencv_tvl1",
    "farneback": "facespot.features.opencv_flow:load_farneback",
    "dis": "facespot.features.opencv_flow:load_dis",
    "dis-fine": "facespot.features.opencv_flow:load_dis_fine",
}
SMALLEST_SIDE = 16


class FlowEngine(Protocol):
    """What every flow engine offers."""

    @property
    def name(self) -> str:
        """Key of `ENGINES`."""

    @property
    def version(self) -> int:
        """Raised whenever the engine computes something else for the same settings."""

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Every setting that changes the flow."""

    def flow(self, first: ByteImage | FloatArray, second: ByteImage | FloatArray) -> FloatArray:
        """Motion from each first image to its second.

        Parameters
        ----------
        first, second : (n, h, w) uint8 or float32 array
            Grey levels, 0..255; at least 16 x 16 pixels.

        Returns
        -------
        (n, h, w, 2) float32 array
            u (right) and v (down) in pixels: what is at (x, y) in the first image is at (x + u, y + v) in the second.

        Raises
        ------
        ValueError
            Where the arrays are not such pairs.
        """


def load_flow_engine(name: str, *, workers: int = 1, **settings: Setting) -> FlowEngine:
    """Flow engine of that name.

    Parameters
    ----------
    name : str
        Key of `ENGINES`.
    workers : int
        Threads that share the pairs; the flow does not depend on their number.
    **settings : str, int, float, bool or None
        Settings of the engine, see its module; those not given have their default.

    Raises
    ------
    SettingsError
        Where the engine or a setting is unknown or out of range.
    MissingDependencyError
        Where a library of the engine cannot be loaded.

    >>> load_flow_engine("magic")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    facespot.errors.SettingsError: flow engine: 'magic' is unknown; choose one of tvl1, ..., dis-fine
    """
    if name not in ENGINES:
        raise SettingsError("flow engine", f"{name!r} is unknown", f"choose one of {', '.join(ENGINES)}")
    if workers < 1:
        raise SettingsError("workers", f"{workers} threads", "use at least 1")
    module, loader = ENGINES[name].split(":")
    try:
        load = getattr(import_module(module), loader)
    except ImportError as error:
        raise MissingDependencyError(f"flow engine {name}", f"cannot be loaded ({error})", _remedy(error)) from error
    return cast(FlowEngine, load(workers=workers, **settings))


def _remedy(error: ImportError) -> str:
    shared_libraries = ("libGL", "libgthread", "libglib")
    if any(library in str(error) for library in shared_libraries):
        return "install the system libraries of OpenCV (Debian, Ubuntu: apt-get install libgl1 libglib2.0-0)"
    return f"install it with: pip install {'numba' if 'numba' in str(error) else 'opencv-contrib-python'}"


def settings_of(engine: str, factory: type[Any], settings: Mapping[str, Setting]) -> Any:
    """Settings dataclass `factory` from keywords.

    Raises
    ------
    SettingsError
        Where a keyword is no field of it.
    """
    fields = factory.__dataclass_fields__
    unknown = sorted(set(settings) - set(fields))
    if unknown:
        raise SettingsError(f"flow engine {engine}", f"{unknown[0]!r} is unknown", f"choose from {', '.join(fields)}")
    return factory(**settings)


def check_pairs(first: NDArray[Any], second: NDArray[Any]) -> None:
    """Raise ValueError where the two arrays are not pairs of grey images as `FlowEngine.flow` wants them."""
    for images in (first, second):
        if images.dtype not in (np.uint8, np.float32):
            raise ValueError(f"grey images must be uint8 or float32, got {images.dtype}")
        if images.dtype == np.float32 and not np.isfinite(images).all():
            raise ValueError("grey images must be finite")
    if first.shape != second.shape or first.ndim != 3:
        raise ValueError(f"pairs of images need two equal shapes (n, h, w), got {first.shape} and {second.shape}")
    if min(first.shape[1:]) < SMALLEST_SIDE:
        raise ValueError(f"images must be at least {SMALLEST_SIDE} pixels high and wide, got {first.shape[1:]}")
