"""How fast SpoT-GCN is: region flow by part and engine, how engines differ, training, network and decoding.

    python benchmarks/region_flow.py
    python benchmarks/region_flow.py --frames 300 --runs 1

The first frames of the demo video, faces already found, on one and on two processors (held with sched_setaffinity, so
this runs on Linux). Parts are timed inside the pass itself and are seconds of work per frame; what they leave is
bookkeeping. Needs the extra [train] for the network's figures.
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

import numpy as np

DEMO = Path(__file__).parent.parent / "examples" / "demo.mp4"
ENGINES = ("farneback", "dis")
PARTS = ("nose flow", "region flow", "landmarks", "crops")

FEATURES = """
import json, os, sys, tempfile, time
os.sched_setaffinity(0, set(range({cores})))
from pathlib import Path
import cv2, numpy as np
cv2.setNumThreads(1)
from facespot import faces
from facespot.faces import FaceSettings
from facespot.features import FeatureCache, feature_spec
from facespot.features.opencv_flow import OpenCVFlow
from facespot.features.region_flow_stream import RegionFlowStream
from facespot.pipeline import RunSettings, measure, prepare
from facespot.video import Selection, open_video, select
spent = dict.fromkeys({parts!r}, 0.0)
def timed(function, name):
    def call(*given, **named):
        begin = time.perf_counter()
        found = function(*given, **named)
        part = name if name else ("nose flow" if given[1].shape[1] < 128 else "region flow")
        spent[part] += time.perf_counter() - begin
        return found
    return call
OpenCVFlow.flow = timed(OpenCVFlow.flow, "")
RegionFlowStream._detect = timed(RegionFlowStream._detect, "landmarks")
faces.crop = timed(faces.crop, "crops")
video = open_video({video!r})
whole = select(video)
selection = Selection(whole.frames[:{frames}], whole.fps)
with tempfile.TemporaryDirectory() as folder:
    cache, run = FeatureCache(Path(folder)), RunSettings(cache=Path(folder), workers={cores})
    prepared = prepare(video, selection, face=FaceSettings(), cache=cache, run=run)
    spec = feature_spec("region_flow", flow={engine!r}, reach=16, landmarks_every={every})
    begin = time.perf_counter()
    stored = measure(prepared, [spec], cache=cache, run=run)[0].open()
    seconds = time.perf_counter() - begin
    np.save({saved!r}, np.asarray(stored.values))
n = len(stored.frames)
print(json.dumps({{"ms": 1000 * seconds / n, **{{name: 1000 * one / n for name, one in spent.items()}}}}))
"""

NETWORK = """
import json, os, sys, tempfile, time, warnings
warnings.simplefilter("ignore")
os.sched_setaffinity(0, {{{core}}})
from functools import partial
from pathlib import Path
import numpy as np, torch
from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.methods.spotgcn.decoding import decode, scores_of_logits
from facespot.methods.spotgcn.fitting import BETAS, loss_of_batch
from facespot.methods.spotgcn.network import build_network
from facespot.models import OnnxNetwork
from facespot.training.loop import Schedule, train
from facespot.training.onnx_export import to_onnx
from facespot.values import KINDS, Scores, Timebase
config, steps = SpotgcnConfig(), {steps}
rng = np.random.default_rng(0)
class Made:
    def __len__(self):
        return 4096
    def batch(self, indices, rng):
        n = len(indices)
        return (values[indices], targets["boundary"][indices], targets["apex"][indices], targets["action"][indices],
                targets["type"][indices], np.ones((n, 2), dtype=bool))
values = rng.standard_normal((4096, 17, 10, 2)).astype(np.float32)
targets = {{"boundary": rng.integers(0, 3, (4096, 2)), "apex": rng.random((4096, 2), dtype=np.float32),
           "action": rng.random((4096, 2), dtype=np.float32), "type": rng.integers(0, 3, 4096)}}
