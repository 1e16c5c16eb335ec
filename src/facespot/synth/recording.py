"""Makes one video: its script is played frame by frame, and everything true of it is written down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from facespot.export.atomic import write_text
from facespot.synth.acting import Actor, Script, TrueExpression
from facespot.synth.casting import Casting
from facespot.synth.distractors import Blink, Distractor
from facespot.synth.planning import draw_script
from facespot.synth.plans import VideoPlan
from facespot.synth.presets import Preset
from facespot.synth.sensor import SensorSettings, average, develop
from facespot.synth.source import FaceSource, Pose
from facespot.synth.writing import (
    N_LANDMARKS,
    EncodedVideo,
    FrameFolder,
    VideoWriter,
    write_flow,
    write_frame_table,
)
from facespot.values import FloatArray

SCHEMA = "facespot.synth.video/1"
SHUTTER = 0.5
"""Share of the time between two frames in which the shutter is open; its subframes are spread over it."""
FLOW_DISTANCE_S = 0.2
"""Time between the two frames of a flow pair: half a micro-expression, the distance k of SOFTNet."""


def video_path(root: Path, plan: VideoPlan, *, frames: bool) -> Path:
    """Where a video lies: a file, or a folder of frames."""
    return root / "videos" / (plan.id if frames else f"{plan.id}.mp4")


def truth_path(root: Path, plan: VideoPlan) -> Path:
    """Where its truth lies; written last, so that a video with it is finished."""
    return root / "truth" / f"{plan.id}.json"


def make_video(
    root: Path,
    plan: VideoPlan,
    preset: Preset,
    casting: Casting,
    *,
    frames: bool,
    on_frame: Callable[[], None] | None = None,
) -> None:
    """Draw a video and write it with its truth; one frame is held in memory at a time.

    Parameters
    ----------
    root : Path
        Of the corpus; its folders are there.
    plan : VideoPlan
    preset : Preset
        What happens.
    casting : Casting
        Who plays.
    frames : bool
        Write PNG files in place of H.264.
    on_frame : callable, optional
        Called after each frame.
    """
    face = casting.face(plan)
    script = draw_script(preset, plan.seconds, plan.fps, plan.rng("script"))
    actor = Actor(face, script)
    path = video_path(root, plan, frames=frames)
    if path.is_dir():
        shutil.rmtree(path)
    landmarks = np.zeros((plan.n_frames, N_LANDMARKS, 2), dtype=np.float32)
    hidden = np.zeros(plan.n_frames, dtype=np.bool_)
    units: dict[str, FloatArray] = {}
    settings, noise = sensor_of(plan), plan.rng("noise")
    writer: VideoWriter = FrameFolder(path) if frames else EncodedVideo(path, plan)
    with writer:
        for k in range(plan.n_frames):
            time_s = k / plan.fps
            pose = actor.pose(time_s)
            writer.write(develop(_exposed(face, actor, pose, k, plan), settings, noise, time_s))
            landmarks[k] = face.landmarks(pose, k)
            hidden[k] = actor.hidden(time_s) or outside(landmarks[k], plan)
            for (unit, side), intensity in actor.intensities(time_s).items():
                column = units.setdefault(f"au{unit:02d}_{side}", np.zeros(plan.n_frames, dtype=np.float32))
                column[k] = intensity
            if on_frame is not None:
                on_frame()
    write_frame_table(root / "truth" / f"{plan.id}.parquet", plan, landmarks, units, hidden)
    truth = actor.truth(plan.fps, plan.n_frames)
    pairs = _write_flow(root, plan, preset.flow_pairs, face, actor, truth)
    write_text(
        truth_path(root, plan), json.dumps(_document(plan, script, truth, int(hidden.sum()), pairs), indent=1) + "\n"
    )


def sensor_of(plan: VideoPlan) -> SensorSettings:
    """Return the camera whose noise is that of the plan: at full well 12000 and 12 electrons it is one level."""
    if plan.noise <= 0.0:
        return SensorSettings(full_well=1e7, read_noise=0.0, grey=plan.grey)
    return SensorSettings(
        full_well=12000.0 / plan.noise**2,
        read_noise=12.0 / plan.noise,
        grey=plan.grey,
        flicker=plan.flicker,
        shutter_s=SHUTTER / plan.fps,
    )


def _exposed(face: FaceSource, actor: Actor, pose: Pose, k: int, plan: VideoPlan) -> FloatArray:
    """Light of a frame, the mean of its subframes around the moment of its pose."""
    if plan.subframes == 1:
        return face.draw(pose, k)
    offsets = (np.arange(plan.subframes) - (plan.subframes - 1) / 2) / plan.subframes * SHUTTER
    return average(face.draw(actor.pose((k + float(offset)) / plan.fps), k) for offset in offsets)


def outside(landmarks: FloatArray, plan: VideoPlan) -> bool:
    """Whether part of the face is beyond the edge of the picture."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    return bool(low.min() < 0 or high[0] > plan.width - 1 or high[1] > plan.height - 1)


def _write_flow(
    root: Path, plan: VideoPlan, count: int, face: FaceSource, actor: Actor, truth: tuple[TrueExpression, ...]
) -> list[str]:
    """Exact flow of pairs of frames: towards the apex of expressions first, then anywhere."""
    step = max(1, round(FLOW_DISTANCE_S * plan.fps))
    if count == 0 or plan.n_frames <= step:
        return []
    rng = plan.rng("flow")
    starts = [max(0, (one.expression.apex or 0) - step) for one in truth]
    starts = [starts[k] for k in rng.permutation(len(starts))][:count]
    starts += [int(rng.integers(0, plan.n_frames - step)) for _ in range(count - len(starts))]
    names = []
    for first in sorted(set(starts)):
        second = min(first + step, plan.n_frames - 1)
        flow, known = face.flow(actor.pose(first / plan.fps), actor.pose(second / plan.fps), (first, second))
        name = f"{plan.id}_{first}_{second}.npz"
        write_flow(root / "truth" / "flow" / name, flow, known)
        names.append(f"truth/flow/{name}")
    return names


def _document(
    plan: VideoPlan, script: Script, truth: tuple[TrueExpression, ...], hidden_frames: int, pairs: list[str]
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "plan": plan.document(),
        "expressions": [
            {
                "type": one.expression.kind,
                "onset": one.expression.onset,
                "apex": one.expression.apex,
                "offset": one.expression.offset,
                "emotion": one.expression.emotion,
                "action_units": list(one.expression.action_units),
                "peak": round(one.peak, 6),
            }
            for one in truth
        ],
        "distractors": [_distractor(one, plan) for one in script.distractors],
        "hidden_frames": hidden_frames,
        "flow": pairs,
    }


def _distractor(one: Distractor, plan: VideoPlan) -> dict[str, Any]:
    onset = int(np.ceil(one.start_s * plan.fps))
    offset = min(plan.n_frames - 1, int(np.floor(one.end_s * plan.fps)))
    return {
        "kind": one.kind,
        "onset": min(onset, offset),
        "offset": offset,
        "duration_s": round(one.duration_s, 6),
        "strength": round(one.depth, 4) if isinstance(one, Blink) else None,
        "hides_face": one.hides_face,
    }
