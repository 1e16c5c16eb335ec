"""Optical strain: how strongly the face deforms at each pixel, whatever its rigid motion.

Magnitude of the small-strain tensor of a flow (u, v) (SOFTNet paper, eq. 1-2)::

    e_xx = du/dx    e_yy = dv/dy    e_xy = (du/dy + dv/dx) / 2
    magnitude = sqrt(e_xx^2 + e_yy^2 + 2 e_xy^2) = sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2)
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np

from facespot.errors import SettingsError
from facespot.values import FloatArray

Differences: TypeAlias = Literal["forward", "backward", "central"]


def optical_strain(flow: FloatArray, *, differences: Differences = "forward") -> FloatArray:
    """Magnitude of the optical strain.

    Parameters
    ----------
    flow : (n, h, w, 2) float32 array
        u (right) and v (down) in pixels; at least 2 pixels high and wide.
    differences : {"forward", "backward", "central"}
        How a derivative is taken.

        - ``"forward"``: from each pixel to its right or lower neighbour; the magnitude of the last column is that of
          the column before, then the last row's that of the row above (SOFTNet, authors' code).
        - ``"backward"``: from the left or upper neighbour to each pixel; 0 where there is no neighbour (MEAN, authors'
          code).
        - ``"central"``: half the difference of the two neighbours, one-sided at the border.

    Returns
    -------
    (n, h, w) float32 array
        Strain magnitude, pixels of motion per pixel, >= 0.

    Raises
    ------
    SettingsError
        Where `differences` is none of the three.

    >>> x = np.arange(4, dtype=np.float32)
    >>> stretched = np.zeros((1, 3, 4, 2), np.float32)
    >>> stretched[..., 0] = 0.5 * x
    >>> optical_strain(stretched)[0, 0]
    array([0.5, 0.5, 0.5, 0.5], dtype=float32)
    """
    if differences not in get_args(Differences):
        choices = ", ".join(get_args(Differences))
        raise SettingsError("optical strain", f"differences {differences!r} are unknown", f"choose one of {choices}")
    flow = np.asarray(flow, dtype=np.float32)
    if flow.ndim != 4 or flow.shape[-1] != 2 or min(flow.shape[1:3]) < 2:
        raise ValueError(f"flow must have the shape (n, h, w, 2), at least 2 pixels high and wide, got {flow.shape}")
    strain = np.empty(flow.shape[:-1], dtype=np.float32)
    # One pair at a time stays in the cache: several times faster than the whole batch at once.
    for one, magnitude in zip(flow, strain, strict=True):
        u, v = np.ascontiguousarray(one[..., 0]), np.ascontiguousarray(one[..., 1])
        if differences == "forward":
            magnitude[:-1, :-1] = _magnitude(
                np.diff(u, axis=1)[:-1], np.diff(u, axis=0)[:, :-1], np.diff(v, axis=1)[:-1], np.diff(v, axis=0)[:, :-1]
            )
            magnitude[:, -1] = magnitude[:, -2]
            magnitude[-1] = magnitude[-2]
        elif differences == "backward":
            magnitude[:] = _magnitude(
                np.diff(u, axis=1, prepend=u[:, :1]),
                np.diff(u, axis=0, prepend=u[:1]),
                np.diff(v, axis=1, prepend=v[:, :1]),
                np.diff(v, axis=0, prepend=v[:1]),
            )
        else:
            (u_y, u_x), (v_y, v_x) = np.gradient(u), np.gradient(v)
            magnitude[:] = _magnitude(u_x, u_y, v_x, v_y)
    return strain


def _magnitude(u_x: FloatArray, u_y: FloatArray, v_x: FloatArray, v_y: FloatArray) -> FloatArray:
    shear = u_y + v_x
    magnitude: FloatArray = np.sqrt(u_x * u_x + v_y * v_y + np.float32(0.5) * shear * shear)
    return magnitude
