"""OpenCV's optical flow behind facespot's interface: TV-L1, Farneback and DIS, the references of our own engine.

SOFTNet and MEAN use ``DualTVL1OpticalFlow`` at its defaults. OpenCV's thread count is left as it is; with several
workers each thread has an engine of its own, because OpenCV's objects hold buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from facespot.errors import MissingDependencyError, SettingsError
from facespot.features.flow import check_pairs, settings_of
from facespot.values import ByteImage, FloatArray, Setting

Preset: TypeAlias = Literal["ultrafast", "fast", "medium"]


@dataclass(frozen=True)
class OpenCVTVL1Settings:
    """Settings of ``cv2.optflow.DualTVL1OpticalFlow``; the defaults are OpenCV's.

    Parameters
    ----------
    tau, lambda_, theta : float
        Time step, weight of the data term, tightness; as in `facespot.features.tvl1.TVL1Settings`.
    scales : int
        Levels of the pyramid.
    scale_step : float
        Size of a level over that of the next finer one.
    warps : int
        Warps per level.
    epsilon : float
        Iterations end where the mean squared change of the flow falls below its square (pixels).
    inner_iterations, outer_iterations : int
        Iterations between median filters, and how often that.
    median_filter : int
        Side in pixels of the median filter before each inner loop, 1 (none), 3 or 5.
    """

    tau: float = 0.25
    lambda_: float = 0.15
    theta: float = 0.3
    scales: int = 5
    scale_step: float = 0.8
    warps: int = 5
    epsilon: float = 0.01
    inner_iterations: int = 30
    outer_iterations: int = 10
    median_filter: int = 5


@dataclass(frozen=True)
class FarnebackSettings:
    """Settings of ``cv2.calcOpticalFlowFarneback``; the defaults are those of OpenCV's examples.

    Parameters
    ----------
    scale_step : float
        Size of a level over that of the next finer one.
    scales : int
        Levels of the pyramid.
    window : int
        Side of the averaging window in pixels.
    iterations : int
        Iterations per level.
    neighbourhood : int
        Side in pixels of the neighbourhood fitted by a polynomial.
    sigma : float
        Standard deviation in pixels of the Gaussian weight of that fit.
    """

    scale_step: float = 0.5
    scales: int = 3
    window: int = 15
    iterations: int = 3
    neighbourhood: int = 5
    sigma: float = 1.2


@dataclass(frozen=True)
class DISSettings:
    """Settings of ``cv2.DISOpticalFlow``.

    Parameters
    ----------
    preset : {"ultrafast", "fast", "medium"}
        OpenCV's preset, from quick to accurate. Ours: medium.
    finest_scale : int, optional
        Level of the pyramid at which the search ends: 0 is the picture itself, 1 half its size; None is the preset's
        own (ultrafast and fast: 2, medium: 1).
    """

    preset: Preset = "medium"
    finest_scale: int | None = None

    def __post_init__(self) -> None:
        if self.preset not in get_args(Preset):
            choices = ", ".join(get_args(Preset))
            raise SettingsError("dis preset", f"{self.preset!r} is unknown", f"choose one of {choices}")
        scale = self.finest_scale
        if scale is not None and (type(scale) is not int or not 0 <= scale <= 5):
            raise SettingsError("dis finest_scale", f"{scale!r} is no whole number from 0 to 5", "choose 1")


_PairFlow: TypeAlias = Callable[[Any, Any], Any]


class OpenCVFlow:
    """One of OpenCV's dense flows as a flow engine.

    Parameters
    ----------
    name : str
        Key of `facespot.features.flow.ENGINES`.
    settings : mapping
        Every setting that changes the flow.
    make : callable
        Returns a function from two (h, w) images to (h, w, 2) flow, which one thread at a time may use.
    wants_bytes : bool
        Whether that function takes only uint8; float32 grey levels are then rounded. Otherwise it takes uint8, or
        float32 in [0, 1].
    workers : int
        Threads that share the pairs.
    """

    version = 1

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Setting],
        make: Callable[[], _PairFlow],
        *,
        wants_bytes: bool,
        workers: int,
    ) -> None:
        self.name = name
        self.settings = settings
        self._make = make
        self._wants_bytes = wants_bytes
        self._workers = workers

    def flow(self, first: ByteImage | FloatArray, second: ByteImage | FloatArray) -> FloatArray:
        """Motion from each first image to its second, as `facespot.features.flow.FlowEngine` says."""
        check_pairs(first, second)
        flows = np.empty((*first.shape, 2), np.float32)

        def fill(share: range) -> None:
            pair_flow = self._make()
            for pair in share:
                flows[pair] = pair_flow(self._image(first[pair]), self._image(second[pair]))

        shares = [range(start, len(first), self._workers) for start in range(self._workers)]
        if self._workers == 1:
            fill(shares[0])
        else:
            with ThreadPoolExecutor(self._workers) as pool:
                list(pool.map(fill, shares))
        return flows

    def _image(self, image: ByteImage | FloatArray) -> NDArray[Any]:
        if image.dtype == np.uint8:
            return np.ascontiguousarray(image)
        if self._wants_bytes:
            return np.clip(np.rint(image), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(image, dtype=np.float32) / np.float32(255.0)


def load_opencv_tvl1(*, workers: int = 1, **settings: Setting) -> OpenCVFlow:
    """OpenCV's TV-L1; settings are the fields of `OpenCVTVL1Settings`."""
    chosen = settings_of("opencv-tvl1", OpenCVTVL1Settings, settings)
    create = getattr(getattr(cv2, "optflow", None), "DualTVL1OpticalFlow_create", None)
    if create is None:
        raise MissingDependencyError(
            "flow engine opencv-tvl1",
            "this OpenCV has no optflow module",
            "install it with: pip install opencv-contrib-python",
        )

    def make() -> _PairFlow:
        engine = create()
        engine.setTau(chosen.tau)
        engine.setLambda(chosen.lambda_)
        engine.setTheta(chosen.theta)
        engine.setScalesNumber(chosen.scales)
        engine.setScaleStep(chosen.scale_step)
        engine.setWarpingsNumber(chosen.warps)
        engine.setEpsilon(chosen.epsilon)
        engine.setInnerIterations(chosen.inner_iterations)
        engine.setOuterIterations(chosen.outer_iterations)
        engine.setMedianFiltering(chosen.median_filter)
        return lambda first, second: engine.calc(first, second, None)

    return OpenCVFlow("opencv-tvl1", asdict(chosen), make, wants_bytes=False, workers=workers)


