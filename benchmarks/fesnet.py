"""How fast FESNet is: aligned faces, training, network and decoding, and the memory that they take.

    python benchmarks/fesnet.py
    python benchmarks/fesnet.py --frames 300 --runs 1

The first frames of the demo video, faces already found, each measurement in a process of its own that is held on one
processor (with sched_setaffinity, so this runs on Linux), and on two side by side. Frames per second are frames of the
video: at inference clips overlap by half, so that the network sees each frame twice. Needs the extra [train].
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parent.parent / "examples" / "demo.mp4"

ALIGNED = """
import json, os, resource, tempfile, time
os.sched_setaffinity(0, {{{core}}})
from pathlib import Path
from facespot.faces import FaceSettings
from facespot.features import FeatureCache, feature_spec
from facespot.pipeline import RunSettings, measure, prepare
from facespot.video import Selection, open_video, select
video = open_video({video!r})
whole = select(video)
selection = Selection(whole.frames[:{frames}], whole.fps)
with tempfile.TemporaryDirectory() as folder:
    cache, run = FeatureCache(Path(folder)), RunSettings(cache=Path(folder), workers=1)
    prepared = prepare(video, selection, face=FaceSettings(), cache=cache, run=run)
    spec = feature_spec("aligned_faces", rows_per_second=60.0, smoothing_s=1 / 30, landmarks_every={every})
    begin = time.perf_counter()
    stored = measure(prepared, [spec], cache=cache, run=run)[0].open()
    seconds = time.perf_counter() - begin
    size = sum(path.stat().st_size for path in Path(folder).rglob("aligned_faces*/*.npy"))
n = len(stored.frames)
print(json.dumps({{"frames/s": n / seconds, "kB/frame": size / n / 1000,
                  "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}))
"""

TRAINING = """
import json, os, resource, time
os.sched_setaffinity(0, {{{core}}})
from functools import partial
import numpy as np, torch
from facespot.methods.fesnet.config import FesnetConfig
from facespot.methods.fesnet.fitting import loss_of_batch
from facespot.methods.fesnet.network import build_network
from facespot.training.loop import Schedule, train
config, steps = FesnetConfig(), {steps}
frames = np.random.default_rng(0).integers(0, 256, (config.batch_size, 32, 112, 112, 3), dtype=np.uint8)
classes = np.random.default_rng(1).integers(0, 3, (config.batch_size, 32))
class Made:
    def __len__(self):
        return steps * config.batch_size
    def batch(self, indices, rng):
        return frames.astype(np.float32), classes, np.ones(classes.shape, dtype=bool)
network = build_network(config, torch.Generator().manual_seed(0))
started = []
def note(done, total):
    # The first steps choose kernels and allocate memory.
    if done == 2:
        started.append(time.perf_counter())
train(network, torch.optim.Adam(network.parameters(), lr=1e-3), Made(),
      partial(loss_of_batch, weights=torch.ones(3), config=config), Schedule(1, config.batch_size, 0), on_progress=note)
seconds = time.perf_counter() - started[0]
print(json.dumps({{"clips/s": (steps - 2) * config.batch_size / seconds,
                  "parameters": sum(one.numel() for one in network.parameters()),
                  "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}))
"""

SCORING = """
import json, os, resource, time, warnings
warnings.simplefilter("ignore")
os.sched_setaffinity(0, {{{core}}})
import numpy as np
from pathlib import Path
from facespot.methods import load_method
from facespot.values import Features, Timebase
method = load_method("fesnet", weights=[Path({weights!r})])
n = {frames}
values = np.random.default_rng(0).integers(0, 256, (n, 112, 112, 3), dtype=np.uint8)
spec = method.plan()["macro"]
one = Features("made up", Timebase(30.0, n), spec, values, np.arange(n), np.ones(n, dtype=bool), 30.0)
method.score({{"macro": one, "micro": one}})
begin = time.perf_counter()
scores = method.score({{"macro": one, "micro": one}})
scoring = time.perf_counter() - begin
begin = time.perf_counter()
method.decode(scores)
decoding = time.perf_counter() - begin
print(json.dumps({{"frames/s": n / scoring, "decoding/s": n / decoding,
                  "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}))
"""

WEIGHTS = """
import sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
import torch
from facespot.methods.fesnet.config import FesnetConfig
from facespot.methods.fesnet.network import build_network
from facespot.models import write_checkpoint
from facespot.training.onnx_export import to_onnx
network = build_network(FesnetConfig(), torch.Generator().manual_seed(0))
write_checkpoint(Path({weights!r}), method="fesnet", kind=None, config={{}}, fitted={{"kinds": ["macro", "micro"]}},
                 origin={{}}, onnx_bytes=to_onnx(network, (32, 112, 112, 3), input_name="clips"),
                 weights={{name: value.numpy() for name, value in network.state_dict().items()}})
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


def report(name: str, code: str, runs: int, processors: list[int], **given: object) -> None:
    """Print one line per number of processors: rates are summed over them, the rest is that of one."""
    for cores in processors:
        some = tuple({**given, "core": core} for core in range(cores))
        found = [children(code, side_by_side=some) for _ in range(runs)]
        line = []
        for figure in found[0][0]:
            total = figure.endswith("/s")
            value = statistics.median(
                sum(one[figure] for one in run) if total else max(one[figure] for one in run) for run in found
            )
            line.append(f"{figure} {value:,.1f}")
        print(f"{name:34}{cores:3} processor{'s' if cores > 1 else ' '}  {', '.join(line)}", flush=True)


def main() -> None:
    """Print the lines."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--video", type=Path, default=DEMO)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=24, help="training steps of 8 clips")
    options = parser.parse_args()
    processors = [count for count in (1, 2) if count <= (os.cpu_count() or 1)]
    print(f"{options.video.name}, first {options.frames} frames; median of {options.runs}\n")
    for every in (1, 5):
        report(f"aligned faces, landmarks every {every}", ALIGNED, options.runs, processors,
               video=str(options.video), frames=options.frames, every=every)  # fmt: skip
    report("training", TRAINING, options.runs, processors, steps=options.steps)
    with tempfile.TemporaryDirectory() as folder:
        weights = f"{folder}/weights"
        subprocess.run([sys.executable, "-c", WEIGHTS.format(weights=weights)], check=True)
        report("network at inference", SCORING, options.runs, processors, weights=weights, frames=options.frames)


if __name__ == "__main__":
    main()
