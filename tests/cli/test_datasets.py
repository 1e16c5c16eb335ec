"""``facespot datasets`` as a user runs it."""

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from facespot.cli.main import app
from facespot.errors import FormatError, SettingsError


@pytest.fixture
def root(tmp_path):
    data = cv2.imencode(".jpg", np.zeros((8, 8), np.uint8))[1].tobytes()
    (tmp_path / "talk").mkdir()
    for number in range(1, 31):
        (tmp_path / "talk" / f"img{number}.jpg").write_bytes(data)
    (tmp_path / "annotation.csv").write_text(
        "subject,video,onset,apex,offset,type,fps\nann,talk,1,5,9,micro,30\nann,talk,12,15,29,macro,30\n"
    )
    return tmp_path


def invoke(*arguments, fails=None):
    """Output and exit code; an error that the command line would print is raised."""
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if fails is None and result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_list_names_every_corpus():
    shown = invoke("datasets", "list").stdout
    for name in ("cas_me_2", "samm_lv", "casme_ii", "smic_hs", "smic_vis", "smic_nir", "meview", "own_data"):
        assert f"\n{name}  " in shown
    entries = json.loads(invoke("datasets", "list", "--json").stdout)
    assert entries[1]["options"] == "drop_unknown_onset=True, annotation=None, emotion_file=None"


def test_a_complete_copy_exits_with_zero(root):
    result = invoke("datasets", "check", "own_data", root)
    assert result.exit_code == 0
    assert "Nothing was skipped, repaired or is odd." in result.stdout
    document = json.loads(invoke("datasets", "check", "own_data", root, "--json").stdout)
    found = {one["name"]: one["found"] for one in document["counts"]}
    assert found == {
        "subjects": 1,
        "videos": 1,
        "videos with an expression": 1,
        "macro": 1,
        "micro": 1,
        "half length macro": 9,
        "half length micro": 4,
    }


def test_a_dropped_row_is_named_and_exits_with_one(root):
    with (root / "annotation.csv").open("a") as table:
        table.write("ann,talk,9,,3,micro,30\n")
    result = invoke("datasets", "check", "own_data", root)
    assert result.exit_code == 1
    assert "Dropped: 1\n  annotation.csv, line 4: onset 9 comes after offset 3" in result.stdout
    document = json.loads(invoke("datasets", "check", "own_data", root, "--json").stdout)
    assert document["totals"] == {"dropped": 1}


def test_options_of_a_corpus(root):
    with (root / "annotation.csv").open("a") as table:
        table.write("ann,talk,0,,3,micro,30\n")
    assert invoke("datasets", "check", "own_data", root).exit_code == 1
    assert invoke("datasets", "check", "own_data", root, "--set", "index_base=0").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["own_data", "--set", "speed=3"], SettingsError, "'speed=3' is not an option of own_data"),
        (["own_data", "--set", "index_base=one"], SettingsError, "index_base is a number, not 'one'"),
        (["samm_lv", "--set", "drop_unknown_onset=maybe"], SettingsError, "is true or false, not 'maybe'"),
        (["disfa"], SettingsError, "there is none named 'disfa'"),
        (["cas_me_2"], FormatError, "there is no folder rawpic"),
    ],
)
def test_bad_input_is_one_line(root, arguments, error, message):
    name, *rest = arguments
    with pytest.raises(error, match=message):
        invoke("datasets", "check", name, root, *rest)
