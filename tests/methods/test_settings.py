"""Overrides of settings: names, types, ranges."""

import pytest

from facespot.errors import SettingsError
from facespot.methods.regiontcn.config import RegiontcnConfig
from facespot.methods.settings import override
from facespot.methods.softnet.method import SoftnetConfig
from facespot.methods.strain.method import StrainConfig


def test_text_becomes_the_type_of_the_setting():
    config = override(StrainConfig(), {"p": "0.6", "smoothing": "paper", "flow": "dis"})
    assert config == StrainConfig(p=0.6, smoothing="paper", flow="dis")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"q": "1"}, "'q': it is unknown; the settings are macro_distance_s"),
        ({"p": "high"}, "'high' is not a number"),
        ({"p": "1.5"}, "1.5 is out of range; give 0 to 1"),
        ({"p": "nan"}, "nan is out of range"),
        ({"smoothing": "none"}, "'none' is not a choice; choose one of code, paper"),
        ({"micro_distance_s": "0"}, r"give 0\.01 to 10 seconds"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(SettingsError, match=message):
        override(StrainConfig(), changes)


def test_a_setting_may_be_left_open():
    assert RegiontcnConfig().macro_threshold is None
    for value, expected in (("0.25", 0.25), (0.25, 0.25), ("none", None), (None, None)):
        assert override(RegiontcnConfig(), {"macro_threshold": value}).macro_threshold == expected
    with pytest.raises(SettingsError, match="'high' is not a number"):
        override(RegiontcnConfig(), {"macro_threshold": "high"})


def test_every_method_has_its_own_settings():
    assert override(SoftnetConfig(), {"roi_layout": "split"}).roi_layout == "split"
    with pytest.raises(SettingsError, match="roi_layout"):
        override(StrainConfig(), {"roi_layout": "split"})
