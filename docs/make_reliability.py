"""Draws pictures/reliability.png: how often an interval was right, by the probability that the default gave it.

Run from the repository root: ``python docs/make_reliability.py``. The table stands in the shipped checkpoint; it was
measured on people held back in its training.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
CHECKPOINT = ROOT / "src/facespot/weights/regiontcn/both/method.json"
COLOURS = {"macro": "#1f77b4", "micro": "#d62728"}


def main() -> None:
    """Draw the picture."""
    table = json.loads(CHECKPOINT.read_text(encoding="utf-8"))["fitted"]["reliability"]
    figure, axes = plt.subplots(figsize=(5.2, 4.6), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as often as it says")
    for kind, bins in table.items():
        filled = [one for one in bins if one["count"]]
        said, so = ([one[name] for one in filled] for name in ("mean_probability", "observed_share"))
        axes.plot(said, so, marker="o", color=COLOURS[kind], label=kind)
        for x, y, one in zip(said, so, filled, strict=True):
            axes.annotate(str(one["count"]), (x, y), xytext=(4, -11), textcoords="offset points", fontsize=7)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="probability that was given", ylabel="share that was right (IoU 0.5)")
    axes.set_title("People held back in training; numbers are proposals", fontsize=9)
    axes.legend(loc="upper left", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(ROOT / "docs/pictures/reliability.png", dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
