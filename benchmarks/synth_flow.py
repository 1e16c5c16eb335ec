"""How exact the flow engines are on rendered faces: ``--face-model PATH``; takes three to five minutes.

Draws pairs of frames of the benchmark corpus, k = 0.2 s apart as for micro-expressions, half of them towards the apex
of an expression and half anywhere; crops them to 128x128 as the methods do, and compares each engine with the exact
motion of the skin. Noise is included, compression left out. End-point error in pixels of the crop, by true motion.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from facespot.faces import crop, face_box, to_crop
from facespot.features.flow import load_flow_engine
from facespot.synth.acting import Actor
from facespot.synth.casting import make_casting
from facespot.synth.planning import draw_script
from facespot.synth.plans import plan_videos
from facespot.synth.presets import find_preset
from facespot.synth.recording import FLOW_DISTANCE_S, outside, sensor_of
from facespot.synth.sensor import develop

BINS = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
ENGINES = ("tvl1", "opencv-tvl1", "farneback", "dis")
SIZE = 128


def exact_in_crop(flow: np.ndarray, known: np.ndarray, box, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exact flow at the centres of the crop's pixels, in its pixels, and where it is known and on the face."""
    corners = to_crop(np.array([[0.0, 0.0], [1.0, 0.0]], dtype=np.float32), box, SIZE)
    scale = 1.0 / float(corners[1, 0] - corners[0, 0])
    grid = np.arange(SIZE, dtype=np.float32)
    x, y = np.meshgrid((grid - corners[0, 0]) * scale, (grid - corners[0, 1]) * scale)
    sampled = cv2.remap(flow, x, y, cv2.INTER_LINEAR) / scale
    inside = np.zeros((SIZE, SIZE), dtype=np.uint8)
    hull = cv2.convexHull(to_crop(landmarks, box, SIZE))
    cv2.fillConvexPoly(inside, np.round(hull).astype(np.int32), 1)
    usable = cv2.remap(known.astype(np.float32), x, y, cv2.INTER_LINEAR) >= 1.0
    return sampled, usable & inside.astype(bool)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--face-model", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=200)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    preset, casting = find_preset("bench-v1"), make_casting(arguments.face_model)
    plans = plan_videos(preset, preset.seed)
    firsts, seconds, truths, masks = [], [], [], []
    each = -(-arguments.pairs // len(plans))
    for plan in plans:
        face = casting.face(plan)
        actor = Actor(face, draw_script(preset, plan.seconds, plan.fps, plan.rng("script")))
        step = round(FLOW_DISTANCE_S * plan.fps)
        apexes = [one.expression.apex for one in actor.truth(plan.fps, plan.n_frames)]
        starts = [max(0, apex - step) for apex in apexes if apex is not None][: each // 2 + each % 2]
        starts += rng.integers(0, plan.n_frames - step, 4 * each).tolist()
        taken = 0
        for start in starts:
            poses = [actor.pose(frame / plan.fps) for frame in (start, start + step)]
            landmarks = [face.landmarks(pose, 0) for pose in poses]
            if any(actor.hidden(k / plan.fps) for k in (start, start + step)) or outside(landmarks[0], plan):
                continue
            if taken == each or len(firsts) == arguments.pairs:
                break
            taken += 1
            box = face_box(landmarks[0])
            pictures = [develop(face.draw(pose, 0), sensor_of(plan), rng, 0.0) for pose in poses]
            grays = [crop(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), box, SIZE) for picture in pictures]
            exact, mask = exact_in_crop(*face.flow(poses[0], poses[1], (0, 0)), box, landmarks[0])
            firsts.append(grays[0])
            seconds.append(grays[1])
            truths.append(exact)
            masks.append(mask)
    first, second, truth, mask = (np.stack(part) for part in (firsts, seconds, truths, masks))
    motion = np.linalg.norm(truth, axis=-1)
    print(f"{len(first)} pairs of {preset.name}; end-point error in px of the crop, by true motion in px\n")
    print("| Engine | " + " | ".join(f"{low:g}-{high:g}" for low, high in pairwise(BINS)) + " | all |")
    print("|---" * (len(BINS) + 1) + "|")
    groups = [mask & (motion >= low) & (motion < high) for low, high in pairwise(BINS)]
    print("| share of pixels | " + " | ".join(f"{group.sum() / mask.sum():.3f}" for group in groups) + " | 1 |")
    zero = [motion[group].mean() for group in [*groups, mask]]
    print("| no motion at all | " + " | ".join(f"{value:.3f}" for value in zero) + " |")
    for name in ENGINES:
        flow = load_flow_engine(name, workers=2).flow(first, second)
        error = np.linalg.norm(flow - truth, axis=-1)
        print(
            f"| `{name}` | " + " | ".join(f"{error[group].mean():.3f}" for group in [*groups, mask]) + " |", flush=True
        )


if __name__ == "__main__":
    main()
