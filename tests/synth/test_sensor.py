import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.errors import SettingsError
from facespot.synth.sensor import SensorSettings, average, develop, row_light, sub_frame_times

CLEAN = SensorSettings(full_well=1e7, read_noise=0.0)


def grey(level, size=64):
    return np.full((size, size, 3), level, dtype=np.float32)


def test_middle_levels_follow_srgb():
    light = np.linspace(0, 0.7, 64 * 64, dtype=np.float32).reshape(64, 64, 1).repeat(3, axis=2)
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    levels = develop(light, CLEAN, np.random.default_rng(0))
    assert np.abs(levels - 255 * srgb).max() < 1.5


def test_highlights_are_soft_and_never_wrap():
    light = np.linspace(0.5, 50, 4096, dtype=np.float32).reshape(64, 64, 1).repeat(3, axis=2)
    levels = develop(light, CLEAN, np.random.default_rng(0))[..., 0].ravel().astype(int)
    # One level down is rounding of the little noise that is left.
    assert np.diff(levels).min() >= -1
    assert levels[-1] == 255


@given(st.floats(0.02, 0.6), st.floats(300, 30000), st.floats(0, 30), st.floats(0.5, 2))
@settings(max_examples=20, deadline=None)
def test_noise_is_shot_and_read_noise(level, full_well, read_noise, exposure):
    sensor = SensorSettings(exposure=exposure, full_well=full_well, read_noise=read_noise, chroma=0.0)
    spread_light = np.sqrt(level * full_well + read_noise**2) / full_well * exposure
    light = level * exposure
    # The slope of sRGB brings it to levels; only where the curve is that of sRGB and nearly straight.
    if not 0.01 < light - 3 * spread_light < light + 3 * spread_light < 0.65:
        return
    slope = 255 * 1.055 / 2.4 * light ** (1 / 2.4 - 1)
    levels = develop(grey(level, 128), sensor, np.random.default_rng(1))[..., 0]
    expected = np.hypot(spread_light * slope, np.sqrt(1 / 12))
    assert levels.std() == pytest.approx(expected, rel=0.12)


def test_colours_share_the_rest_of_the_noise():
    for chroma, expected in ((0.0, 1.0), (0.5, 0.75), (1.0, 0.0)):
        levels = develop(grey(0.3, 256), SensorSettings(full_well=1500, chroma=chroma), np.random.default_rng(2))
        red, green = levels[..., 0].ravel(), levels[..., 1].ravel()
        assert np.corrcoef(red, green)[0, 1] == pytest.approx(expected, abs=0.03)


def test_grey_is_the_same_in_all_channels_and_keeps_luminance():
    light = np.zeros((64, 64, 3), dtype=np.float32)
    light[...] = (0.5, 0.2, 0.1)
    levels = develop(light, SensorSettings(grey=True), np.random.default_rng(0))
    assert (levels == levels[..., :1]).all()
    same = develop(grey(0.2126 * 0.5 + 0.7152 * 0.2 + 0.0722 * 0.1), CLEAN, np.random.default_rng(0))
    assert levels.mean() == pytest.approx(same.mean(), abs=0.5)


def test_flicker_beats_with_the_frame_rate():
    sensor = SensorSettings(flicker=0.2, shutter_s=0.001)
    at_rate = {fps: [row_light(4, sensor, k / fps)[0] for k in range(int(fps))] for fps in (25, 50, 100, 180, 200)}
    for fps in (25, 50, 100):
        assert np.ptp(at_rate[fps]) < 1e-3
    for fps in (180, 200):
        assert np.ptp(at_rate[fps]) > 0.25
    whole_cycle = SensorSettings(flicker=0.2, shutter_s=0.01)
    np.testing.assert_allclose(row_light(4, whole_cycle, 0.0023), 1.0, atol=1e-6)


def test_flicker_is_the_mean_over_the_shutter():
    sensor = SensorSettings(flicker=0.3, shutter_s=0.004, mains_hz=60)
    times = 0.0137 + np.linspace(0, 0.004, 20001)
    expected = np.mean(1 + 0.3 * np.cos(2 * np.pi * 120 * times))
    assert row_light(1, sensor, 0.0137)[0] == pytest.approx(expected, abs=1e-4)


def test_rolling_shutter_shows_bands():
    sensor = SensorSettings(flicker=0.2, shutter_s=0.001, readout_s=0.02)
    rows = develop(grey(0.3, 200), sensor, np.random.default_rng(0)).mean(axis=(1, 2))
    spectrum = np.abs(np.fft.rfft(rows - rows.mean()))
    assert spectrum.argmax() == 2


def test_same_seed_same_bytes():
    light = np.random.default_rng(0).uniform(0, 1, (33, 47, 3)).astype(np.float32)
    first, again, other = (develop(light, SensorSettings(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_average_of_sub_frames():
    pictures = [grey(0.1, 4), grey(0.2, 4), grey(0.6, 4)]
    np.testing.assert_allclose(average(iter(pictures)), 0.3, rtol=1e-6)
    np.testing.assert_array_equal(pictures[0], grey(0.1, 4))
    with pytest.raises(ValueError, match="no pictures"):
        average([])
    assert sub_frame_times(0.5, 0.01, 4).mean() == pytest.approx(0.505)


@pytest.mark.parametrize(
    "change", [{"exposure": 0.0}, {"full_well": float("inf")}, {"flicker": 2.0}, {"shutter_s": -1}]
)
def test_absurd_settings(change):
    with pytest.raises(SettingsError, match="sensor"):
        SensorSettings(**change)
