"""Render the demo video and its truth: one synthetic person, five macro- and three micro-expressions.

    python examples/make_demo.py --face-model ict_facekit.npz

Made with the renderer of ``facespot synth``; only what happens when is written here. The same model, seed and library
versions give the same bytes.
"""

from __future__ import annotations

import argparse
import os
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from facespot import Track, write_tracks
from facespot.errors import FacespotError
from facespot.synth.acting import ActedExpression, Actor, Movement, Script
from facespot.synth.appearance import Appearance
from facespot.synth.camera import Camera
from facespot.synth.distractors import Blink, Gaze
from facespot.synth.emotions import UnitAction
from facespot.synth.face_model import load_face_model
from facespot.synth.person import Person
from facespot.synth.sensor import SensorSettings, develop
from facespot.values import Timebase

FPS = 30
N_FRAMES = 900
# x264 reads memory that it did not write where mbtree is on: the same frames would give other bytes.
ENCODER = {"crf": "20", "preset": "slow", "threads": "1", "x264-params": "mbtree=0"}
DEFAULT_MODEL = Path(__file__).resolve().parents[2] / "shared" / "face_model" / "ict_facekit.npz"


def actions(**sides: float | tuple[float, float]) -> tuple[UnitAction, ...]:
    """Action units by number, as ``au12=0.8`` or ``au12=(left, right)``."""
    both = {name: value if isinstance(value, tuple) else (value, value) for name, value in sides.items()}
    return tuple(UnitAction(int(name.removeprefix("au")), left, right) for name, (left, right) in both.items())


# Amplitudes are shares of the distance between the outer eye corners.
EXPRESSIONS = (
    ActedExpression("macro", "happiness", actions(au6=0.7, au12=(0.8, 0.74)), 2.6, 2.0, 0.12),
    ActedExpression("micro", "happiness", actions(au12=(1.0, 0.35), au6=(0.5, 0.15)), 6.8, 0.30, 0.020),
    ActedExpression("macro", "surprise", actions(au1=0.85, au2=0.75, au5=0.75, au26=0.6), 9.9, 1.3, 0.15),
    ActedExpression("micro", "anger", actions(au4=1.0, au7=0.5), 13.5, 0.30, 0.018),
    ActedExpression("macro", "disgust", actions(au9=(0.55, 0.62), au10=(0.4, 0.48), au4=0.45), 16.0, 1.6, 0.10),
    ActedExpression("micro", "surprise", actions(au1=(0.6, 1.0), au2=(0.5, 1.0)), 19.4, 0.33, 0.022),
    ActedExpression("macro", "anger", actions(au4=0.95, au7=0.6, au24=0.6), 22.7, 2.0, 0.07),
    ActedExpression("macro", "sadness", actions(au1=0.75, au15=0.8, au17=0.45), 26.8, 0.9, 0.07),
)
DISTRACTORS = (
    *(Blink(start, 0.33) for start in (1.7, 5.5, 8.5, 12.2, 15.1, 18.4, 21.2, 26.0, 29.2)),
    Gaze(8.4, 1.1, left=0.32, down=0.10),
    Gaze(20.9, 1.1, left=-0.36, down=0.16),
)


def movement(rng: np.random.Generator) -> Movement:
    """Slow sway of the head: three sines of unrelated periods on each axis."""
    sines = []
    for axis, amplitude in enumerate((0.030, 0.016, 0.013, 0.22, 0.10, 0.30)):
        for low, high, share in ((12.0, 18.0, 0.55), (6.5, 9.5, 0.32), (3.6, 5.2, 0.13)):
            frequency, phase = 1.0 / rng.uniform(low, high), rng.uniform(0.0, 2.0 * np.pi)
            sines.append((axis, amplitude * share, float(frequency), float(phase)))
    return Movement(tuple(sines))


def write_video(path: Path, person: Person, actor: Actor, rng: np.random.Generator) -> None:
    """Encode as H.264 on one thread: more would make the bytes depend on the machine."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with av.open(str(partial), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as out:
            stream = out.add_stream("libx264", rate=FPS, options=ENCODER)
            stream.width, stream.height = person.size
            stream.pix_fmt, stream.thread_count = "yuv420p", 1
            for k in range(N_FRAMES):
                picture = develop(person.draw(actor.pose(k / FPS)), SensorSettings(), rng, k / FPS)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p", threads=1)
                frame.pts, frame.time_base = k, Fraction(1, FPS)
                out.mux(stream.encode(frame))
            out.mux(stream.encode())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def main() -> int:
    """Render ``demo.mp4`` and ``demo_truth.csv`` into a folder."""
    parser = argparse.ArgumentParser(description="Render the demo video and its truth.")
    model = Path(os.environ.get("FACESPOT_FACE_MODEL", DEFAULT_MODEL))
    parser.add_argument("--face-model", type=Path, default=model, help="ICT-FaceKit (or FACESPOT_FACE_MODEL)")
    parser.add_argument("--seed", type=int, default=7, help="chooses the person, the head's movement and the noise")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent, help="folder to write into")
    options = parser.parse_args()
    try:
        face_model = load_face_model(options.face_model)
    except FacespotError as error:
        print(error, file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    look, sway, noise = (np.random.default_rng([options.seed, purpose]) for purpose in range(3))
    camera = Camera(640, 480, distance=110.0, eye_distance=0.25, centre=(0.5, 0.5))
    person = Person(face_model, Appearance.draw(look), camera)
    actor = Actor(person, Script(EXPRESSIONS, DISTRACTORS, movement(sway)))
    truth = actor.truth(FPS, N_FRAMES)
    write_video(options.out / "demo.mp4", person, actor, noise)
    track = Track("demo", Timebase(float(FPS), N_FRAMES), tuple(one.expression for one in truth))
    write_tracks(track, options.out / "demo_truth.csv")
    eyes = person.eye_distance()
    for one in truth:
        e = one.expression
        print(f"{e.kind} {e.emotion} {'+'.join(e.action_units)} {e.onset}-{e.apex}-{e.offset} {one.peak * eyes:.1f} px")
    return 0


if __name__ == "__main__":
    sys.exit(main())
