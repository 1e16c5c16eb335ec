"""Real faces play: rendered people from the model, the same subject in all its videos, found by the detector."""

from dataclasses import replace

import numpy as np
import pytest

from facespot.errors import SettingsError
from facespot.faces import load_detector
from facespot.synth.acting import Actor, Script
from facespot.synth.casting import CarrierCasting, ModelCasting, PhotoCasting, make_casting
from facespot.synth.distractors import Leaving
from facespot.synth.planning import draw_script
from facespot.synth.plans import plan_videos
from facespot.synth.presets import PRESETS
from facespot.synth.recording import sensor_of
from facespot.synth.sensor import develop

TINY = PRESETS["tiny"]


@pytest.fixture(scope="module")
def plans():
    return plan_videos(TINY, TINY.seed)


def test_the_default_landmarker_finds_the_faces_of_tiny(face_model_path, plans):
    casting, detector = make_casting(face_model_path), load_detector()
    found, errors = [], []
    for plan in plans[:2]:
        face = casting.face(plan)
        actor = Actor(face, draw_script(TINY, plan.seconds, plan.fps, plan.rng("script")))
        for frame in range(0, plan.n_frames, 20):
            pose = actor.pose(frame / plan.fps)
            picture = develop(face.draw(pose, frame), sensor_of(plan), np.random.default_rng(frame))
            faces = detector.detect(picture, frame)
            found.append(bool(faces))
            if faces:
                error = np.linalg.norm(faces[0].landmarks - face.landmarks(pose, frame), axis=1)
                errors.append(error.mean() / face.eye_distance())
    assert np.mean(found) >= 0.95
    assert np.mean(errors) < 0.06


def test_leaving_takes_the_person_out_of_the_picture(face_model_path, plans):
    face = make_casting(face_model_path).face(plans[0])
    actor = Actor(face, Script(distractors=(Leaving(1.0, 3.0),)))
    gone = face.landmarks(actor.pose(2.5), 75)
    assert gone[:, 0].min() > plans[0].width or gone[:, 0].max() < 0


def test_a_carrier_brings_its_own_movement(tmp_path):
    casting = CarrierCasting(tmp_path / "m.npz", tmp_path / "v.mp4", 640, 480, 25.0, 8.0)
    fitted = casting.fit(replace(PRESETS["bench-v1"], flow_pairs=0))
    assert (fitted.subjects, fitted.seconds, fitted.sway, fitted.noise) == (1, 8.0, 0.0, (0.0, 0.0))
    assert fitted.sizes == {(640, 480): 1.0}
    assert not {"nod", "hand", "turn", "leaving"} & set(fitted.happenings_a_minute)


def test_photographs_set_the_number_of_people(tmp_path):
    casting = PhotoCasting(tmp_path / "m.npz", tuple(tmp_path / f"{k}.png" for k in range(5)))
    assert casting.fit(PRESETS["bench-v1"]).subjects == 5
    assert casting.fit(TINY).subjects == 3
    assert "hand" not in casting.fit(PRESETS["bench-v1"]).happenings_a_minute


def test_one_kind_of_face_at_a_time(tmp_path):
    with pytest.raises(SettingsError, match="choose one of --photos and --carrier"):
        make_casting(tmp_path, photos=tmp_path, carrier=tmp_path)


def test_a_casting_is_told_by_the_bytes_of_its_model(tmp_path):
    for name, content in (("a.npz", b"one"), ("b.npz", b"two")):
        (tmp_path / name).write_bytes(content)
    first, second = (ModelCasting(tmp_path / name).describe()["face_model"]["sha256"] for name in ("a.npz", "b.npz"))
    assert first != second
