"""TV-L1 optical flow in Numba, many times faster than OpenCV's on one thread.

Minimised, from coarse to fine, is the energy of Zach, Pock and Bischof (2007)::

    E(u) = integral of |grad u| + |grad v| + lambda |rho(u, v)|
    rho(u, v) = I1(x + u0, y + v0) + (u - u0) dI1/dx + (v - v0) dI1/dy - I0(x, y)

where ``I0`` and ``I1`` are the first and the second image, ``(u, v)`` is the flow and ``(u0, v0)`` its value at the
last warp. An auxiliary flow near ``(u, v)`` splits the problem in two: with ``(u, v)`` fixed it is found point by point
by a threshold (TH); with it fixed, ``u`` and ``v`` are denoised by Chambolle's dual variables ``p``. Each step is a
function in `facespot.features.tvl1_steps`; here are the settings and the engine.

Unlike in OpenCV's ``DualTVL1OpticalFlow`` the images are smoothed before their pyramid is made (as in IPOL 2013), the
number of iterations is fixed, a median filter follows each warp (Wedel et al. 2009), the gradient is the
mean of both images', and a point whose target lies outside the image is left to the regularisation.

References
----------
C. Zach, T. Pock, H. Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM 2007.
J. Sanchez Perez, E. Meinhardt-Llopis, G. Facciolo, "TV-L1 Optical Flow Estimation", Image Processing On Line 3, 2013.
A. Wedel, T. Pock, C. Zach, H. Bischof, D. Cremers, "An Improved Algorithm for TV-L1 Optical Flow", 2009.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np

from facespot.errors import SettingsError
from facespot.features.flow import check_pairs, settings_of
from facespot.features.tvl1_steps import flow_of_pair
from facespot.values import ByteImage, FloatArray, Setting


@dataclass(frozen=True)
class TVL1Settings:
    """Settings of the TV-L1 flow.

    Parameters
    ----------
    scales : int
        Levels of the image pyramid, >= 1; fewer where the smallest would be under 16 pixels. Ours, measured.
    scale_step : float
        Size of a level over that of the next finer one, in (0, 1). IPOL: 0.5; OpenCV: 0.8.
    warps : int
        Warps of the second image per level. IPOL and OpenCV: 5. Ours, measured.
    iterations : int
        Threshold and dual updates per warp. OpenCV: up to 10 x 30. Ours, measured.
    tau : float
        Time step of the dual update, in (0, 0.25] for convergence. IPOL and OpenCV: 0.25.
    lambda_ : float
        Weight of the data term per grey level (0..255). IPOL and OpenCV: 0.15.
    theta : float
        Tightness between the flow and the auxiliary flow, in square pixels per unit of energy. IPOL and OpenCV: 0.3.
    smoothing : float
        Standard deviation in pixels of the Gaussian filter of both images at full size; 0 for none. IPOL: 0.8.
    median_filter : bool
        Whether a 3 x 3 median filter follows each warp. Wedel et al. 2009.
    """

    scales: int = 3
    scale_step: float = 0.5
    warps: int = 3
    iterations: int = 35
    tau: float = 0.25
    lambda_: float = 0.15
    theta: float = 0.3
    smoothing: float = 0.8
    median_filter: bool = True

    def __post_init__(self) -> None:
        for name in ("scales", "warps", "iterations"):
            if getattr(self, name) < 1:
                raise SettingsError(f"tvl1 {name}", f"{getattr(self, name)} is below 1", "use a whole number from 1")
        for name, largest in (("tau", 0.25), ("lambda_", math.inf), ("theta", math.inf)):
            if not 0 < getattr(self, name) <= largest:
                raise SettingsError(
                    f"tvl1 {name}", f"{getattr(self, name)} is out of range", f"use a value above 0, up to {largest}"
                )
        if not 0 < self.scale_step < 1:
            raise SettingsError("tvl1 scale_step", f"{self.scale_step} is out of range", "use a value between 0 and 1")
        if not 0 <= self.smoothing < 10:
            raise SettingsError("tvl1 smoothing", f"{self.smoothing} is out of range", "use 0 to 10 pixels")


class TVL1Flow:
    """TV-L1 flow engine of facespot.

    Parameters
    ----------
    settings : TVL1Settings, optional
        Settings of the algorithm.
    workers : int
        Threads, each of which works on pairs of its own; the flow does not depend on their number.

    >>> import numpy as np
    >>> images = np.zeros((2, 20, 30), np.uint8)
    >>> TVL1Flow().flow(images, images).shape
    (2, 20, 30, 2)
    """

    name = "tvl1"
    version = 1

    def __init__(self, settings: TVL1Settings | None = None, *, workers: int = 1) -> None:
        if workers < 1:
            raise SettingsError("workers", f"{workers} threads", "use at least 1")
        self._settings = settings or TVL1Settings()
        self._workers = workers

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Every setting that changes the flow."""
        return asdict(self._settings)

    def flow(self, first: ByteImage | FloatArray, second: ByteImage | FloatArray) -> FloatArray:
        """Motion from each first image to its second, as `facespot.features.flow.FlowEngine` says."""
        check_pairs(first, second)
        flows = np.empty((*first.shape, 2), np.float32)
        s = self._settings

        def fill(pair: int) -> None:
            images = [np.ascontiguousarray(batch[pair], dtype=np.float32) for batch in (first, second)]
            numbers = np.array([s.tau, s.lambda_, s.theta, s.smoothing, s.scale_step])
            flow_of_pair(images[0], images[1], s.scales, s.warps, s.iterations, numbers, s.median_filter, flows[pair])

        if self._workers == 1 or len(first) < 2:
            for pair in range(len(first)):
                fill(pair)
        else:
            with ThreadPoolExecutor(self._workers) as pool:
                list(pool.map(fill, range(len(first))))
        return flows


def load_tvl1(*, workers: int = 1, **settings: Setting) -> TVL1Flow:
    """Engine with the given settings, the fields of `TVL1Settings`; for `facespot.features.flow.load_flow_engine`."""
    return TVL1Flow(settings_of("tvl1", TVL1Settings, settings), workers=workers)
