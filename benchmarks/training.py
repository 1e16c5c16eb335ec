"""How fast SOFTNet and the backbones of its Table 3 train and score: samples per second on one and on two processors.

    python benchmarks/training.py
    python benchmarks/training.py --network softnet --steps 400
    python benchmarks/training.py --fold RUN          also the time of one fold, from a finished run folder

Training steps take 12 memory-mapped rows, as in the paper; scoring runs network.onnx in batches of 64. A process has
one thread; "two processors" are two processes side by side, as `facespot run` works, and their rates are added.
Processors are held with sched_setaffinity, so this runs on Linux. Needs the extra [train].
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

NETWORKS = ("softnet", "mobilenet_v2", "resnet18", "resnet50", "vgg16")

WORK = """
import json, os, sys, tempfile, time, warnings
warnings.simplefilter("ignore")
os.sched_setaffinity(0, {{{core}}})
from pathlib import Path
import numpy as np, torch
from facespot.methods.softnet.backbones.build import build_network
from facespot.methods.softnet.fitting import mean_squared_error
from facespot.models import OnnxNetwork
from facespot.training.loop import Schedule, train
from facespot.training.onnx_export import to_onnx
from facespot.training.samples import RowSamples
batch, steps = 12, {steps}
with tempfile.TemporaryDirectory() as folder:
    rng = np.random.default_rng(0)
    np.save(Path(folder) / "rows.npy", rng.random((2000, 42, 42, 3), dtype=np.float32))
    rows = np.load(Path(folder) / "rows.npy", mmap_mode="r")
    places = np.stack([np.zeros(2000, dtype=np.int64), np.arange(2000)], axis=1)
    samples = RowSamples([rows], places, rng.random(2000, dtype=np.float32))
    network = build_network({network!r}, torch.Generator().manual_seed(0))
    started = []
    def note(done, total):
        # The first steps choose kernels and allocate memory.
        if done == max(2, steps // 10):
            started.append((done, time.perf_counter()))
    schedule = Schedule(-(-steps * batch // 2000), batch, 0, samples_per_epoch=min(2000, steps * batch))
    optimiser = torch.optim.SGD(network.parameters(), lr=5e-4)
    train(network, optimiser, samples, mean_squared_error, schedule, on_progress=note)
    total = schedule.epochs * -(-schedule.samples_per_epoch // batch)
    training = (total - started[0][0]) * batch / (time.perf_counter() - started[0][1])
    (Path(folder) / "network.onnx").write_bytes(to_onnx(network, (42, 42, 3)))
    scorer = OnnxNetwork(Path(folder) / "network.onnx")
    chosen = rows[: max(64, min(2000, steps * 8))]
    scorer.run(chosen[:64])
    before = time.perf_counter()
    scorer.run(chosen)
    scoring = len(chosen) / (time.perf_counter() - before)
print(json.dumps({{"training": training, "scoring": scoring}}))
"""


def rates(network: str, steps: int, processors: int) -> dict[str, float]:
    """Samples per second of as many processes as processors, added."""
    programs = [WORK.format(network=network, steps=steps, core=core) for core in range(processors)]
    processes = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for program in programs
    ]
    found = [json.loads(process.communicate()[0].splitlines()[-1]) for process in processes]
    return {name: sum(one[name] for one in found) for name in ("training", "scoring")}


def fold_times(run: Path) -> dict[str, float]:
    """Median and total seconds of the folds of a run."""
    times = [json.loads(path.read_text()) for path in sorted(run.glob("folds/*/timing.json"))]
    seconds = [one["training_s"] + one["scoring_s"] for one in times]
    return {"folds": len(seconds), "median_s": statistics.median(seconds), "sum_s": sum(seconds)}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, action="append")
    parser.add_argument("--steps", type=int, help="training steps; default: 600 for softnet, 12 for the others")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--fold", type=Path, metavar="RUN")
    options = parser.parse_args()
    print(f"{'network':14} {'processors':>10} {'training, samples/s':>20} {'scoring, samples/s':>20}")
    for network in options.network or NETWORKS:
        steps = options.steps or (600 if network == "softnet" else 12)
        for processors in (1, 2):
            runs = [rates(network, steps, processors) for _ in range(options.repeat)]
            training, scoring = (statistics.median(one[name] for one in runs) for name in ("training", "scoring"))
            print(f"{network:14} {processors:10} {training:20.0f} {scoring:20.0f}", flush=True)
    if options.fold is not None:
        print("one fold, training and scoring: {median_s:.0f} s (median of {folds})".format(**fold_times(options.fold)))


if __name__ == "__main__":
    main()
