"""Loading by name, options, and counts beside the published ones."""

import subprocess
import sys

import pytest

from facespot.datasets import CORPORA, Count, check, corpus, corpus_options, load_dataset
from facespot.errors import SettingsError


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_says_where_it_is_from(name):
    one = corpus(name)
    assert one.name == name
    assert all((one.title, one.citation, one.licence, one.source, one.layout))
    assert "annotation" in corpus_options(name)


def test_published_counts_are_those_of_the_papers():
    # MEAN, Table 1 and section 4.1; SOFTNet, section 4; the half lengths are k of SOFTNet and k' of MEAN.
    assert corpus("cas_me_2").published["macro"] == (300,)
    assert corpus("cas_me_2").published["micro"] == (57,)
    assert 343 in corpus("samm_lv").published["macro"]
    assert [corpus(f"smic_{camera}").published["micro"] for camera in ("hs", "vis", "nir")] == [(157,), (71,), (71,)]
    halves = [corpus(name).published.get("half length micro") for name in CORPORA]
    assert halves == [(6,), (37,), (34,), (17,), (4,), (4,), (6,), None, None]


def test_counts_stand_beside_the_published_ones(cas_me_2):
    counts = {one.name: one for one in check(load_dataset("cas_me_2", cas_me_2))}
    assert counts["micro"] == Count("micro", 3, (57,))
    assert counts["micro"].fits is False
    assert Count("videos", 90, tuple(range(87, 99))).fits is True
    assert Count("videos", 90, ()).fits is None


def test_unknown_names_and_options_are_refused(cas_me_2):
    with pytest.raises(SettingsError, match="none named 'ck'; choose one of cas_me_2"):
        load_dataset("ck", cas_me_2)
    with pytest.raises(SettingsError, match="no option 'drop'; it takes annotation, footage"):
        load_dataset("cas_me_2", cas_me_2, drop=True)
    with pytest.raises(SettingsError, match="no emotion table"):
        load_dataset("cas_me_2", cas_me_2, emotions="nine")


def test_emotions_are_grouped_on_request(cas_me_2):
    dataset = load_dataset("cas_me_2", cas_me_2, emotions="three")
    emotions = {one.emotion for recording in dataset.recordings for one in recording.truth.expressions}
    assert emotions == {"negative", "positive", "surprise", None}
    assert any("'others', 1 expressions, is not scored" in one.reason for one in dataset.report.of("noted"))


def test_loading_twice_gives_the_same(cas_me_2):
    assert load_dataset("cas_me_2", cas_me_2) == load_dataset("cas_me_2", cas_me_2)


def test_the_room_is_light():
    code = (
        "import sys, facespot.datasets as d\nfor name in d.CORPORA: d.corpus(name)\n"
        "print([one for one in ('cv2', 'av', 'openpyxl', 'torch') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
