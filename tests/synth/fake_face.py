"""A face that is drawn in no time: blobs that the blendshapes move. Importable by worker processes."""

from dataclasses import dataclass, replace

import numpy as np

from facespot.synth.source import REST

# How many hundredths of the eye distance a blendshape moves the skin, by the beginning of its name.
REACH = {"jaw": 40, "mouth": 14, "brow": 12, "nose": 9, "cheek": 8, "eyeWide": 4, "eyeSquint": 3, "eye": 6}
TEMPLATE = np.stack([np.cos(np.arange(68) / 68 * 2 * np.pi), np.sin(np.arange(68) / 68 * 2 * np.pi)], axis=1)


class FakeFace:
    def __init__(self, size=(256, 256), tone=0.5):
        self.size, self.blink_weight, self._tone = size, 1.1, tone
        self._x, self._y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))

    def eye_distance(self):
        return 0.3 * self.size[0]

    def facial_motion(self, weights):
        """Nearly, not quite, linear in the weights, as perspective makes it."""
        reach = [
            abs(weight) * next(value for start, value in REACH.items() if name.startswith(start))
            for name, weight in weights.items()
        ]
        motion = max(reach, default=0.0) / 100
        return self.eye_distance() * motion * (1.0 + 0.1 * motion)

    def landmarks(self, pose, frame):
        centre = np.array(self.size) / 2 + np.array(pose.shift[:2]) + np.array(pose.step)
        return (centre + TEMPLATE * 0.25 * self.size[0] * (1 + sum(pose.weights.values()) / 50)).astype(np.float32)

    def draw(self, pose, frame):
        x, y = self.landmarks(pose, frame).mean(axis=0)
        radius = 0.25 * self.size[0] * (1 + 0.2 * sum(pose.weights.values()))
        disc = np.clip(radius - np.hypot(self._x - x, self._y - y), 0, 1) * self._tone * pose.light
        return np.repeat(disc[..., None], 3, axis=2).astype(np.float32)

    def flow(self, first, second, frames):
        step = (self.landmarks(second, frames[1]) - self.landmarks(first, frames[0])).mean(axis=0)
        height_width = self._x.shape
        return np.broadcast_to(step, (*height_width, 2)).astype(np.float32), np.ones(height_width, dtype=bool)


@dataclass(frozen=True)
class FakeCasting:
    """Plays every subject with a disc of its own tone; fails on `fails_at`, to try out what a killed run leaves."""

    fails_at: str = ""

    def fit(self, preset):
        return preset

    def face(self, plan):
        if plan.id == self.fails_at:
            raise OSError("no space left")
        return FakeFace((plan.width, plan.height), float(plan.subject_rng("appearance").uniform(0.2, 0.8)))

    def describe(self):
        return {"faces": "discs"}


def with_(pose=REST, **changes):
    return replace(pose, **changes)
