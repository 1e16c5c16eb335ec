from dataclasses import replace

import numpy as np
import pytest

from facespot.errors import SettingsError
from facespot.synth.appearance import HAIR_STYLES, Appearance
from facespot.synth.camera import Camera


@pytest.fixture(scope="module")
def people():
    return [Appearance.draw(np.random.default_rng([8, k])) for k in range(300)]


def test_identity_weights_are_as_documented(people):
    weights = np.stack([person.identity for person in people])
    assert weights.shape == (300, 100)
    assert np.abs(weights).max() == 2.0
    # The standard deviation of N(0, 0.9) clipped at 2, by integration of the density.
    grid = np.linspace(-9, 9, 200001)
    density = np.exp(-((grid / 0.9) ** 2) / 2)
    expected = np.sqrt((np.clip(grid, -2, 2) ** 2 * density).sum() / density.sum())
    assert weights.std() == pytest.approx(expected, abs=0.015)


def test_people_vary(people):
    tones = np.array([person.skin_tone for person in people])
    assert tones.min() < 1.3
    assert tones.max() > 9.7
    assert {person.hair_style for person in people} == set(HAIR_STYLES)
    assert sum(person.beard > 0 for person in people) > 10
    assert sum(person.stubble > 0 for person in people) > 20


def test_tone_darkens_skin(people):
    ordered = sorted(people, key=lambda person: person.skin_tone)
    brightness = [sum(person.skin) for person in ordered]
    assert np.corrcoef(range(300), brightness)[0, 1] < -0.95
    for person in people:
        assert 0 < min(person.skin) < max(person.skin) < 1


def test_same_seed_same_person():
    first, again = (Appearance.draw(np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.identity, again.identity)
    assert replace(first, identity=np.zeros(1)).__dict__.keys() == again.__dict__.keys()
    assert first.skin == again.skin
    assert first.seed == again.seed


def test_unknown_hair_style(people):
    with pytest.raises(SettingsError, match="mohawk"):
        replace(people[0], hair_style="mohawk")


@pytest.mark.parametrize(
    "settings",
    [{"width": 100}, {"height": 4000}, {"width": 321}, {"distance": 5.0}, {"eye_distance": float("nan")},
     {"background": "beach"}, {"fill": -1.0}],
)  # fmt: skip
def test_absurd_cameras(settings):
    with pytest.raises(SettingsError, match="camera"):
        Camera(**settings)


def test_drawn_cameras_are_valid_and_differ():
    cameras = [Camera.draw(np.random.default_rng(k), 640, 480) for k in range(50)]
    assert {camera.background for camera in cameras} == {"wall", "gradient", "room"}
    assert min(camera.light[0] for camera in cameras) < -0.3 < 0.3 < max(camera.light[0] for camera in cameras)
    for camera in cameras:
        assert np.linalg.norm(camera.key_direction) == pytest.approx(1.0)
        assert camera.key_direction[2] > 0.3
