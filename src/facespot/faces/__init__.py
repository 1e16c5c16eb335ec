"""Faces: the frames of a video go in; where the face is comes out, with its box and its 68 landmarks.

In: a `Video`, the `Selection` of its frames, and a detector by name ("mediapipe", or "dlib" with the extra).

Out: a `FaceTrack`: for every frame the reference face (`Face`: square box, 68 iBUG points in pixels) that counts in it,
or that there is none. `crop` cuts the box out of a frame; `to_crop` gives the landmarks in that crop. `alignment`
takes the motion of the head out of the crops. `measure_quality` says what the video offers for fine motion, and
`quality_findings` what it lacks for micro-expressions.

Detectors and OpenCV are loaded when a face is looked for, not before.
"""

from facespot.faces.boxes import crop, face_box, to_crop
from facespot.faces.detectors import DETECTORS, Detector, find_near, load_detector
from facespot.faces.quality import VideoQuality, measure_quality
from facespot.faces.quality_rule import QualityRule, quality_findings, too_slow_for_micro
from facespot.faces.tracking import FaceSettings, FaceTrack, track_face

__all__ = [
    "DETECTORS",
    "Detector",
    "FaceSettings",
    "FaceTrack",
    "QualityRule",
    "VideoQuality",
    "crop",
    "face_box",
    "find_near",
    "load_detector",
    "measure_quality",
    "quality_findings",
    "to_crop",
    "too_slow_for_micro",
    "track_face",
]
