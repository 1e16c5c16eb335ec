"""Who plays: chooses the face of each video, rendered, from a photograph, or from a neutral video."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from facespot.errors import SettingsError
from facespot.synth.plans import VideoPlan
from facespot.synth.presets import Preset
from facespot.synth.source import FaceSource

WARPED_WITHOUT = frozenset({"hand", "leaving", "turn"})
"""Distractors that a warped picture cannot show."""


class Casting(Protocol):
    """Gives each video its face. Sent to the worker processes, so it must be picklable."""

    def fit(self, preset: Preset) -> Preset:
        """The preset with what these faces allow: number of people, size, frame rate, distractors."""

    def face(self, plan: VideoPlan) -> FaceSource:
        """The face of a video: the same person for all videos of a subject."""

    def describe(self) -> Mapping[str, Any]:
        """What tells this casting from others; written to corpus.json."""


@dataclass(frozen=True)
class ModelCasting:
    """People of the face model, each with a shape and looks drawn at random; camera and light are new in every video.

    Parameters
    ----------
    face_model : Path
        Folder of ICT-FaceKit, or a packed .npz.
    """

    face_model: Path

    def fit(self, preset: Preset) -> Preset:
        """All of the preset."""
        return preset

    def face(self, plan: VideoPlan) -> FaceSource:
        """A rendered person."""
        from facespot.synth.appearance import Appearance
        from facespot.synth.camera import Camera
        from facespot.synth.face_model import load_face_model
        from facespot.synth.person import Person

        model = load_face_model(self.face_model)
        appearance = Appearance.draw(plan.subject_rng("appearance"), len(model.identity_delta))
        return Person(model, appearance, Camera.draw(plan.rng("camera"), plan.width, plan.height))

    def describe(self) -> Mapping[str, Any]:
        """Name and hash of the model."""
        return {"faces": "rendered", "face_model": _fingerprint(self.face_model)}


@dataclass(frozen=True)
class PhotoCasting:
    """People of photographs, one subject each, in natural order of the files.

    Parameters
    ----------
    face_model : Path
    photos : tuple of Path
    """

    face_model: Path
    photos: tuple[Path, ...]

    def fit(self, preset: Preset) -> Preset:
        """As many subjects as photographs at most; no hand, no leaving, no turning, which a warp cannot show."""
        return replace(
            preset,
            subjects=min(preset.subjects, len(self.photos)),
            happenings_a_minute=_without(preset.happenings_a_minute, WARPED_WITHOUT),
        )

    def face(self, plan: VideoPlan) -> FaceSource:
        """A warped photograph."""
        from facespot.faces import load_detector
        from facespot.synth.face_model import load_face_model
        from facespot.synth.photo_folder import read_photo
        from facespot.synth.photos import PhotoFace

        photo = read_photo(self.photos[plan.subject_number], load_detector())
        model = load_face_model(self.face_model)
        return PhotoFace(model, photo.rgb, photo.landmarks, (plan.width, plan.height), str(photo.path))

    def describe(self) -> Mapping[str, Any]:
        """Hashes of model and photographs."""
        return {
            "faces": "photographs",
            "face_model": _fingerprint(self.face_model),
            "photos": [_fingerprint(path) for path in self.photos],
        }


@dataclass(frozen=True)
class CarrierCasting:
    """The person of a neutral video, whose noise, blinks and head motion stay.

    Parameters
    ----------
    face_model, carrier : Path
    width, height : int
    fps : float
    seconds : float
        Of the carrier.
    """

    face_model: Path
    carrier: Path
    width: int
    height: int
    fps: float
    seconds: float

    def fit(self, preset: Preset) -> Preset:
        """One subject, the size and frame rate of the carrier, at most its length; it brings its own movement."""
        return replace(
            preset,
            subjects=1,
            seconds=min(preset.seconds, self.seconds),
            frame_rates={self.fps: 1.0},
            sizes={(self.width, self.height): 1.0},
            noise=(0.0, 0.0),
            grey=0.0,
            subframes=1,
            sway=0.0,
            blinks_a_minute=0.0,
            happenings_a_minute=_without(preset.happenings_a_minute, WARPED_WITHOUT | {"nod", "gaze"}),
        )

    def face(self, plan: VideoPlan) -> FaceSource:
        """The warped carrier."""
        from facespot.synth.carrier import CarrierFace
        from facespot.synth.face_model import load_face_model
        from facespot.video import open_video

        return CarrierFace(load_face_model(self.face_model), open_video(self.carrier))

    def describe(self) -> Mapping[str, Any]:
        """Hashes of model and carrier."""
        return {
            "faces": "carrier video",
            "face_model": _fingerprint(self.face_model),
            "carrier": _fingerprint(self.carrier),
        }


def make_casting(face_model: Path, *, photos: Path | None = None, carrier: Path | None = None) -> Casting:
    """Check the ingredients, and choose the casting that they make.

    Parameters
    ----------
    face_model : Path
        Folder of ICT-FaceKit, or a packed .npz.
    photos : Path, optional
        Folder of neutral photographs.
    carrier : Path, optional
        A neutral video.

    Raises
    ------
    FormatError
        If the face model cannot be read.
    FaceError, VideoError
        If a photograph shows no face, or the carrier cannot be read.
    SettingsError
        If both photographs and a carrier are given, or the carrier has a size that cannot be encoded.
    """
    from facespot.synth.face_model import load_face_model

    if photos is not None and carrier is not None:
        raise SettingsError("--carrier", "photographs are given too", "choose one of --photos and --carrier")
    model = load_face_model(face_model)
    if photos is not None:
        from facespot.synth.photo_folder import read_photos
        from facespot.synth.photos import PhotoFace

        read = read_photos(photos)
        for photo in read:
            PhotoFace(model, photo.rgb, photo.landmarks, (256, 256), str(photo.path))
        return PhotoCasting(face_model, tuple(photo.path for photo in read))
    if carrier is not None:
        from facespot.video import open_video

        video = open_video(carrier)
        if video.width % 2 or video.height % 2:
            what = f"its size {video.width}x{video.height} is odd, which H.264 cannot hold"
            raise SettingsError(str(carrier), what, "cut it to even sides")
        timebase = video.timebase
        return CarrierCasting(
            face_model, carrier, video.width, video.height, timebase.fps, timebase.n_frames / timebase.fps
        )
    return ModelCasting(face_model)


def _without(rates: Mapping[str, float], kinds: frozenset[str]) -> dict[str, float]:
    return {kind: rate for kind, rate in rates.items() if kind not in kinds}


def _fingerprint(path: Path) -> dict[str, str]:
    """Name and SHA-256 of a file; of a folder, the hash of its OBJ files' names and hashes."""
    import hashlib

    from facespot.synth.writing import digest

    if path.is_file():
        return {"name": path.name, "sha256": digest(path)}
    lines = "".join(f"{one.name} {digest(one)}\n" for one in sorted(path.rglob("*.obj")))
    return {"name": path.resolve().name, "sha256": hashlib.sha256(lines.encode()).hexdigest()}