network = build_network({network!r}, 17, "code", torch.Generator().manual_seed(0))
started = []
def note(done, total):
    # The first steps choose kernels and allocate memory.
    if done == max(2, steps // 5):
        started.append((done, time.perf_counter()))
optimiser = torch.optim.AdamW(network.parameters(), lr=0.01, betas=BETAS, weight_decay=0.1)
rounds = -(-steps // 8)
schedule = Schedule(rounds, 512, 0)
train(network, optimiser, Made(), partial(loss_of_batch, config=config), schedule, on_progress=note)
training = (8 * rounds - started[0][0]) * 512 / (time.perf_counter() - started[0][1])
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "network.onnx"
    path.write_bytes(to_onnx(network, (17, 10, 2), input_name="windows", output_names=("logits",)))
    scorer = OnnxNetwork(path)
    scorer.run(values[:256])
    begin = time.perf_counter()
    logits = np.concatenate([scorer.run(values, batch_size=256) for _ in range(4)])
    scoring = len(logits) / (time.perf_counter() - begin)
channels, columns = scores_of_logits(rng.standard_normal((100_000, 10)).astype(np.float32), KINDS)
scores = Scores("made up", Timebase(30.0, len(columns)), channels, columns, np.arange(len(columns)),
                np.isfinite(columns), 30.0)
begin = time.perf_counter()
decode(scores, config)
decoding = len(columns) / (time.perf_counter() - begin)
parameters = sum(one.numel() for one in network.parameters())
print(json.dumps({{"training": training, "scoring": scoring, "decoding": decoding, "parameters": parameters}}))
"""


def children(code: str, *, side_by_side: tuple[dict[str, object], ...]) -> list[dict[str, float]]:
    """Run a program in processes of their own at once; the last line of each is JSON."""
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code.format(**values)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for values in side_by_side
    ]  # fmt: skip
    found = [json.loads(one.communicate()[0].splitlines()[-1]) for one in running]
    if any(one.returncode for one in running):
        raise SystemExit("a measurement failed")
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=DEMO)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=32, help="training steps of 512 windows")
    options = parser.parse_args()
    processors = [count for count in (1, 2) if count <= (os.cpu_count() or 1)]
    median = statistics.median
    print(f"{options.video.name}, first {options.frames} frames, reach 16, median of {options.runs}; ms per frame\n")
    print(f"{'engine, landmarks every, processors':38}{'ms':>8}{'frames/s':>10}{'x 30 fps':>10}", end="")
    print("".join(f"{name:>13}" for name in PARTS))
    with tempfile.TemporaryDirectory() as folder:
        for engine in ENGINES:
            for every in (1, 10):
                for cores in processors:
                    given = {"cores": cores, "engine": engine, "every": every, "frames": options.frames, "parts": PARTS,
                             "video": str(options.video), "saved": f"{folder}/{engine}-{every}.npy"}  # fmt: skip
                    runs = [children(FEATURES, side_by_side=(given,))[0] for _ in range(options.runs)]
                    one = {name: median(run[name] for run in runs) for name in runs[0]}
                    speed = 1000 / one["ms"]
                    print(f"{f'{engine}, {every}, {cores}':38}{one['ms']:8.1f}{speed:10.1f}{speed / 30:10.2f}", end="")
                    print("".join(f"{one[name]:13.1f}" for name in PARTS), flush=True)
        saved = {name: np.load(f"{folder}/{name}.npy") for name in ("farneback-1", "dis-1", "farneback-10")}
    first = saved["farneback-1"]
    print(f"\nagainst farneback with landmarks in every frame (mean |flow| {np.nanmean(np.abs(first[:, 1:])):.3f} px):")
    for name in ("dis-1", "farneback-10"):
        known = np.isfinite(first) & np.isfinite(saved[name])
        known[:, 0] = False
        here, there = first[known].astype(np.float64), saved[name][known].astype(np.float64)
        slope = float(here @ there / (here @ here))
        print(f"{name:14} mean |difference| {np.abs(here - there).mean():.3f} px, "
              f"correlation {np.corrcoef(here, there)[0, 1]:.3f}, slope {slope:.2f}")  # fmt: skip

    head = ("processors", "training/s", "scoring/s", "decoding/s", "parameters")
    print(f"\n{'network, one thread':22}" + "".join(f"{name:>12}" for name in head))
    for network in ("spotgcn", "stgcn", "cnn"):
        for cores in processors:
            given = tuple({"core": core, "steps": options.steps, "network": network} for core in range(cores))
            runs = [children(NETWORK, side_by_side=given) for _ in range(options.runs)]
            rates = {
                name: median(sum(one[name] for one in run) for run in runs)
                for name in ("training", "scoring", "decoding")
            }
            print(f"{network:22}{cores:12}" + "".join(f"{rate:12.0f}" for rate in rates.values())
                  + f"{runs[0][0]['parameters']:12.0f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
