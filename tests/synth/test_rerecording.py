"""A corpus recorded anew says the same at the same time, looks as asked, and is the same whoever makes it."""

import csv
import hashlib
import json
import subprocess
import sys
import time
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from fake_face import FakeCasting
from hypothesis import given
from hypothesis import strategies as st

from facespot.datasets import load_dataset
from facespot.errors import FormatError, OutputError, SettingsError
from facespot.synth import recoding, rerecording
from facespot.synth.coding import CodedVideo, ending, quantiser
from facespot.synth.corpus import make_corpus
from facespot.synth.presets import PRESETS
from facespot.synth.qualities import CODECS, QUALITIES, Quality, draw_quality, quality_of
from facespot.synth.recoding import Noise, dropped_frames, new_plan
from facespot.synth.rerecording import degrade_corpus
from facespot.synth.retiming import frame_count, new_frame, picked_frames
from facespot.synth.writing import exact_rate
from facespot.video import open_video

SMALL = replace(
    PRESETS["tiny"],
    seconds=2.0,
    counts=None,
    macro_a_minute=40.0,
    micro_a_minute=40.0,
    flow_pairs=1,
    frame_rates={60: 1},
)
RATES = st.sampled_from([15.0, 25.0, 29.97, 30.0, 50.0, 60.0, 100.0, 120.0, 200.0])


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("source") / "small"
    make_corpus(root, SMALL, FakeCasting())
    return root


@pytest.fixture(scope="module")
def varied(source, tmp_path_factory):
    root = tmp_path_factory.mktemp("varied") / "out"
    degrade_corpus(source, root, "varied", seed=5)
    return root


def files(root):
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def header_of(root):
    return json.loads((root / "corpus.json").read_text())


def pixels(path):
    video = open_video(path)
    return np.stack([frame.rgb() for frame in video.read(np.arange(video.timebase.n_frames))])


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def only_video(source, root, quality, **settings):
    """Record the first video of a corpus anew; returns its entry and its pixels."""
    old = header_of(source)["videos"][0]
    quality = replace(quality, **settings)
    new = new_plan(old, quality)
    for name in ("videos", "truth"):
        (root / name).mkdir(parents=True)
    recoding.rerecord_video(source, root, old, new, quality, 1)
    return new, recoding.video_file(root, new)


def test_the_degraded_corpus_is_read_as_any_other(source, tmp_path):
    out = tmp_path / "out"
    made = degrade_corpus(source, out, "degraded")
    assert (made.videos, made.kept) == (SMALL.subjects, 0)
    before, after = load_dataset("synth", source).recordings, load_dataset("synth", out).recordings
    for old, new in zip(before, after, strict=True):
        assert (new.subject, new.path.name) == (old.subject, old.path.name)
        assert new.timebase == old.timebase
        assert new.truth.expressions == old.truth.expressions
        video = open_video(new.path)
        assert min(video.width, video.height) == 192
    assert (out / "truth" / "distractors.csv").read_text() == (source / "truth" / "distractors.csv").read_text()
    assert sum(len(one.truth.expressions) for one in after) > 0


def test_grey_is_grey_in_the_decoded_picture(source, tmp_path):
    _, path = only_video(source, tmp_path, QUALITIES["degraded"])
    found = pixels(path).astype(int)
    assert np.ptp(found, axis=-1).max() == 0
    assert np.ptp(found) > 50, "a black picture is grey as well"


@pytest.mark.parametrize(
    ("asked", "size"), [(192, (192, 192)), (101, (100, 100)), (2000, (256, 256)), (None, (256, 256))]
)
def test_the_short_side_is_that_asked_for_but_never_larger(asked, size):
    old = {"width": 256, "height": 256, "fps": 30, "n_frames": 9, "grey": False}
    new = new_plan(old, Quality(short_side=asked))
    assert (new["width"], new["height"]) == size


def test_the_shape_of_the_picture_stays():
    old = {"width": 1280, "height": 720, "fps": 30, "n_frames": 9, "grey": False}
    new = new_plan(old, Quality(short_side=192))
    assert (new["width"], new["height"]) == (342, 192)


