"""The timeline as a picture: what must be on it, measured on its pixels."""

from dataclasses import replace

import numpy as np
import pytest

from facespot.report import write_timeline
from facespot.report.timeline import doubts_of
from facespot.values import Curve, Expression, Result, Scores, Timebase, Track

MACRO = (0x2F, 0x6D, 0xB5)


@pytest.fixture
def result():
    """60 seconds with one macro-expression, its face a green square."""
    base = Timebase(10.0, 600)
    frames = np.arange(590)
    values = np.exp(-(((frames - 300) / 20.0) ** 2)).astype(np.float32)
    scores = Scores("talk", base, ("macro",), values[:, None], frames, np.ones((590, 1), dtype=bool), 10.0)
    track = Track("talk", base, (Expression(280, 300, 320, "macro", score=1.0),))
    face = np.zeros((32, 32, 3), dtype=np.uint8)
    face[..., 1] = 255
    curve = Curve("macro", frames, values, 0.5)
    return Result(track, scores, (curve,), {"method": "strain"}, (), {300: face})


def pixels(path):
    from matplotlib.image import imread

    return np.round(imread(path)[..., :3] * 255).astype(int)


def near(image, color, tolerance=3):
    return np.all(np.abs(image - np.array(color)) <= tolerance, axis=-1)


def test_interval_face_and_curve_are_drawn_at_their_time(result, tmp_path):
    write_timeline(result, tmp_path / "timeline.png")
    image = pixels(tmp_path / "timeline.png")
    width = image.shape[1]
    center = (0.075 + (0.985 - 0.075) * 300 / 590) * width
    green = np.argwhere(near(image, (0, 255, 0)))
    assert abs(green[:, 1].mean() - center) < 0.01 * width
    curve = np.argwhere(near(image, MACRO, 10))
    assert curve[:, 1].min() < 0.1 * width
    assert curve[:, 1].max() > 0.95 * width


def test_truth_adds_black_bars_and_nothing_else(result, tmp_path):
    truth = Track("talk", result.track.timebase, (Expression(100, 110, 140, "macro"),))
    write_timeline(result, tmp_path / "with.png", truth=truth)
    write_timeline(result, tmp_path / "without.png")
    with_truth, without = pixels(tmp_path / "with.png"), pixels(tmp_path / "without.png")
    below_title = slice(int(0.12 * len(without)), None)
    added = np.argwhere(near(with_truth, (0, 0, 0)) & ~near(without, (0, 0, 0), 40))
    added = added[added[:, 0] >= below_title.start]
    span = (0.075 + 0.91 * np.array([100, 141]) / 590) * with_truth.shape[1]
    assert abs(added[:, 1].min() - span[0]) < 4
    assert abs(added[:, 1].max() - span[1]) < 4


def named(result, *emotions):
    found = [
        replace(result.track.expressions[0], onset=onset, apex=onset + 5, offset=onset + 10, emotion=emotion,
                emotion_probability=0.5) for onset, emotion in emotions
    ]  # fmt: skip
    return replace(result, track=replace(result.track, expressions=tuple(found)), pictures={})


def drawn_texts(monkeypatch, result, path):
    """Box of each text inside the panel of scores as it is drawn, in pixels, and the highest point of the curve."""
    from matplotlib.figure import Figure

    found = {}

    def look(figure, *_, **__):
        renderer = figure.canvas.get_renderer()
        figure.draw(renderer)
        axes = next(one for one in figure.axes if one.lines)
        found["curve"] = axes.transData.transform([0.0, 1.0])[1]
        found["panel"] = axes.get_window_extent(renderer)
        found["texts"] = {text.get_text(): text.get_window_extent(renderer) for text in axes.texts}

    monkeypatch.setattr(Figure, "savefig", look)
    write_timeline(result, path)
    return found


def test_emotions_stand_above_the_curve_and_overlap_nothing(result, tmp_path, monkeypatch):
    emotions = [(20 * index, f"emotion {index}") for index in range(6)] + [(0, "first"), (578, "last of all")]
    found = drawn_texts(monkeypatch, named(result, *emotions), tmp_path / "x.png")
    boxes = found["texts"]
    assert sorted(boxes) == sorted(f"{emotion} 0.50" for _, emotion in emotions)
    assert all(box.y0 > found["curve"] for box in boxes.values())
    for box in boxes.values():
        panel = found["panel"]
        assert panel.x0 <= box.x0 < box.x1 <= panel.x1
        assert box.y1 <= panel.y1
        assert not any(box.overlaps(other) for other in boxes.values() if other is not box)
    middle = (0.075 + 0.91 * 105.5 / 590) / 0.91
    box = boxes["emotion 5 0.50"]
    assert (box.x0 + box.x1) / 2 / found["panel"].width == pytest.approx(middle, abs=0.002)


