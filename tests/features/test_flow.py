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
    with pytest.raises(SettingsError, match="'horn' is unknown; choose one of tvl1, opencv-tvl1, farneback, dis"):
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
