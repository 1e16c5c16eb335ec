"""What a face detector is, and the three that there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from facespot.errors import MissingDependencyError, SettingsError
from facespot.values import Box, ByteImage, Face


class Detector(Protocol):
    """Finds the faces of one picture.

    Attributes
    ----------
    name : str
        Key in `DETECTORS`.
    version : str
        Changes whenever other landmarks may come out; part of every cache key.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def version(self) -> str: ...  # noqa: D102

    def detect(self, rgb: ByteImage, frame: int) -> tuple[Face, ...]:
        """All faces of a frame, the largest first.

        Parameters
        ----------
        rgb : (h, w, 3) uint8 array
            The frame.
        frame : int
            Its number in the source video, noted in the faces.
        """
        ...


#: Name -> class, imported only when it is asked for.
DETECTORS: Mapping[str, str] = MappingProxyType(
    {
        "mediapipe": "facespot.faces.mediapipe_detector:MediaPipeDetector",
        "dlib": "facespot.faces.dlib_detector:DlibDetector",
        "mtcnn": "facespot.faces.mtcnn_detector:MtcnnDetector",
    }
)

_REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "mediapipe": 'pip install "mediapipe==0.10.14"',
        "dlib": 'pip install "facespot[dlib]"',
        "mtcnn": 'pip install "facespot[mtcnn]"',
    }
)


def missing_library(detector: str, error: ImportError) -> MissingDependencyError:
    """Tell what to do when the library of a detector cannot be imported.

    >>> print(missing_library("dlib", ImportError("No module named 'dlib'")))
    detector dlib: No module named 'dlib'; pip install "facespot[dlib]"
    """
    reason = str(error)
    if "cannot open shared object file" in reason:
        # OpenCV's wheel leaves these two to the system, and a bare server has neither.
        return MissingDependencyError(f"detector {detector}", reason, "apt-get install libgl1 libglib2.0-0")
    return MissingDependencyError(f"detector {detector}", reason, _REMEDIES[detector])


def load_detector(name: str = "mediapipe") -> Detector:
    """Make a detector ready.

    Parameters
    ----------
    name : {"mediapipe", "dlib", "mtcnn"}
        Which one.

    Raises
    ------
    SettingsError
        There is no detector of that name.
    MissingDependencyError
        Its library is not installed or cannot be loaded.
    """
    if name not in DETECTORS:
        raise SettingsError("detector", f"there is no {name!r}", f"choose one of {', '.join(DETECTORS)}")
    module, attribute = DETECTORS[name].split(":")
    make = cast(Callable[[], Detector], getattr(import_module(module), attribute))
    try:
        return make()
    except ImportError as error:
        raise missing_library(name, error) from error


def find_near(detector: Detector, rgb: ByteImage, frame: int, place: Box) -> Face | None:
    """Find the face of a frame that overlaps most with a place, if any does; `rgb` and `frame` as in `Detector`."""
    best = max(detector.detect(rgb, frame), key=lambda face: place.iou(face.box), default=None)
    return best if best is not None and place.iou(best.box) > 0 else None