def test_without_emotions_the_picture_is_as_it_was(result, tmp_path, monkeypatch):
    assert drawn_texts(monkeypatch, result, tmp_path / "x.png")["texts"] == {}


def test_given_intervals_are_drawn_over_class_probabilities(result, tmp_path):
    scores = result.scores
    classes = Scores("talk", scores.timebase, ("emotion/fear", "emotion/$_joy"), np.repeat(scores.values, 2, axis=1),
                     scores.frames, np.repeat(scores.valid, 2, axis=1), 10.0)  # fmt: skip
    given = replace(named(result, (100, "$_joy")), scores=classes, curves=(), provenance={
        "method": "given intervals", "recognizer": {"name": "mean"}})  # fmt: skip
    write_timeline(given, tmp_path / "x.png")
    image = pixels(tmp_path / "x.png")
    shaded = np.argwhere(near(image, (218, 228, 241), 4))
    span = (0.075 + 0.91 * np.array([100, 111]) / 590) * image.shape[1]
    assert abs(shaded[:, 1].min() - span[0]) < 4
    assert abs(shaded[:, 1].max() - span[1]) < 4
    nothing = replace(given, track=replace(given.track, expressions=()))
    write_timeline(nothing, tmp_path / "none.png")
    assert pixels(tmp_path / "none.png").shape[0] > 100


def test_the_same_result_gives_the_same_bytes(result, tmp_path):
    for name in ("one.png", "two.png"):
        write_timeline(result, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_without_pictures_no_room_is_kept_for_them(result, tmp_path):
    write_timeline(result, tmp_path / "with.png")
    write_timeline(replace(result, pictures={}), tmp_path / "without.png")
    with_pictures, without = pixels(tmp_path / "with.png"), pixels(tmp_path / "without.png")
    assert len(without) < 0.8 * len(with_pictures)
    drawn = near(without, MACRO, 10)
    assert drawn.any(axis=0).mean() > 0.85


def test_a_true_expression_in_the_last_rows_without_score_is_on_the_picture(result, tmp_path):
    truth = Track("talk", result.track.timebase, (Expression(592, 595, 599, "macro"),))
    write_timeline(replace(result, pictures={}), tmp_path / "timeline.png", truth=truth)
    image = pixels(tmp_path / "timeline.png")
    bar = near(image, (0, 0, 0))[:, int((0.075 + 0.91 * 593 / 600) * image.shape[1]) :]
    assert bar.sum(axis=0).max() >= 4


def test_a_video_without_scores_can_be_drawn(tmp_path):
    base, frames = Timebase(30.0, 40), np.arange(20)
    nothing = np.full((20, 1), np.nan, dtype=np.float32)
    scores = Scores("blank", base, ("micro",), nothing, frames, np.isfinite(nothing), 30.0)
    curve = Curve("micro", frames, nothing[:, 0], None)
    write_timeline(Result(Track("blank", base), scores, (curve,), {"method": "strain"}), tmp_path / "x.png")
    assert pixels(tmp_path / "x.png").shape[0] > 100


def test_doubts_about_micro_expressions_are_written_in_their_colour_at_the_right_of_the_title(result, tmp_path):
    write_timeline(result, tmp_path / "good.png")
    doubtful = replace(result, micro_doubts=("the face is 41 pixels", "the noise is 9 grey levels"))
    assert doubts_of(doubtful) == "micro: unreliable: the face is 41 pixels (and 1 more)"
    write_timeline(doubtful, tmp_path / "bad.png")
    good, bad = pixels(tmp_path / "good.png"), pixels(tmp_path / "bad.png")
    changed = np.argwhere(np.any(good != bad, axis=-1))
    assert changed[:, 0].max() < 0.12 * len(bad)
    assert changed[:, 1].min() > 0.5 * bad.shape[1]
    assert near(bad, (0xD1, 0x49, 0x5B), 20)[changed[:, 0], changed[:, 1]].any()
    assert doubts_of(replace(result, micro_doubts=())) == doubts_of(result) == ""