@pytest.mark.parametrize("sigma", [1.0, 3.0, 6.0])
@pytest.mark.parametrize("shape", [(120, 160), (120, 160, 3)])
def test_noise_has_its_sigma_and_does_not_repeat(sigma, shape):
    noise = Noise(sigma, shape, np.random.default_rng(1))
    flat = np.full(shape, 128, np.uint8)
    first, second = (noise.add(flat).astype(float) - 128 for _ in range(2))
    assert abs(np.std(first) - np.hypot(sigma, np.sqrt(1 / 12))) < 0.05 * sigma
    assert abs(np.mean(first)) < 0.05 * sigma
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05
    assert abs(np.corrcoef(first[1:].ravel(), first[:-1].ravel())[0, 1]) < 0.05
    if len(shape) == 3:
        assert abs(np.corrcoef(first[..., 0].ravel(), first[..., 2].ravel())[0, 1]) < 0.05


def test_noise_stops_at_black_and_white():
    noise = Noise(6.0, (40, 40), np.random.default_rng(1))
    assert noise.add(np.zeros((40, 40), np.uint8)).max() < 60
    assert noise.add(np.full((40, 40), 255, np.uint8)).min() > 195


def test_noise_is_in_the_video_and_its_repeats(source, tmp_path):
    """The fake face leaves a flat corner; its noise comes through fine coding, and stands still in repeats."""
    new, path = only_video(source, tmp_path, Quality(), noise=6.0, dropped=0.4, grey=True, crf=4, brightness=60.0)
    found = pixels(path)[:, :40, :40, 0].astype(float)
    assert 5.0 < np.median(np.std(found, axis=(1, 2))) < 7.0
    dropped = json.loads(recoding.truth_file(tmp_path, new).read_text())["dropped_frames"]
    change = np.abs(np.diff(found, axis=0)).mean(axis=(1, 2))
    lost = np.isin(np.arange(1, len(found)), dropped)
    assert len(dropped) == round(0.4 * new["n_frames"])
    assert change[lost].max() < 0.5 * change[~lost].min()


@pytest.mark.parametrize(("gamma", "brightness"), [(0.6, 0.0), (1.0, -20.0), (1.5, 15.0)])
def test_tones_follow_the_curve(gamma, brightness, source, tmp_path):
    _, path = only_video(source, tmp_path / "new", Quality(gamma=gamma, brightness=brightness, crf=4))
    before = pixels(source / "videos" / "s01_v1.mp4")[0, ..., 1].astype(float)
    expected = np.clip(255 * (before / 255) ** gamma + brightness, 0, 255)
    assert np.abs(pixels(path)[0, ..., 1] - expected).mean() < 2.0


def test_shrinking_averages_areas(source, tmp_path):
    _, path = only_video(source, tmp_path / "new", Quality(short_side=128, crf=1))
    before = pixels(source / "videos" / "s01_v1.mp4")[0].astype(float)
    expected = before.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    assert np.abs(pixels(path)[0] - expected).mean() < 1.0


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_read_back_at_odd_rates(codec, tmp_path):
    path = tmp_path / f"one{ending(codec)}"
    x, y = np.meshgrid(np.arange(160), np.arange(120))
    shown = [np.stack([(x + 3 * k) % 256, y, x], axis=-1).astype(np.uint8) for k in range(12)]
    with CodedVideo(path, (160, 120), exact_rate(100.0), codec, 20) as video:
        for image in shown:
            video.write(image)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name.startswith({"vp8": "vp8"}.get(codec, codec))
    found = open_video(path)
    assert found.timebase.n_frames == 12
    assert abs(found.timebase.fps - 100.0) < 1.0
    assert np.abs(pixels(path).astype(float) - np.stack(shown)).mean() < 8.0


