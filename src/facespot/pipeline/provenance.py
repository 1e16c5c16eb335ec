"""What a result was made of: versions, video, frames, face, method and weights."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from facespot.faces import FaceSettings, VideoQuality, load_detector
from facespot.methods import Method, Recognizer
from facespot.pipeline.stages import Prepared

LIBRARIES = ("av", "mediapipe", "numba", "numpy", "onnxruntime", "opencv-contrib-python", "scipy")
GIVEN = "given intervals"
"""The method in the provenance of intervals that no method of facespot spotted."""


def provenance_of(
    prepared: Prepared,
    face: FaceSettings,
    method: Method | None,
    recognizer: Recognizer | None,
    quality: VideoQuality | None = None,
) -> dict[str, Any]:
    """What made the result; without a method its intervals were given, without a recognizer no emotion was named.

    The quality is that of the video, where it was measured.
    """
    video, selection, faces = prepared.video, prepared.selection, prepared.faces
    spotting: dict[str, Any] = {"method": GIVEN} if method is None else {"method": method.name, **_made_with(method)}
    naming = {} if recognizer is None else {"recognizer": {"name": recognizer.name, **_made_with(recognizer)}}
    return {
        "facespot": _version("facespot"),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        **spotting,
        **naming,
        "video": {
            "name": video.name,
            "sha256": video.digest(),
            "width": video.width,
            "height": video.height,
            "fps": video.timebase.fps,
            "frames": video.timebase.n_frames,
            "variable_frame_rate": video.timebase.timestamps_s is not None,
        },
        "selection": {
            "first_frame": int(selection.frames[0]),
            "last_frame": int(selection.frames[-1]),
            "frames": len(selection.frames),
            "fps": selection.fps,
        },
        "face": {
            **asdict(face),
            "detector_version": load_detector(face.detector).version,
            "faces_found": faces.n_faces,
            "used": faces.chosen,
            "coverage": faces.coverage,
            "references": [
                {"frame": one.frame, "outer_eye_distance_pixels": round(float(one.quality), 2)}
                for one in faces.references
            ],
        },
        **({} if quality is None else {"quality": _rounded(asdict(quality))}),
    }


def _made_with(method: Method | Recognizer) -> dict[str, Any]:
    return {
        "citation": method.citation,
        "settings": asdict(method.config),
        "weights": method.weights_used(),
        "features": {
            kind: {"kind": spec.kind, "version": spec.version, "settings": dict(spec.settings)}
            for kind, spec in method.plan().items()
        },
    }


def _rounded(values: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 4) for name, value in values.items()}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
