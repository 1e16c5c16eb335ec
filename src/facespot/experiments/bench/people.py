"""Who is in a made corpus: skin tone, face shape and head motion of each video, and the groups that they make.

Skin tone is stored nowhere: it is drawn again, as the corpus drew it, from the entropy in ``corpus.json``. Face shape
and head motion are measured on the exact landmarks in ``truth/ID.parquet``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facespot.errors import FormatError
from facespot.synth.appearance import Appearance
from facespot.synth.plans import VideoPlan
from facespot.synth.writing import require_pyarrow

SKIN_TONES = (("light", 1.0, 4.0), ("medium", 4.0, 7.0), ("dark", 7.0, 10.0))
"""Thirds of the scale of `facespot.synth.appearance.SKIN_TONES`: name, from, to."""
JAW, NASION, CHIN, NOSE_BRIDGE, OUTER_EYES = (0, 16), 27, 8, (27, 28, 29, 30), (36, 45)


@dataclass(frozen=True)
class Looks:
    """What sets one video apart.

    Parameters
    ----------
    video : str
        Name of its plan.
    subject : str
    skin_tone : float or None
        1 lightest to 10 darkest; None where the faces are not rendered.
    face_width : float
        Distance between the ends of the jaw line over that from nasion to chin, median over the frames in which
        nothing hides the face.
    head_motion : float
        Mean speed of the bridge of the nose, in eye distances per second.
    """

    video: str
    subject: str
    skin_tone: float | None
    face_width: float
    head_motion: float


@dataclass(frozen=True)
class Grouping:
    """Videos by one property.

    Parameters
    ----------
    name : str
        Of the property.
    groups : mapping from (name, title) to tuple of str
        Videos of each group, none of them empty.
    """

    name: str
    groups: Mapping[tuple[str, str], tuple[str, ...]]


def looks_of(root: Path) -> tuple[Looks, ...]:
    """Measure every video of a corpus.

    Raises
    ------
    FormatError
        If the truth of a video cannot be read.
    MissingDependencyError
        If pyarrow is not installed.
    """
    require_pyarrow()
    header = json.loads((root / "corpus.json").read_text(encoding="utf-8"))
    rendered = header["casting"].get("faces") == "rendered"
    found = []
    for document in header["videos"]:
        plan = VideoPlan(**{**document, "entropy": tuple(document["entropy"])})
        points, hidden = _landmarks(root / "truth" / f"{plan.id}.parquet")
        found.append(
            Looks(
                plan.id,
                plan.subject,
                skin_tone_of(plan) if rendered else None,
                face_width(points, hidden),
                head_motion(points, plan.fps),
            )
        )
    return tuple(found)


def skin_tone_of(plan: VideoPlan) -> float:
    """Skin tone of the person of a video, drawn again from its entropy."""
    return Appearance.draw(plan.subject_rng("appearance")).skin_tone


def face_width(points: NDArray[np.float64], hidden: NDArray[np.bool_]) -> float:
    """Width over height of a face, from (n, 68, 2) landmarks; see `Looks`."""
    shown = points[~hidden] if not hidden.all() else points
    width = _distances(shown[:, JAW[0]], shown[:, JAW[1]])
    height = _distances(shown[:, NASION], shown[:, CHIN])
    return float(np.median(width / height))


def head_motion(points: NDArray[np.float64], fps: float) -> float:
    """Mean speed of the bridge of the nose in eye distances per second, from (n, 68, 2) landmarks; see `Looks`."""
    bridge = points[:, NOSE_BRIDGE].mean(axis=1)
    eye_distance = np.median(_distances(points[:, OUTER_EYES[0]], points[:, OUTER_EYES[1]]))
    return float(_distances(bridge[1:], bridge[:-1]).mean() * fps / eye_distance)


def groupings(looks: Sequence[Looks]) -> tuple[Grouping, ...]:
    """Groups by skin tone, face shape and head motion.

    Skin tone goes by thirds of its scale. Face shape goes by thirds of the subjects, each with the mean of its videos,
    head motion by thirds of the videos.
    """
    found = []
    if all(one.skin_tone is not None for one in looks):
        tones = {
            (f"skin-{name}", f"{name} skin, tone {low:g} to {high:g}"): tuple(
                one.video
                for one in looks
                if one.skin_tone is not None and (low <= one.skin_tone < high or one.skin_tone == high == 10.0)
            )
            for name, low, high in SKIN_TONES
        }
        found.append(Grouping("skin tone", {name: videos for name, videos in tones.items() if videos}))
    subjects = sorted({one.subject for one in looks})
    widths = {
        subject: float(np.mean([one.face_width for one in looks if one.subject == subject])) for subject in subjects
    }
    shapes = {
        (f"face-{name}", f"{name} faces, width over height {low:.2f} to {high:.2f}"): tuple(
            one.video for one in looks if one.subject in members
        )
        for name, members, low, high in _thirds(widths, ("narrow", "middle", "wide"))
    }
    motions = {
        (f"motion-{name}", f"{name} head motion, {low:.3f} to {high:.3f} eye distances/s"): members
        for name, members, low, high in _thirds(
            {one.video: one.head_motion for one in looks}, ("least", "middle", "most")
        )
    }
    return (*found, Grouping("face shape", shapes), Grouping("head motion", motions))


def _thirds(values: Mapping[str, float], names: Sequence[str]) -> list[tuple[str, tuple[str, ...], float, float]]:
    """Name, members, lowest and highest value of each third, in order of value; empty thirds are left out."""
    ordered = sorted(values, key=lambda one: (values[one], one))
    parts = [[ordered[place] for place in part] for part in np.array_split(np.arange(len(ordered)), len(names))]
    return [
        (name, tuple(part), values[part[0]], values[part[-1]]) for name, part in zip(names, parts, strict=True) if part
    ]


def _distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    distances: NDArray[np.float64] = np.linalg.norm(first - second, axis=-1)
    return distances


def _landmarks(path: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Landmarks (n, 68, 2) in pixels, and whether something hides the face, of each frame."""
    import pyarrow
    import pyarrow.parquet

    names = [f"{axis}{point}" for axis in "xy" for point in range(68)]
    try:
        table = pyarrow.parquet.read_table(path, columns=[*names, "face_hidden"])
        columns = np.stack([table[name].to_numpy() for name in names], axis=1).astype(np.float64)
        hidden = table["face_hidden"].to_numpy().astype(np.bool_)
    except (OSError, KeyError, pyarrow.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise FormatError(str(path), f"it cannot be read ({reason})", "make the corpus anew") from error
    return columns.reshape(-1, 2, 68).transpose(0, 2, 1), hidden
