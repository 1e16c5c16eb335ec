"""How fast region motion is, part by part, and how fast regiontcn spots with it against spotgcn.

    python benchmarks/region_motion.py
    python benchmarks/region_motion.py --frames 150 --runs 1

The first frames of the demo video on one processor (held with sched_setaffinity, so this runs on Linux). Parts are
timed inside the pass itself and are milliseconds of work per row, faces already found; the rest is reading the video
and bookkeeping. Then the whole way from video to intervals, the two methods one after the other in one process, each
with its own settings. If no weights of spotgcn come with facespot it has random ones, which are as fast; they need
the extra [train].
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

from facespot.models.shipped import shipped_weights

DEMO = Path(__file__).parent.parent / "examples" / "demo.mp4"
METHODS = ("regiontcn", "spotgcn")
EVERY = (1, 3, 10)

FEATURES = """
import json, os, tempfile, time
os.sched_setaffinity(0, {{0}})
from pathlib import Path
import cv2
cv2.setNumThreads(1)
from facespot import faces
from facespot.faces import FaceSettings, alignment
from facespot.features import FeatureCache, feature_spec
from facespot.features.opencv_flow import OpenCVFlow
from facespot.pipeline import RunSettings, measure, prepare
from facespot.video import Selection, open_video, select
spent = {{"landmarks": 0.0, "alignment": 0.0, "flow": 0.0}}
def timed(function, part):
    def call(*given, **named):
        begin = time.perf_counter()
        found = function(*given, **named)
        spent[part] += time.perf_counter() - begin
        return found
    return call
faces.find_near = timed(faces.find_near, "landmarks")
alignment.aligned_crop = timed(alignment.aligned_crop, "alignment")
OpenCVFlow.flow = timed(OpenCVFlow.flow, "flow")
video = open_video({video!r})
whole = select(video)
selection = Selection(whole.frames[:{frames}], whole.fps)
with tempfile.TemporaryDirectory() as folder:
    cache, run = FeatureCache(Path(folder)), RunSettings(cache=Path(folder), workers=1)
    prepared = prepare(video, selection, face=FaceSettings(), cache=cache, run=run)
    spec = feature_spec("region_motion", flow="dis-fine", smoothing_s=0.067, landmarks_every={every})
    begin = time.perf_counter()
    n_rows = len(measure(prepared, [spec], cache=cache, run=run)[0].open().frames)
    seconds = time.perf_counter() - begin
parts = {{**spent, "rest": seconds - sum(spent.values()), "all": seconds}}
print(json.dumps({{name: 1000 * one / n_rows for name, one in parts.items()}}))
"""

SPOTTING = """
import json, os, time, warnings
warnings.simplefilter("ignore")
os.sched_setaffinity(0, {{0}})
import cv2
cv2.setNumThreads(1)
from facespot.pipeline import ReadSettings, RunSettings, spot
from facespot.video import open_video, select
fps = select(open_video({video!r})).fps
def seconds(method, weights, frames):
    begin = time.perf_counter()
    spot({video!r}, method=method, weights=weights, read=ReadSettings(end_s=frames / fps),
         run=RunSettings(cache=None, workers=1))
    return time.perf_counter() - begin
found = {{}}
for method, weights in {weights!r}.items():
    # The first call loads libraries and networks.
    seconds(method, weights, 45)
    found[method] = {frames} / seconds(method, weights, {frames})
print(json.dumps(found))
"""

RANDOM_SPOTGCN = """
import warnings
warnings.simplefilter("ignore")
from pathlib import Path
import torch
from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.methods.spotgcn.network import build_network
from facespot.models import write_checkpoint
from facespot.training.onnx_export import to_onnx
config = SpotgcnConfig()
network = build_network(config.network, config.window, config.adjacency, torch.Generator().manual_seed(0))
lengths = {{name: getattr(config, name) for name in ("macro_mean_s", "micro_mean_s", "macro_least_s", "micro_least_s")}}
write_checkpoint(Path({folder!r}), method="spotgcn", kind=None, config={{}},
                 fitted={{"kinds": ["macro", "micro"], **lengths}}, origin={{}},
                 onnx_bytes=to_onnx(network, (config.window, 10, 2), input_name="windows", output_names=("logits",)),
                 weights={{name: value.numpy() for name, value in network.state_dict().items()}})
print("{{}}")
"""


def child(code: str, **values: object) -> dict[str, float]:
    """Run a program in a process of its own; its last line is JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code.format(**values)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=DEMO)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    given = {"video": str(options.video), "frames": options.frames}
    print(f"{options.video.name}, first {options.frames} frames, one processor, median of {options.runs}\n")
    parts = ("landmarks", "alignment", "flow", "rest", "all")
    print(f"{'ms per row, landmarks every':30}" + "".join(f"{name:>11}" for name in parts))
    for every in EVERY:
        runs = [child(FEATURES, every=every, **given) for _ in range(options.runs)]
        print(f"{every:<30}" + "".join(f"{statistics.median(run[name] for run in runs):11.2f}" for name in parts),
              flush=True)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        weights = {method: [str(path) for path in shipped_weights(method)] for method in METHODS}
        if not weights["spotgcn"]:
            weights["spotgcn"] = [f"{folder}/spotgcn"]
            child(RANDOM_SPOTGCN, folder=weights["spotgcn"][0])
        runs = [child(SPOTTING, weights=weights, **given) for _ in range(options.runs)]
    print(f"\n{'spotting':30}{'frames/s':>11}")
    for method in METHODS:
        print(f"{method:30}{statistics.median(run[method] for run in runs):11.1f}")
    ratio = statistics.median(run["regiontcn"] / run["spotgcn"] for run in runs)
    print(f"{'ratio':30}{ratio:11.2f}")


if __name__ == "__main__":
    main()
