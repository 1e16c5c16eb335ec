"""Measures the making of synthetic video: milliseconds of each stage, and frames per second on one and two processes.

Run from the repository root: ``python benchmarks/synth.py --face-model ict_facekit.npz``. One person smiles, blinks and
moves the head; 2x2 supersampling, sensor, H.264 on one thread. Stages are medians, so other load on the machine counts
little; the frames per second are what a clock on the wall says.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from facespot.synth import shading
from facespot.synth.appearance import Appearance
from facespot.synth.camera import Camera
from facespot.synth.face_model import load_face_model
from facespot.synth.person import Person
from facespot.synth.rasteriser import cover_lashes, rasterise, vertex_normals
from facespot.synth.sensor import SensorSettings, develop
from facespot.synth.source import Pose

FPS = 30


def pose(person: Person, frame: int) -> Pose:
    """A busy moment: smile, brows, blink, head, breath."""
    time_s = frame / FPS
    smile, blink = 0.5 - 0.5 * math.cos(time_s * 2.1), max(0.0, math.sin(time_s * 2.6)) ** 8 * person.blink_weight
    weights = {
        f"{name}_{side}": weight
        for name, weight in (
            ("mouthSmile", 0.8 * smile), ("cheekSquint", 0.6 * smile), ("browInnerUp", 0.3 * smile),
            ("eyeBlink", blink),
        )
        for side in "LR"
    }  # fmt: skip
    turn = (0.05 * math.sin(time_s), 0.03 * math.sin(1.3 * time_s), 0.02 * math.sin(0.7 * time_s))
    return Pose(weights, turn, wrinkles={"nasolabial": (0.4 * smile, 0.4 * smile)}, breath=0.1 * math.sin(time_s))


def make_person(face_model: Path, size: int, seed: int) -> Person:
    """One person; its camera is the same for all sizes."""
    model = load_face_model(face_model)
    appearance = Appearance.draw(np.random.default_rng(seed), len(model.identity_delta))
    return Person(model, appearance, Camera(size, size))


def encoder(path: Path, size: int) -> tuple[Any, Any]:
    """Container and stream of an H.264 file."""
    import av

    container: Any = av.open(str(path), "w")
    stream = container.add_stream("libx264", rate=FPS, options={"crf": "20", "preset": "veryfast", "threads": "1"})
    stream.width, stream.height, stream.pix_fmt, stream.thread_count = size, size, "yuv420p", 1
    return container, stream


def encode(container: Any, stream: Any, picture: np.ndarray) -> None:
    """Add one frame."""
    import av

    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    container.mux(stream.encode(frame.reformat(format="yuv420p", threads=1)))


def stages(face_model: Path, size: int, n_frames: int) -> dict[str, float]:
    """Median milliseconds of each stage of a frame."""
    begun = time.perf_counter()
    person = make_person(face_model, size, 0)
    prepared = time.perf_counter() - begun
    body, buffers, rng = person._body, person._buffers, np.random.default_rng(0)
    person.draw(pose(person, 0))
    spent: dict[str, list[float]] = {}

    def lap(name: str, since: float) -> float:
        now = time.perf_counter()
        spent.setdefault(name, []).append(1e3 * (now - since))
        return now

    with tempfile.TemporaryDirectory() as folder:
        container, stream = encoder(Path(folder) / "film.mp4", size)
        for frame in range(n_frames):
            now = pose(person, frame)
            clock = time.perf_counter()
            vertices, xy = person._points.placed(now)
            xy = (xy + 0.5) * 2.0 - 0.5
            depth = np.ascontiguousarray(vertices[:, 2])
            faces = body.faces if person._mouth_is_open(vertices) else body.faces[: body.n_outside]
            normals = vertex_normals(vertices, faces)
            clock = lap("geometry", clock)
            rasterise(xy, depth, faces, body.bias, True, buffers.z, buffers.triangle, buffers.weights)
            cover_lashes(xy, depth, body.lash_faces, body.lash_opacity, buffers.z, buffers.lashes)
            clock = lap("rasterise", clock)
            shading.light_vertices(
                normals, body.vertex_material, body.visibility, person._lamps, person._ambient, person._light
            )
            picture = person._background.copy()
            shading.shade(
                picture, buffers.triangle, buffers.weights, buffers.lashes, faces, person._corner_texel, body.tile,
                body.face_material, normals, person._light, person._lamps, person._tiles, person._wrinkle,
                person._fold(now), person._lid_shadow,
            )  # fmt: skip
            clock = lap("shade", clock)
            levels = develop(picture, SensorSettings(), rng)
            clock = lap("sensor", clock)
            encode(container, stream, levels)
            lap("encode", clock)
        container.mux(stream.encode())
        container.close()
    medians = {name: round(statistics.median(values), 2) for name, values in spent.items()}
    return {"prepare_s": round(prepared, 2), **medians, "frame": round(sum(medians.values()), 2)}


def film(job: tuple[Path, int, int, int]) -> tuple[float, float]:
    """Render one film; when its first frame began and its last one ended."""
    face_model, size, n_frames, seed = job
    person, rng = make_person(face_model, size, seed), np.random.default_rng(seed)
    develop(person.draw(pose(person, 0)), SensorSettings(), rng)
    with tempfile.TemporaryDirectory() as folder:
        container, stream = encoder(Path(folder) / "film.mp4", size)
        begun = time.time()
        for frame in range(n_frames):
            encode(container, stream, develop(person.draw(pose(person, frame)), SensorSettings(), rng))
        container.mux(stream.encode())
        container.close()
        return begun, time.time()


def frames_per_second(face_model: Path, size: int, n_frames: int, processes: int) -> float:
    """Frames per second of all processes together, one person each, from the first frame to the last."""
    jobs = [(face_model, size, n_frames, seed) for seed in range(processes)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        times = pool.map(film, jobs, chunksize=1)
    return round(processes * n_frames / (max(end for _, end in times) - min(start for start, _ in times)), 1)


def main() -> None:
    """Print one line of JSON per measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("FACESPOT_FACE_MODEL", "../shared/face_model/ict_facekit.npz")
    parser.add_argument("--face-model", type=Path, default=Path(default), help="ict_facekit.npz or its repository")
    parser.add_argument("--sizes", type=int, nargs="+", default=[320], help="sides of the pictures in pixels")
    parser.add_argument("--frames", type=int, default=300, help="frames of each film")
    arguments = parser.parse_args()
    for size in arguments.sizes:
        print(json.dumps({"size": size, "milliseconds": stages(arguments.face_model, size, arguments.frames)}))
        for processes in (1, 2):
            speed = frames_per_second(arguments.face_model, size, arguments.frames, processes)
            print(json.dumps({"size": size, "processes": processes, "frames_per_second": speed}))


if __name__ == "__main__":
    main()
