"""Draw docs/pictures/synth_identities.png: ``python docs/make_synth_identities.py --face-model PATH``."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from facespot.synth.appearance import Appearance
from facespot.synth.camera import Camera
from facespot.synth.face_model import FaceModel, load_face_model
from facespot.synth.person import Person
from facespot.synth.sensor import SensorSettings, develop
from facespot.synth.source import REST
from facespot.values import ByteImage

COLUMNS, ROWS, SIZE = 8, 3, 256


def portrait(model: FaceModel, number: int) -> ByteImage:
    """One person at rest, before a camera and a wall of their own."""
    rng = np.random.default_rng([24, number])
    appearance = Appearance.draw(rng, len(model.identity_delta))
    person = Person(model, appearance, Camera.draw(rng, SIZE, SIZE))
    return develop(person.draw(REST), SensorSettings(full_well=40000.0), rng)


def main() -> None:
    """Draw and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures" / "synth_identities.png")
    arguments = parser.parse_args()
    import cv2

    model = load_face_model(arguments.face_model)
    people = [portrait(model, number) for number in range(COLUMNS * ROWS)]
    sheet = np.vstack([np.hstack(people[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS)])
    small = cv2.resize(sheet, None, fx=0.56, fy=0.56, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(arguments.out), np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
