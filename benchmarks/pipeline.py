"""How fast the path from video to intervals is: frames per second of each stage and of the whole, and peak memory.

    python benchmarks/pipeline.py                     the demo video, on one and on two processors
    python benchmarks/pipeline.py --minutes 30        also the demo repeated to 30 minutes: memory must stay flat
    python benchmarks/pipeline.py --weights DIR       also softnet with this checkpoint

Each figure is the median of several runs in processes of their own, on cold caches, after one run that compiles the
kernels. Processors are held with sched_setaffinity, so this runs on Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

DEMO = Path(__file__).parent.parent / "examples" / "demo.mp4"

STAGES = """
import json, os, resource, sys, time
os.sched_setaffinity(0, set(range({cores})))
from facespot.errors import FacespotError
from facespot.pipeline import RunSettings, spot
started, stages, before = time.perf_counter(), {{}}, [None, time.perf_counter()]
def note(stage, done, total):
    now = time.perf_counter()
    if before[0] != stage:
        before[:] = [stage, before[1]]
    stages[stage] = stages.get(stage, 0.0) + now - before[1]
    before[1] = now
run = RunSettings(cache=None, workers={cores}, pictures=True, on_progress=note)
ready = time.perf_counter()
result = spot({video!r}, method={method!r}, weights={weights!r}, run=run)
total = time.perf_counter() - ready
print(json.dumps({{"seconds": total, "frames": result.track.timebase.n_frames, "stages": stages,
                  "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}))
"""

PARTS = """
import json, os, sys, time
os.sched_setaffinity(0, set(range({cores})))
import numpy as np
from facespot.faces import FaceSettings, crop, load_detector, track_face
from facespot.features.flow import load_flow_engine
from facespot.features.maps import softnet_images, strain_sums
from facespot.features.regions import face_regions
from facespot.faces import to_crop
from facespot.video import open_video, select
def rate(work, n):
    started = time.perf_counter()
    work()
    return n / (time.perf_counter() - started)
video = open_video({video!r})
selection = select(video)
n = len(selection.frames)
rates = {{"decode to grey": rate(lambda: [frame.gray() for frame in video.read(selection.frames)], n)}}
detector = load_detector("mediapipe")
faces = track_face(video, selection, detector, FaceSettings())
rates["find the face (every 0.1 s)"] = rate(lambda: track_face(video, selection, detector, FaceSettings()), n)
face = faces.references[0]
grays = [frame.gray() for frame in video.read(selection.frames[:256])]
crops = np.stack([crop(gray, face.box) for gray in grays])
rates["crop to 128x128"] = rate(lambda: [crop(gray, face.box) for gray in grays], 256)
engine = load_flow_engine("tvl1", workers={cores})
flow = engine.flow(crops[:-6], crops[6:])
rates["TV-L1 flow, one distance"] = rate(lambda: engine.flow(crops[:-6], crops[6:]), 250)
regions = face_regions(to_crop(face.landmarks, face.box))
rates["strain sums"] = rate(lambda: strain_sums(flow, regions), 250)
rates["SOFTNet images"] = rate(lambda: softnet_images(flow, regions), 250)
if {weights!r}:
    from facespot.models import OnnxNetwork
    images = softnet_images(flow, regions)
    network = OnnxNetwork({weights!r}[0] + "/network.onnx")
    network.run(images)
    rates["SOFTNet network (one thread)"] = rate(lambda: network.run(images), 250)
print(json.dumps(rates))
"""


def child(code: str, **values: object) -> dict:
    """Run a program in a process of its own; its last line is JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code.format(**values)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def repeat(video: Path, minutes: float, out: Path) -> Path:
    """The packets of a video one after the other until it lasts so long; nothing is encoded again."""
    import av

    with av.open(str(video)) as source, av.open(str(out), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        length = sum(packet.duration for packet in packets)
        for index in range(round(minutes * 60 / float(length * stream.time_base))):
            with av.open(str(video)) as again:
                for packet in again.demux(again.streams.video[0]):
                    if packet.dts is None:
                        continue
                    packet.pts += index * length
                    packet.dts += index * length
                    packet.stream = copy
                    target.mux(packet)
    return out


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=DEMO)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--minutes", type=float, help="also repeat the video to this length")
    parser.add_argument("--weights", nargs="*", default=[], help="checkpoint folders of softnet")
    options = parser.parse_args()
    processors = [count for count in (1, 2) if count <= (os.cpu_count() or 1)]
    weights = [str(Path(folder).resolve()) for folder in options.weights]
    common = {"video": str(options.video), "weights": weights}

    print(f"video {options.video.name}; median of {options.runs} runs; frames per second\n")
    rows = {}
    for cores in processors:
        runs = [child(PARTS, cores=cores, **common) for _ in range(options.runs + 1)][1:]
        rows[cores] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    print(f"{'stage alone':32}" + "".join(f"{f'{cores} processor(s)':>16}" for cores in processors))
    for name in rows[processors[0]]:
        print(f"{name:32}" + "".join(f"{rows[cores][name]:16.0f}" for cores in processors))

    print(f"\n{'whole path, cold cache':32}{'processors':>12}{'frames/s':>12}{'x real time':>12}{'peak MB':>10}")
    for method in ["strain"] + (["softnet"] if weights else []):
        given = weights if method == "softnet" else []
        for cores in processors:
            runs = [
                child(STAGES, cores=cores, method=method, video=common["video"], weights=given)
                for _ in range(options.runs)
            ]
            speed = statistics.median(run["frames"] / run["seconds"] for run in runs)
            memory = statistics.median(run["memory_mb"] for run in runs)
            print(f"{method:32}{cores:12}{speed:12.0f}{speed / 30:12.1f}{memory:10.0f}")
    if options.minutes:
        with tempfile.TemporaryDirectory() as folder:
            video = repeat(options.video, options.minutes, Path(folder) / "long.mp4")
            run = child(STAGES, cores=processors[-1], method="strain", video=str(video), weights=[])
        print(
            f"\n{run['frames']} frames ({options.minutes:g} minutes), strain, {processors[-1]} processors: "
            f"{run['frames'] / run['seconds']:.0f} frames/s, peak {run['memory_mb']:.0f} MB"
        )


if __name__ == "__main__":
    main()
