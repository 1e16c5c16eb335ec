"""How well the default landmarker finds the faces of the benchmark corpus: ``--face-model PATH``; takes two minutes.

Draws a random sample of frames of a preset as the corpus holds them, noise included, compression left out, and compares
the landmarks found with the exact ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from facespot.faces import load_detector
from facespot.synth.acting import Actor
from facespot.synth.casting import make_casting
from facespot.synth.planning import draw_script
from facespot.synth.plans import plan_videos
from facespot.synth.presets import find_preset
from facespot.synth.recording import outside, sensor_of
from facespot.synth.sensor import develop


def main() -> None:
    """Print the share of faces found and the landmark error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--preset", default="bench-v1")
    parser.add_argument("--videos", type=int, default=25)
    parser.add_argument("--frames", type=int, default=8, help="of each video")
    arguments = parser.parse_args()
    rng, detector = np.random.default_rng(0), load_detector()
    preset, casting = find_preset(arguments.preset), make_casting(arguments.face_model)
    plans = plan_videos(preset, preset.seed)
    found, hidden, errors = [], 0, []
    for k in sorted(rng.choice(len(plans), min(arguments.videos, len(plans)), replace=False)):
        plan = plans[int(k)]
        face = casting.face(plan)
        actor = Actor(face, draw_script(preset, plan.seconds, plan.fps, plan.rng("script")))
        for frame in sorted(rng.choice(plan.n_frames, arguments.frames, replace=False)):
            time_s = float(frame) / plan.fps
            pose = actor.pose(time_s)
            exact = face.landmarks(pose, int(frame))
            if actor.hidden(time_s) or outside(exact, plan):
                hidden += 1
                continue
            picture = develop(face.draw(pose, int(frame)), sensor_of(plan), rng, time_s)
            faces = detector.detect(picture, int(frame))
            found.append(bool(faces))
            if faces:
                eyes = float(np.linalg.norm(exact[45] - exact[36]))
                errors.append(np.linalg.norm(faces[0].landmarks - exact, axis=1) / eyes)
            else:
                print(f"not found: {plan.id} frame {frame}")
    by_point = 100 * np.array(errors)
    print(f"{preset.name}: {len(found)} frames, {hidden} more left out (hand, turn beyond 30 degrees, edge)")
    print(f"found: {100 * np.mean(found):.1f} %")
    parts = (("jaw", 0, 17), ("brows", 17, 27), ("nose", 27, 36), ("eyes", 36, 48), ("mouth", 48, 68), ("all", 0, 68))
    for name, first, last in parts:
        print(f"landmark error in % of the eye distance, {name}: {by_point[:, first:last].mean():.1f}")


if __name__ == "__main__":
    main()
