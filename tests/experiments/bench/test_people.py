"""Skin tone, face shape and head motion of the people of a corpus, and the groups that they make."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from facespot.errors import FormatError
from facespot.experiments.bench.people import (
    Looks,
    face_width,
    groupings,
    head_motion,
    looks_of,
    skin_tone_of,
)
from facespot.synth.plans import plan_videos
from facespot.synth.presets import PRESETS

TINY = replace(PRESETS["tiny"], seconds=2.0)


def points(n_frames=60, *, width=90.0, height=75.0, eyes=60.0):
    """A face whose measures are round numbers, in the middle of a picture."""
    face = np.zeros((n_frames, 68, 2))
    face[:, [0, 16], 0] = -width / 2, width / 2
    face[:, 8, 1] = height
    face[:, [36, 45], 0] = -eyes / 2, eyes / 2
    return face + 128.0


def test_the_shape_is_width_over_height_of_the_frames_that_show_it():
    face, hidden = points(), np.zeros(60, dtype=bool)
    assert face_width(face, hidden) == pytest.approx(1.2)
    face[:40, 8, 1] += 100.0
    hidden[:40] = True
    assert face_width(face, hidden) == pytest.approx(1.2)
    assert face_width(face, np.ones(60, dtype=bool)) < 1.0, "where all are hidden, all count"


def test_motion_is_in_eye_distances_per_second():
    still = points(100)
    assert head_motion(still, 25.0) == 0.0
    turning = still + 12.0 * np.exp(2j * np.pi * np.arange(100) / 25.0)[:, None, None].view(float).reshape(100, 1, 2)
    # One circle of radius 12 pixels a second, eyes 60 pixels apart; a polygon of 25 corners is a little shorter.
    assert head_motion(turning, 25.0) == pytest.approx(2 * np.pi * 12 / 60, rel=0.01)
    assert head_motion(2 * turning, 25.0) == pytest.approx(head_motion(turning, 25.0))


def looks(tones, widths=None, motions=None, videos=2):
    return [
        Looks(f"s{k:02d}_v{v}", f"s{k:02d}", tone, (widths or tones)[k], (motions or {}).get((k, v), k + v / 10))
        for k, tone in enumerate(tones)
        for v in range(videos)
    ]


def test_groups_hold_every_video_once():
    found = groupings(looks([1.0, 3.9, 4.0, 6.9, 7.0, 10.0, 2.0, 8.0]))
    assert [one.name for one in found] == ["skin tone", "face shape", "head motion"]
    for one in found:
        members = [video for videos in one.groups.values() for video in videos]
        assert sorted(members) == sorted({f"s{k:02d}_v{v}" for k in range(8) for v in range(2)})
        assert len(members) == len(set(members))
    tones = {name: {video[:3] for video in videos} for (name, _), videos in found[0].groups.items()}
    assert tones == {
        "skin-light": {"s00", "s01", "s06"},
        "skin-medium": {"s02", "s03"},
        "skin-dark": {"s04", "s05", "s07"},
    }


def test_shapes_are_of_people_and_motion_is_of_videos():
    motions = {(k, v): 10 * v + k for k in range(6) for v in range(2)}
    _, shape, motion = groupings(looks([5.0] * 6, widths=[6, 5, 4, 3, 2, 1], motions=motions))
    assert {
        name: [video for video in videos if video.endswith("v0")] for (name, _), videos in shape.groups.items()
    } == {
        "face-narrow": ["s04_v0", "s05_v0"],
        "face-middle": ["s02_v0", "s03_v0"],
        "face-wide": ["s00_v0", "s01_v0"],
    }
    least, _, most = motion.groups.values()
    assert {video[-2:] for video in least} == {"v0"}
    assert {video[-2:] for video in most} == {"v1"}
    assert next(title for _, title in motion.groups) == "least head motion, 0.000 to 3.000 eye distances/s"


def test_people_who_are_not_rendered_have_no_skin_tone():
    assert [one.name for one in groupings(looks([None, None], widths=[1, 2]))] == ["face shape", "head motion"]


def test_empty_groups_are_left_out():
    found = groupings(looks([1.5, 2.5], videos=1))
    assert list(found[0].groups) == [("skin-light", "light skin, tone 1 to 4")]
    assert all(all(videos for videos in one.groups.values()) for one in found)


@pytest.fixture
def corpus(tmp_path):
    """Index and landmarks of three people of whom nothing else is there."""
    plans = plan_videos(TINY, 1)
    header = {"casting": {"faces": "rendered"}, "videos": [one.document() for one in plans]}
    (tmp_path / "truth").mkdir()
    (tmp_path / "corpus.json").write_text(json.dumps(header))
    for k, plan in enumerate(plans):
        face = points(plan.n_frames, width=80.0 + 10 * k).astype(np.float32)
        columns = {f"{axis}{p}": face[:, p, number] for number, axis in enumerate("xy") for p in range(68)}
        table = pyarrow.table({"face_hidden": np.zeros(plan.n_frames, dtype=bool), **columns})
        parquet.write_table(table, tmp_path / "truth" / f"{plan.id}.parquet")
    return tmp_path


def test_a_corpus_is_measured(corpus):
    found = looks_of(corpus)
    assert [one.video for one in found] == ["s01_v1", "s02_v1", "s03_v1"]
    assert [one.face_width for one in found] == pytest.approx([80 / 75, 90 / 75, 100 / 75])
    assert [one.head_motion for one in found] == [0.0, 0.0, 0.0]
    assert all(1 <= one.skin_tone <= 10 for one in found)


def test_truth_that_cannot_be_read_is_said(corpus):
    (corpus / "truth" / "s02_v1.parquet").write_bytes(b"PAR1 but no more")
    with pytest.raises(FormatError, match=r"s02_v1\.parquet: it cannot be read"):
        looks_of(corpus)


def test_the_skin_tone_is_that_of_the_person_who_is_drawn():
    from facespot.synth.casting import ModelCasting

    default = Path(__file__).parents[4] / "shared" / "face_model" / "ict_facekit.npz"
    path = Path(os.environ.get("FACESPOT_FACE_MODEL", default))
    if not path.is_file():
        pytest.skip(f"no face model at {path} (set FACESPOT_FACE_MODEL)")
    plan = plan_videos(TINY, 1)[1]
    assert ModelCasting(path).face(plan).appearance.skin_tone == skin_tone_of(plan)