def load_farneback(*, workers: int = 1, **settings: Setting) -> OpenCVFlow:
    """OpenCV's Farneback flow; settings are the fields of `FarnebackSettings`."""
    s = settings_of("farneback", FarnebackSettings, settings)
    calculate: Any = cv2.calcOpticalFlowFarneback
    numbers = (s.scale_step, s.scales, s.window, s.iterations, s.neighbourhood, s.sigma)

    def make() -> _PairFlow:
        return lambda first, second: calculate(first, second, None, *numbers, 0)

    return OpenCVFlow("farneback", asdict(s), make, wants_bytes=True, workers=workers)


def load_dis(*, workers: int = 1, **settings: Setting) -> OpenCVFlow:
    """OpenCV's dense inverse search; settings are the fields of `DISSettings`."""
    return _dis("dis", settings_of("dis", DISSettings, settings), workers)


def load_dis_fine(*, workers: int = 1, **settings: Setting) -> OpenCVFlow:
    """The preset "fast" down to half the size of the picture; settings are the fields of `DISSettings`.

    A quarter, where that preset ends, blurs a lip corner into the cheek: of the motion of micro-expressions on rendered
    faces 42 % is left in squares of 11x11 pixels, against 71 % so, 73 % with the preset "medium" in twice the time, and
    76 % with TV-L1 in ten times the time.
    """
    fine: dict[str, Setting] = {"preset": "fast", "finest_scale": 1}
    return _dis("dis-fine", settings_of("dis-fine", DISSettings, {**fine, **settings}), workers)


def _dis(name: str, chosen: DISSettings, workers: int) -> OpenCVFlow:
    create: Any = cv2.DISOpticalFlow_create  # type: ignore[attr-defined]
    presets = {
        "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
        "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
        "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
    }

    def make() -> _PairFlow:
        engine = create(presets[chosen.preset])
        if chosen.finest_scale is not None:
            engine.setFinestScale(chosen.finest_scale)
        return lambda first, second: engine.calc(first, second, None)

    settings = {name: value for name, value in asdict(chosen).items() if value is not None}
    return OpenCVFlow(name, settings, make, wants_bytes=True, workers=workers)
