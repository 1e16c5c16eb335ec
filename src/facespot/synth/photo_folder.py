"""Reads the photographs of a folder and finds the face in each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facespot.errors import FaceError
from facespot.faces import Detector, load_detector
from facespot.values import ByteImage, FloatArray


@dataclass(frozen=True, eq=False)
class Photo:
    """A photograph with a face.

    Parameters
    ----------
    path : Path
    rgb : (h, w, 3) uint8 array
    landmarks : (68, 2) float32 array
        Of its largest face, pixels.
    """

    path: Path
    rgb: ByteImage
    landmarks: FloatArray


def find_photos(folder: Path) -> list[Path]:
    """Paths of the photographs (jpg, jpeg, png, bmp) directly in a folder, img2 before img10; hidden files left out.

    Raises
    ------
    FaceError
        There is no such folder, it cannot be read, or it holds no photograph.
    """
    from facespot.video.find import IMAGE_ENDINGS, is_hidden, natural_key

    endings = ", ".join(sorted(ending[1:] for ending in IMAGE_ENDINGS))
    try:
        found = [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in IMAGE_ENDINGS and not is_hidden(path) and path.is_file()
        ]
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise FaceError(str(folder), f"it cannot be read ({reason})", "pass a folder of photographs") from error
    if not found:
        raise FaceError(str(folder), "the folder holds no photographs", f"put photographs ({endings}) into it")
    return sorted(found, key=natural_key)


def read_photo(path: Path, detector: Detector) -> Photo:
    """Read one photograph and find its largest face.

    Raises
    ------
    FaceError
        The file cannot be read or is damaged, or it shows no face.
    """
    from facespot.video.images import decode_rgb

    try:
        rgb = decode_rgb(path.read_bytes())
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise FaceError(str(path), f"it cannot be read ({reason})", "check its permissions") from error
    if rgb is None:
        raise FaceError(str(path), "the image is damaged or no image", "replace it, or remove it from the folder")
    faces = detector.detect(rgb, 0)
    if not faces:
        raise FaceError(str(path), "no face was found in the photograph", "use an upright, lit face that looks ahead")
    return Photo(path, rgb, np.asarray(faces[0].landmarks, dtype=np.float32))


def read_photos(folder: Path, detector: Detector | None = None) -> list[Photo]:
    """Read all photographs of a folder, in natural order.

    Parameters
    ----------
    folder : Path
    detector : Detector, optional
        The default detector where none is given.

    Raises
    ------
    FaceError
        The folder holds no photograph, or one of them is unreadable or shows no face; the message names it.
    """
    paths = find_photos(folder)
    finder = detector or load_detector()
    return [read_photo(path, finder) for path in paths]
