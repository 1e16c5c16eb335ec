"""Draw the pictures of docs/synth.md: ``python docs/make_synth_pictures.py --face-model PATH``; takes a minute."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

from facespot.synth import distributions
from facespot.synth.acting import ActedExpression, Actor, Script
from facespot.synth.appearance import Appearance
from facespot.synth.camera import Camera
from facespot.synth.distractors import Blink
from facespot.synth.emotions import EMOTIONS, UnitAction
from facespot.synth.face_model import load_face_model
from facespot.synth.person import Person
from facespot.synth.planning import draw_script
from facespot.synth.plans import plan_videos
from facespot.synth.presets import PRESETS
from facespot.synth.sensor import SensorSettings, develop
from facespot.values import ByteImage

PICTURES = Path(__file__).parent / "pictures"
MOMENTS_S = (0.0, 0.36, 0.48, 0.66, 1.2)
SIZE = 256


def emotions(face_model: Path) -> None:
    """A macro-expression of each emotion through time, each on another person."""
    from matplotlib import pyplot

    model = load_face_model(face_model)
    rows = []
    for number, emotion in enumerate(EMOTIONS.values()):
        rng = np.random.default_rng([7, number])
        units = emotion.combinations[0] if emotion.name != "others" else (4,)
        sides = (1.0, 0.0) if emotion.one_sided else (1.0, 1.0)
        actions = tuple(UnitAction(unit, *sides) for unit in units)
        camera = replace(Camera.draw(rng, SIZE, SIZE), eye_distance=0.42, centre=(0.5, 0.5))
        person = Person(model, Appearance.draw(rng, len(model.identity_delta)), camera)
        expression = ActedExpression("macro", emotion.name, actions, 0.15, 1.4)
        actor = Actor(person, Script((expression,)))
        pictures: list[ByteImage] = [
            develop(person.draw(actor.pose(moment)), SensorSettings(), rng) for moment in MOMENTS_S
        ]
        rows.append((f"{emotion.name}\n{'+'.join(one.code for one in actions)}", pictures))
    figure, axes = pyplot.subplots(
        len(rows), len(MOMENTS_S), figsize=(8.6, 13.6), gridspec_kw={"wspace": 0.02, "hspace": 0.02}
    )
    for (label, pictures), line in zip(rows, axes, strict=True):
        for moment, picture, axis in zip(MOMENTS_S, pictures, line, strict=True):
            axis.imshow(picture)
            axis.set_xticks([])
            axis.set_yticks([])
            if axis in axes[0]:
                axis.set_title(f"{moment:.2f} s", fontsize=9)
        line[0].set_ylabel(label, fontsize=9)
    figure.savefig(PICTURES / "synth_emotions.png", dpi=100, bbox_inches="tight", metadata={"Software": None})
    pyplot.close(figure)


def drawn(face_model: Path) -> dict[str, NDArray[np.float64]]:
    """Durations and amplitudes of bench-v1 as measured, no picture drawn; blinks as scripted."""
    model = load_face_model(face_model)
    preset = PRESETS["bench-v1"]
    found: dict[str, list[float]] = {"macro_s": [], "micro_s": [], "macro_peak": [], "micro_peak": [], "blink_s": []}
    person, subject = None, -1
    for plan in plan_videos(preset, preset.seed):
        if plan.subject_number != subject:
            subject = plan.subject_number
            looks = Appearance.draw(plan.subject_rng("appearance"), len(model.identity_delta))
        person = Person(model, looks, Camera.draw(plan.rng("camera"), plan.width, plan.height))
        script = draw_script(preset, plan.seconds, plan.fps, plan.rng("script"))
        for one in Actor(person, script).truth(plan.fps, plan.n_frames):
            found[f"{one.expression.kind}_s"].append(len(one.expression) / plan.fps)
            found[f"{one.expression.kind}_peak"].append(100 * one.peak)
        found["blink_s"] += [one.duration_s for one in script.distractors if isinstance(one, Blink)]
    return {name: np.array(values) for name, values in found.items()}


def figures(face_model: Path) -> None:
    """Histograms of the benchmark beside the published figures."""
    from matplotlib import pyplot

    found = drawn(face_model)
    figure, axes = pyplot.subplots(2, 2, figsize=(9, 6))
    panels = (
        ("micro_s", "Micro-expressions, length in s", np.arange(0.5, 18) / 30, distributions.PUBLISHED_MEAN_S["micro"]),
        ("macro_s", "Macro-expressions, length in s", np.linspace(0, 4, 21), distributions.PUBLISHED_MEAN_S["macro"]),
        ("blink_s", "Blinks, length in s", np.linspace(0.1, 0.55, 19), None),
    )
    for axis, (name, title, bins, published) in zip(axes.flat, panels, strict=False):
        values = found[name]
        axis.hist(values, bins, color="#6a9bc3")
        axis.axvline(values.mean(), color="#1f3f5f", label=f"mean of {len(values)}: {values.mean():.2f} s")
        if published is not None:
            axis.axvspan(
                *published, color="#e0a030", alpha=0.4, label=f"published means {published[0]} to {published[1]} s"
            )
        else:
            mean, deviation = distributions.BLINK_MEAN_S, distributions.BLINK_DEVIATION_S
            curve = np.exp(-0.5 * ((bins - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
            axis.plot(bins, curve * len(values) * (bins[1] - bins[0]), color="#c07000",
                      label=f"published {mean} s, deviation {deviation} s")  # fmt: skip
        axis.set_title(title, fontsize=10)
        axis.legend(fontsize=8)
    axis = axes[1, 1]
    bins = np.geomspace(0.5, 40, 25)
    for kind, colour in (("micro", "#c06060"), ("macro", "#6a9bc3")):
        axis.hist(found[f"{kind}_peak"], bins, color=colour, alpha=0.7, label=kind)
    low, high = (100 * one for one in distributions.MICRO_AMPLITUDE)
    axis.axvspan(low, high, color="#e0a030", alpha=0.25, label=f"range set for micro: {low:.1f} to {high:.1f} %")
    axis.set_xscale("log")
    axis.set_xticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    axis.set_title("Largest facial motion in % of the eye distance", fontsize=10)
    axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(PICTURES / "synth_distributions.png", dpi=100, metadata={"Software": None})
    pyplot.close(figure)


if __name__ == "__main__":
    matplotlib.use("Agg")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--only", choices=("emotions", "figures"))
    arguments = parser.parse_args()
    if arguments.only != "figures":
        emotions(arguments.face_model)
    if arguments.only != "emotions":
        figures(arguments.face_model)
