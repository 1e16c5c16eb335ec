"""The interface of the flow engines: choice by name, settings, input checks, and that all agree on one motion."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from facespot.errors import MissingDependencyError, SettingsError
from facespot.features import flow as flow_module
from facespot.features.flow import ENGINES, load_flow_engine


@pytest.fixture(scope="module")
def shifted():
    """Six 48 x 57 pairs that move by exactly (0.6, -0.4) pixels, by Fourier interpolation of a periodic texture."""
    rng = np.random.default_rng(0)
    texture = ndimage.gaussian_filter(rng.normal(0, 1, (6, 96, 96)), (0, 2, 2), mode="wrap")
    texture = 128 + 40 * texture / texture.std()
    moved = np.fft.ifft2(ndimage.fourier_shift(np.fft.fft2(texture), (0, -0.4, 0.6))).real
    return [np.clip(np.rint(images[:, :48, :57]), 0, 255).astype(np.uint8) for images in (texture, moved)]


@pytest.mark.parametrize("name", ENGINES)
def test_engines_agree_on_convention_and_unit(name, shifted):
    engine = load_flow_engine(name)
    flow = engine.flow(*shifted)
    assert (flow.shape, flow.dtype) == ((6, 48, 57, 2), np.float32)
    assert (engine.name, type(engine.version)) == (name, int)
    np.testing.assert_allclose(flow[:, 8:-8, 8:-8].mean(axis=(0, 1, 2)), [0.6, -0.4], atol=0.08)


@pytest.mark.parametrize("name", ENGINES)
def test_workers_and_float_grey_levels_do_not_change_the_flow(name, shifted):
    one = load_flow_engine(name).flow(*shifted)
    assert load_flow_engine(name, workers=2).flow(*shifted).tobytes() == one.tobytes()
    as_floats = load_flow_engine(name).flow(*(images.astype(np.float32) for images in shifted))
    np.testing.assert_allclose(as_floats, one, atol=1e-4)


@pytest.mark.parametrize("name", ENGINES)
def test_no_motion_gives_no_flow(name, shifted):
    flow = np.abs(load_flow_engine(name).flow(shifted[0], shifted[0]))
    # Farneback's own border handling moves a few pixels at the edge.
    inner = flow[:, 12:-12, 12:-12] if name == "farneback" else flow
    assert inner.max() < 1e-4


def test_an_unknown_engine_names_the_choices():
    choices = "tvl1, opencv-tvl1, farneback, dis, dis-fine"
    with pytest.raises(SettingsError, match=f"'horn' is unknown; choose one of {choices}$"):
        load_flow_engine("horn")


@pytest.mark.parametrize("name", ENGINES)
def test_an_unknown_setting_names_the_choices(name):
    with pytest.raises(SettingsError, match="'colour' is unknown; choose from "):
        load_flow_engine(name, colour="red")


def test_settings_reach_the_engine(shifted):
    engine = load_flow_engine("opencv-tvl1", scales=1, warps=1, outer_iterations=1, inner_iterations=1)
    assert engine.settings["scales"] == 1
    assert not np.allclose(engine.flow(*shifted), load_flow_engine("opencv-tvl1").flow(*shifted), atol=0.05)
    assert not np.array_equal(
        load_flow_engine("dis", preset="ultrafast").flow(*shifted), load_flow_engine("dis").flow(*shifted)
    )


def test_bad_settings():
    with pytest.raises(SettingsError, match="choose one of ultrafast, fast, medium"):
        load_flow_engine("dis", preset="slow")
    with pytest.raises(SettingsError, match="at least 1"):
        load_flow_engine("tvl1", workers=0)


@pytest.mark.parametrize("name", ["dis", "dis-fine"])
@pytest.mark.parametrize("scale", [-1, 6, 1.0, "1", True])
def test_a_bad_finest_scale(name, scale):
    with pytest.raises(SettingsError, match=f"finest_scale: {scale!r} is no whole number from 0 to 5; choose 1"):
        load_flow_engine(name, finest_scale=scale)


def test_settings_that_dis_leaves_to_its_preset_are_not_among_its_settings():
    # They are part of the key of what is in caches and checkpoints.
    assert load_flow_engine("dis").settings == {"preset": "medium"}
    assert load_flow_engine("dis", preset="fast").settings == {"preset": "fast"}
    assert load_flow_engine("dis-fine").settings == {"preset": "fast", "finest_scale": 1}
    assert load_flow_engine("dis-fine", finest_scale=0).settings == {"preset": "fast", "finest_scale": 0}


@pytest.fixture(scope="module")
def bulging():
    """A pair of 128 x 128 pixels, in smaller ones OpenCV chooses the levels itself, and its motion: a small bump."""
    texture = ndimage.gaussian_filter(np.random.default_rng(1).normal(0, 1, (128, 128)), 1.5)
    texture = 128 + 40 * texture / texture.std()
    y, x = np.mgrid[:128, :128].astype(float)
    bump = np.exp(-((x - 64) ** 2 + (y - 64) ** 2) / (2 * 7**2))
    moved = ndimage.map_coordinates(texture, [y, x - bump], order=3, mode="nearest")
    return [np.clip(np.rint(image), 0, 255).astype(np.uint8)[np.newaxis] for image in (texture, moved)], bump


def test_dis_fine_is_dis_with_the_preset_fast_that_ends_at_half_the_size(bulging):
    def flow(name, **settings):
        return load_flow_engine(name, **settings).flow(*bulging[0]).tobytes()

    fast = flow("dis", preset="fast")
    assert flow("dis-fine") == flow("dis", preset="fast", finest_scale=1)
    assert flow("dis-fine", finest_scale=None) == fast == flow("dis", preset="fast", finest_scale=2)
    assert flow("dis") == flow("dis", finest_scale=1)
    assert len({flow("dis"), flow("dis-fine"), flow("dis-fine", finest_scale=0), fast}) == 4


def test_dis_fine_keeps_more_of_a_small_motion_than_the_preset_fast(bulging):
    pair, bump = bulging
    square = np.s_[59:70, 59:70]
    fine, fast = (
        load_flow_engine(name, preset="fast").flow(*pair)[0, ..., 0][square].mean() / bump[square].mean()
        for name in ("dis-fine", "dis")
    )
    assert fast + 0.1 < fine < 1.1


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ("libGL.so.1: cannot open shared object file", "libgl1 libglib2.0-0"),
        ("libgthread-2.0.so.0: cannot open shared object file", "libgl1 libglib2.0-0"),
        ("No module named 'cv2'", "pip install opencv-contrib-python"),
        ("No module named 'numba'", "pip install numba"),
    ],
)
def test_a_library_that_cannot_be_loaded_says_what_to_install(monkeypatch, message, remedy):
    def fail(module):
        raise ImportError(message)

    monkeypatch.setattr(flow_module, "import_module", fail)
    with pytest.raises(MissingDependencyError, match=remedy):
        load_flow_engine("dis")


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.zeros((2, 20, 20), np.uint8), np.zeros((3, 20, 20), np.uint8), "equal shapes"),
        (np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8), "equal shapes"),
        (np.zeros((1, 15, 20), np.uint8), np.zeros((1, 15, 20), np.uint8), "16 pixels"),
        (np.zeros((1, 20, 20)), np.zeros((1, 20, 20)), "uint8 or float32"),
        (np.full((1, 20, 20), np.nan, np.float32), np.zeros((1, 20, 20), np.float32), "finite"),
    ],
)
def test_bad_images(name, first, second, message):
    with pytest.raises(ValueError, match=message):
        load_flow_engine(name).flow(first, second)


def test_the_interface_imports_no_engine():
    code = "import sys, facespot.features.flow; print(sorted({'cv2', 'numba', 'torch'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