@pytest.mark.parametrize("codec", CODECS)
def test_a_worse_factor_is_a_worse_picture(codec, tmp_path):
    image = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (96, 96), dtype=np.uint8), (0, 0), 1.5)
    errors = []
    for crf in (16, 26, 36):
        path = tmp_path / f"{crf}{ending(codec)}"
        with CodedVideo(path, (96, 96), Fraction(30), codec, crf) as video:
            for _ in range(3):
                video.write(image)
        errors.append(np.abs(pixels(path)[-1, ..., 0].astype(float) - image).mean())
    assert errors[0] < errors[1] < errors[2]


def test_the_quantiser_stays_in_its_range():
    found = [quantiser(crf) for crf in range(52)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (2, 31)


def test_twice_is_not_once(source, tmp_path):
    """The second coding is that of the first one's pictures: the same as coding the decoded first file."""
    quality = QUALITIES["twice"]
    new, path = only_video(source, tmp_path / "twice", quality)
    _, first = only_video(source, tmp_path / "first", quality, first_crf=None, crf=quality.first_crf)
    _, once = only_video(source, tmp_path / "once", quality, first_crf=None)
    before = pixels(source / "videos" / "s01_v1.mp4").astype(float)
    errors = [np.abs(pixels(one).astype(float) - before).mean() for one in (first, once, path)]
    assert max(errors[:2]) < errors[2]
    assert len(pixels(path)) == new["n_frames"]
    assert [one.name for one in path.parent.iterdir()] == [path.name], "the first recording is gone"


@given(st.integers(1, 2000), RATES, RATES, st.data())
def test_annotated_frames_keep_their_time(n_frames, old, new, data):
    frame = data.draw(st.integers(0, n_frames - 1))
    ratio = exact_rate(new) / exact_rate(old)
    moved = new_frame(frame, ratio)
    assert 0 <= moved < frame_count(n_frames, ratio)
    assert abs(moved / exact_rate(new) - frame / exact_rate(old)) <= Fraction(1, 2) / exact_rate(new)


@given(st.integers(1, 600), RATES, RATES)
def test_shown_frames_are_the_nearest(n_frames, old, new):
    ratio = exact_rate(new) / exact_rate(old)
    picked = picked_frames(n_frames, ratio)
    times = np.arange(len(picked)) / float(exact_rate(new))
    distance = np.abs(times[:, None] - np.arange(n_frames) / float(exact_rate(old)))
    chosen = distance[np.arange(len(picked)), picked]
    np.testing.assert_allclose(chosen, distance.min(axis=1), atol=1e-9)
    assert len(picked) == frame_count(n_frames, ratio)


@given(st.integers(1, 500), st.floats(0.0, 0.5), st.integers(0, 9))
def test_the_share_of_dropped_frames_is_exact(n_frames, share, seed):
    dropped = dropped_frames(n_frames, share, np.random.default_rng(seed))
    assert len(set(dropped.tolist())) == len(dropped) == min(n_frames - 1, round(share * n_frames))
    assert all(0 < frame < n_frames for frame in dropped)


@pytest.mark.parametrize("fps", [25.0, 100.0])
def test_another_rate_moves_all_truth(fps, source, tmp_path):
    out = tmp_path / "out"
    degrade_corpus(source, out, "clean", changes={"fps": fps})
    half = 0.5 / fps
    for old, new in zip(load_dataset("synth", source).recordings, load_dataset("synth", out).recordings, strict=True):
        assert new.timebase.fps == fps
        assert abs(new.timebase.duration_s - old.timebase.duration_s) < 1 / fps + 1 / old.timebase.fps
        for one, other in zip(old.truth.expressions, new.truth.expressions, strict=True):
            assert (one.kind, one.emotion, one.action_units) == (other.kind, other.emotion, other.action_units)
            for name in ("onset", "apex", "offset"):
                before, after = getattr(one, name) / old.timebase.fps, getattr(other, name) / fps
                assert abs(before - after) <= half + 1e-9
    documents = {path.stem: json.loads(path.read_text()) for path in (out / "truth").glob("*.json")}
    old_rows, new_rows = (rows_of(root / "truth" / "distractors.csv") for root in (source, out))
    listed = [one for name in sorted(documents) for one in documents[name]["distractors"]]
    assert len(old_rows) == len(new_rows) == len(listed) > 0
    for one, other, document in zip(old_rows, new_rows, listed, strict=True):
        assert abs(float(one["onset_s"]) - float(other["onset_s"])) <= half + 1e-5
        assert (int(other["onset"]) - 1, int(other["offset"]) - 1) == (document["onset"], document["offset"])
        assert float(other["onset_s"]) == pytest.approx(document["onset"] / fps, abs=1e-6)


def test_two_workers_make_the_same_as_one(source, varied, tmp_path):
    degrade_corpus(source, tmp_path / "two", "varied", seed=5, workers=2)
    assert files(tmp_path / "two") == files(varied)


def test_every_video_says_how_it_was_recorded(source, varied):
    header = header_of(varied)
    (said,) = header["rerecorded"]
    sums = hashlib.sha256((source / "SHA256SUMS").read_bytes()).hexdigest()
    assert (said["quality"], said["seed"], said["source_sha256sums"]) == ("varied", 5, sums)
    assert (header["preset"], header["seed"]) == (SMALL.name, SMALL.seed)
    for one in header["videos"]:
        quality = Quality(**one["quality"])
        assert quality == quality_of("varied", one["id"], seed=5, short_side=256, fps=60)
        assert json.loads((varied / "truth" / f"{one['id']}.json").read_text())["plan"] == one
        video = open_video(varied / "videos" / f"{one['id']}{ending(quality.codec)}")
        assert (video.width, video.height, video.timebase.n_frames) == (one["width"], one["height"], one["n_frames"])
    assert len({json.dumps(one["quality"]) for one in header["videos"]}) == SMALL.subjects
    sheet = (varied / "datasheet.md").read_text()
    assert sheet.index("## Re-recorded: varied, seed 5") < sheet.index("## What")
    assert "not carried over" in sheet
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=varied, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_an_interrupted_run_goes_on(source, varied, tmp_path, monkeypatch):
    out, whole = tmp_path / "out", rerecording.rerecord_video

    def stops_at_the_second(source, root, old, new, quality, seed):
        if new["id"] == "s02_v1":
            raise KeyboardInterrupt
        whole(source, root, old, new, quality, seed)

    monkeypatch.setattr(rerecording, "rerecord_video", stops_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        degrade_corpus(source, out, "varied", seed=5)
    with pytest.raises(FormatError, match="not finished"):
        load_dataset("synth", out)
    with pytest.raises(FormatError, match="not finished"):
        degrade_corpus(out, tmp_path / "again", "clean")
    (out / "videos" / ".s02_v1.mp4.unfinished").write_bytes(b"half")
    monkeypatch.undo()
    steps = []
    made = degrade_corpus(source, out, "varied", seed=5, on_progress=lambda done, total: steps.append((done, total)))
    assert made.kept == 1
    assert files(out) == files(varied)
    assert 0 < steps[0][0] < steps[1][0] < steps[-1][0] == steps[-1][1]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for the workers in /proc")
def test_workers_end_when_the_parent_is_killed(source, tmp_path):
    code = (
        "import sys; from facespot.synth.rerecording import degrade_corpus\n"
        "if __name__ == '__main__': degrade_corpus(sys.argv[1], sys.argv[2], 'twice', workers=2)\n"
    )
    (tmp_path / "main.py").write_text(code)
    process = subprocess.Popen([sys.executable, str(tmp_path / "main.py"), str(source), str(tmp_path / "out")])

    def children():
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields_of = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields_of[1]) == process.pid and fields_of[0] != "Z":
                found.append(int(path.parent.name))
        return found

    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None and len(children()) < 3:
        time.sleep(0.05)
    workers = children()
    process.kill()
    process.wait()
    assert workers, "it ended before its workers were seen"
    while time.monotonic() < end and any(_runs(pid) for pid in workers):
        time.sleep(0.1)
    assert not any(_runs(pid) for pid in workers)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_other_settings_or_other_things_in_the_folder_are_refused(source, varied, tmp_path):
    with pytest.raises(OutputError, match="another recording"):
        degrade_corpus(source, varied, "varied", seed=6)
    with pytest.raises(OutputError, match="another"):
        degrade_corpus(varied, source, "clean")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        degrade_corpus(source, tmp_path, "clean")
    with pytest.raises(FormatError, match="missing"):
        degrade_corpus(tmp_path, tmp_path / "out", "clean")
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_a_video_that_is_not_as_said_is_named(source, tmp_path):
    old = header_of(source)["videos"][0] | {"n_frames": 7}
    quality = Quality()
    with pytest.raises(FormatError, match="120 frames of 256x256"):
        recoding.rerecord_video(source, tmp_path, old, new_plan(old, quality), quality, 0)


def test_a_folder_of_frames_and_a_second_time(tmp_path):
    frames, once, twice = (tmp_path / name for name in ("frames", "once", "twice"))
    make_corpus(frames, replace(SMALL, subjects=1, flow_pairs=0), FakeCasting(), frames=True)
    degrade_corpus(frames, once, "192px", changes={"codec": "vp8"})
    degrade_corpus(once, twice, "grey")
    (entry,) = header_of(twice)["videos"]
    assert (entry["width"], entry["grey"], entry["earlier_qualities"][0]["codec"]) == (192, True, "vp8")
    assert [one["quality"] for one in header_of(twice)["rerecorded"]] == ["192px", "grey"]
    (recording,) = load_dataset("synth", twice).recordings
    assert recording.timebase.n_frames == 120


@pytest.mark.parametrize(
    "settings",
    [{"short_side": 31}, {"noise": -1}, {"gamma": 0}, {"brightness": 200}, {"crf": 52}, {"first_crf": -1}, {"fps": 0},
     {"dropped": 0.9}, {"codec": "av1"}],
)  # fmt: skip
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(SettingsError):
        Quality(**settings)


def test_varied_follows_its_distribution():
    rng = np.random.default_rng(1)
    drawn = [draw_quality(rng, 320, 100.0) for _ in range(4000)]

    def share(condition):
        return sum(map(condition, drawn)) / len(drawn)

    expected = {
        0.4: share(lambda one: one.short_side is None),
        0.3: share(lambda one: one.noise == 0),
        0.25: share(lambda one: one.grey),
        0.7: share(lambda one: one.codec == "h264"),
        0.5: share(lambda one: one.fps is None),
    }
    for value, found in expected.items():
        assert abs(found - value) < 0.03
    assert abs(share(lambda one: one.first_crf is not None) - 0.25) < 0.03
    assert abs(share(lambda one: one.dropped == 0) - 0.7) < 0.03
    sizes = np.log([one.short_side for one in drawn if one.short_side])
    assert abs(np.median(sizes) - np.log(160 * 320) / 2) < 0.05
    assert (round(np.exp(sizes.min())), round(np.exp(sizes.max()))) == (160, 320)
    assert abs(np.std([np.log(one.gamma) for one in drawn]) - 0.25) < 0.02
    assert abs(np.std([one.brightness for one in drawn]) - 12) < 1
    assert {one.codec for one in drawn} == set(CODECS)
    assert (min(one.crf for one in drawn), max(one.crf for one in drawn)) == (16, 34)
    assert max(one.dropped for one in drawn) <= 0.06
    assert max(one.noise for one in drawn) <= 5.0
    assert {one.fps for one in drawn} == {None, 25.0, 30.0}
    assert all(draw_quality(rng, 150, 30.0).short_side is None for _ in range(20))
    assert all(draw_quality(rng, 150, 30.0).fps is None for _ in range(20))


def test_named_qualities_change_one_thing_each():
    plain = QUALITIES["clean"]
    for name in set(QUALITIES) - {"clean", "degraded", "mpeg4", "twice"}:
        changed = [
            one.name for one in fields(Quality) if getattr(QUALITIES[name], one.name) != getattr(plain, one.name)
        ]
        assert len(changed) == 1, name
    assert replace(QUALITIES["mpeg4"], codec="h264") == QUALITIES["crf28"]
    assert replace(QUALITIES["twice"], first_crf=None) == QUALITIES["crf28"]
