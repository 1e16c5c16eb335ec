"""``facespot convert`` as a user runs it."""

import pytest
from typer.testing import CliRunner

from facespot.cli.main import app
from facespot.errors import FormatError, SettingsError
from facespot.export import read_tracks, write_tracks
from facespot.values import Expression, Timebase, Track

TRACK = Track("talk", Timebase(25.0, 100), (Expression(10, 14, 19, "micro", "fear", ("4", "R12A"), 0.5),))


def convert(*arguments):
    result = CliRunner().invoke(app, ["convert", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.parametrize("steps", [[".eaf", ".TextGrid", ".tsv", ".json", ".csv"], [".json", ".tsv", ".eaf", ".csv"]])
def test_through_every_format_and_back(tmp_path, steps):
    path = tmp_path / "start.csv"
    write_tracks(TRACK, path)
    for number, suffix in enumerate(steps):
        target = tmp_path / f"{number}{suffix}"
        convert(path, target)
        path = target
    assert path.read_text() == (tmp_path / "start.csv").read_text()


def test_what_is_lost_is_said(tmp_path):
    write_tracks([TRACK, Track("quiet", Timebase(25.0, 100))], tmp_path / "x.json")
    result = convert(tmp_path / "x.json", tmp_path / "y.csv", "--to", "challenge")
    assert result.stderr.splitlines() == [
        "note: quiet has no expression: the table does not name it",
        "note: a challenge table holds no apex",
        "note: a challenge table holds no emotion",
        "note: a challenge table holds no action units",
        "note: a challenge table holds no score",
    ]
    assert result.stdout == f"{tmp_path / 'y.csv'}: expressions: 1, videos: 2\n"
    back = convert(tmp_path / "y.csv", tmp_path / "z.eaf", "--frame-rate", 25, "--frames", 100)
    assert back.stderr == ""
    assert read_tracks(tmp_path / "z.eaf")[0].expressions == (Expression(10, None, 19, "micro"),)


def test_the_first_frame_of_a_challenge_file_may_be_zero(tmp_path):
    write_tracks(TRACK, tmp_path / "x.json")
    convert(tmp_path / "x.json", tmp_path / "y.csv", "--to", "challenge", "--index-base", 0)
    assert (tmp_path / "y.csv").read_text().splitlines()[1] == "talk,10,19,me"


def test_several_videos_into_a_folder(tmp_path):
    write_tracks([TRACK, Track("quiet", Timebase(25.0, 100))], tmp_path / "x.json")
    convert(tmp_path / "x.json", tmp_path / "out", "--to", "bids")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["quiet_events.tsv", "talk_events.tsv"]


def test_the_video_gives_the_times_and_is_linked(tmp_path):
    import av
    import numpy as np

    media = tmp_path / "talk.mp4"
    with av.open(str(media), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        for _ in range(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
    write_tracks(TRACK, tmp_path / "x.csv")
    convert(tmp_path / "x.csv", tmp_path / "x.eaf", "--media", media)
    assert 'RELATIVE_MEDIA_URL="./talk.mp4"' in (tmp_path / "x.eaf").read_text()
    assert read_tracks(tmp_path / "x.eaf")[0].timebase == Timebase(25.0, 30)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (["y.doc"], FormatError, r"\.doc is not a known format"),
        (["y.eaf", "--to", "word"], SettingsError, "'word' is not a format"),
        (["y.eaf", "--frames", 9], SettingsError, "it needs --frame-rate"),
        (["y.eaf", "--frame-rate", 0], SettingsError, "0 is impossible"),
        (["y.eaf", "--frame-rate", 25, "--frames", 15], FormatError, "line 2: offset 19 is outside a video of 15"),
        (["y.csv", "--to", "challenge", "--index-base", 2], FormatError, "frames cannot count from 2"),
    ],
)
def test_bad_input_is_one_line(tmp_path, options, error, message):
    write_tracks(TRACK, tmp_path / "x.csv")
    with pytest.raises(error, match=message):
        convert(tmp_path / "x.csv", tmp_path / options[0], *options[1:])
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]
