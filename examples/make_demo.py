"""Render the demo video and its truth table: one synthetic person, five macro- and three micro-expressions.

    python examples/make_demo.py --face-model ict_facekit.npz --seed 7 --out examples

Needs numpy, numba and av. The same model, seed and library versions give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from demo.face import HEIGHT, WIDTH, Person
from demo.rasteriser import FloatArray
from demo.script import FPS, N_FRAMES, Interval, Script
from numpy.typing import NDArray

EXPOSURE = 1.0
CAMERA_NOISE = 1.0  # standard deviation in levels of 255
CRF = 18
DEFAULT_MODEL = Path(__file__).resolve().parents[2] / "shared" / "face_model" / "ict_facekit.npz"


def develop(image: FloatArray, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Linear light to sRGB bytes: soft highlights, camera noise (the same in all three channels), rounding."""
    light = np.maximum(image * np.float32(EXPOSURE), 0.0)
    light = np.where(light < 0.75, light, 0.75 + 0.25 * np.tanh((light - 0.75) / 0.25))
    level = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255.0
    level += rng.standard_normal((HEIGHT, WIDTH, 1), dtype=np.float32) * np.float32(CAMERA_NOISE)
    return np.asarray(np.clip(np.rint(level), 0, 255), dtype=np.uint8)


def frames(person: Person, script: Script, seed: int) -> Iterator[NDArray[np.uint8]]:
    """All frames of the demo, (HEIGHT, WIDTH, 3) RGB."""
    rng = np.random.default_rng([seed, 2])
    for k in range(N_FRAMES):
        yield develop(person.draw(script.pose(k)), rng)


def write_video(path: Path, images: Iterator[NDArray[np.uint8]]) -> None:
    """Encode as H.264, yuv420p, on one encoder thread: more threads would make the bytes depend on the machine."""
    partial = path.with_name(f".{path.name}.partial")
    options = {"crf": str(CRF), "preset": "slow", "threads": "1"}
    try:
        with av.open(str(partial), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as out:
            stream = out.add_stream("libx264", rate=FPS, options=options)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.thread_count = 1
            for image in images:
                out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            out.mux(stream.encode())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_truth(path: Path, video: str, truth: list[Interval]) -> None:
    """Write the intervals as CSV; frames from 0, both ends included, the score left empty."""
    columns = ["video", "kind", "onset", "apex", "offset", "onset_s", "apex_s", "offset_s", "emotion", "score"]
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        for row in truth:
            ends = (row.onset, row.apex, row.offset)
            table.writerow([video, row.kind, *ends, *(f"{frame / FPS:.6f}" for frame in ends), row.emotion, ""])
    partial.replace(path)


def main() -> int:
    """Render ``demo.mp4`` and ``demo_truth.csv`` into a folder."""
    parser = argparse.ArgumentParser(description="Render the demo video and its truth table.")
    model = Path(os.environ.get("FACESPOT_FACE_MODEL", DEFAULT_MODEL))
    parser.add_argument("--face-model", type=Path, default=model, help="ict_facekit.npz (or FACESPOT_FACE_MODEL)")
    parser.add_argument("--seed", type=int, default=7, help="chooses the person, small shifts in time and the noise")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent, help="folder to write into")
    options = parser.parse_args()
    if not options.face_model.is_file():
        print(f"{options.face_model}: no such face model; give --face-model or FACESPOT_FACE_MODEL", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    person = Person(options.face_model, options.seed)
    script = Script(person, options.seed)
    truth = script.truth()
    write_video(options.out / "demo.mp4", frames(person, script, options.seed))
    write_truth(options.out / "demo_truth.csv", "demo", truth)
    for row in truth:
        print(f"{row.kind} {row.emotion:10s} {row.onset:4d} {row.apex:4d} {row.offset:4d} {row.peak_pixels:5.1f} px")
    return 0


if __name__ == "__main__":
    sys.exit(main())
