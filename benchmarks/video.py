"""Measures reading of video: frames per second, and that peak memory does not grow with the length.

Run from the repository root: ``python benchmarks/video.py``. The film is drawn here: 640x480, H.264, a moving gradient
with noise. Each figure comes from a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WIDTH, HEIGHT, FPS = 640, 480, 30


def make(path: Path, seconds: int) -> None:
    """Encode a film of this length."""
    import av

    random = np.random.default_rng(0)
    noise = random.normal(0, 4, (16, HEIGHT, WIDTH)).astype(np.float32)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "26"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = 250
        films = [np.clip(128 + 90 * np.sin((rows + columns) / 60 + k / 8) + noise[k], 16, 235) for k in range(16)]
        for index in range(seconds * FPS):
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
            frame.planes[0].update(films[index % 16].astype(np.uint8).tobytes())
            for plane in frame.planes[1:]:
                plane.update(bytes([128]) * plane.buffer_size)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def measure(path: Path, what: str) -> dict[str, float]:
    """Open and read a film in this process."""
    import resource

    from facespot.video import open_video

    begun = time.perf_counter()
    video = open_video(path)
    opened = time.perf_counter()
    frames = np.arange(video.timebase.n_frames)
    if what == "last":
        frames = frames[-1:]
    for frame in video.read(frames):
        if what == "rgb":
            frame.rgb()
        else:
            frame.gray()
    done = time.perf_counter()
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "open_s": round(opened - begun, 3),
        "read_s": round(done - opened, 3),
        "frames_per_second": round(len(frames) / (done - opened)),
        "peak_mib": round(peak_mib),
    }


def main() -> None:
    """Print one line of JSON per measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10], help="lengths of the films")
    parser.add_argument("--measure", nargs=2, metavar=("FILM", "WHAT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(Path(arguments.measure[0]), arguments.measure[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        for minutes in arguments.minutes:
            film = Path(folder) / f"{minutes}.mp4"
            make(film, minutes * 60)
            for what in ("gray", "rgb", "last"):
                for cores in (1, 2):
                    code = [sys.executable, __file__, "--measure", str(film), what]
                    allowed = set(sorted(os.sched_getaffinity(0))[:cores])
                    done = subprocess.run(
                        code,
                        capture_output=True,
                        text=True,
                        check=True,
                        preexec_fn=lambda allowed=allowed: os.sched_setaffinity(0, allowed),
                    )
                    print(json.dumps({"minutes": minutes, "what": what, "cores": cores, **json.loads(done.stdout)}))


if __name__ == "__main__":
    main()
