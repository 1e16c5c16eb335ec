"""AP against a second plain implementation, MS COCO's own program on one-dimensional boxes, and a published figure."""

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.intervals import spot_peaks
from facespot.metrics.average_precision import (
    IOU_RANGE,
    area_under_curve,
    average_precision,
    interpolated_at_101_recalls,
    rank_hits,
)
from facespot.values import Expression, Timebase, Track

BASE = Timebase(30.0, 10_000)


def plain_ap(truth, predicted, iou, matching="coco"):
    """One proposal after the other, the area by the definition: at each recall the best precision from there on."""
    proposals = [(one, track.video) for track in predicted for one in track.expressions]
    proposals.sort(key=lambda item: -item[0].score)
    free = {track.video: list(track.expressions) for track in truth}
    everything = {track.video: track.expressions for track in truth}
    n_true = sum(len(found) for found in free.values())
    points, tp = [], 0
    for rank, (one, video) in enumerate(proposals, start=1):
        candidates = free[video] if matching == "coco" else everything[video]
        best = max(candidates, key=one.iou, default=None)
        if best is not None and one.iou(best) >= iou and any(best is left for left in free[video]):
            free[video] = [left for left in free[video] if left is not best]
            tp += 1
        points.append((tp / n_true, tp / rank))
    area = 0.0
    for step in range(1, n_true + 1):
        area += max((precision for recall, precision in points if recall >= step / n_true - 1e-12), default=0) / n_true
    return area


def random_tracks(seed, n_videos=6, n_true=5, n_guesses=9, well_separated=False):
    generator = np.random.default_rng(seed)
    truth, predicted = [], []
    for video in range(n_videos):
        onsets = np.arange(n_true) * 400 if well_separated else generator.integers(0, 500, n_true)
        true = [Expression(int(on), None, int(on + generator.integers(5, 80)), "micro") for on in onsets]
        guesses = []
        for score in generator.permutation(n_guesses) + generator.random(n_guesses) / 2:
            base = true[generator.integers(n_true)]
            onset = max(0, base.onset + int(generator.integers(-9, 10)))
            length = max(1, len(base) + int(generator.integers(-9, 10)))
            guesses.append(Expression(onset, None, onset + length - 1, "micro", score=float(score)))
        truth.append(Track(f"v{video}", BASE, tuple(true)))
        predicted.append(Track(f"v{video}", BASE, tuple(guesses)))
    return truth, predicted


@pytest.mark.parametrize("matching", ["coco", "greedy"])
@pytest.mark.parametrize("seed", range(5))
def test_ap_equals_a_second_plain_implementation(seed, matching):
    truth, predicted = random_tracks(seed)
    for iou in (0.3, 0.5, 0.75):
        found = average_precision(truth, predicted, "micro", iou=iou, matching=matching)
        assert found == pytest.approx(plain_ap(truth, predicted, iou, matching))
    mean = np.mean([plain_ap(truth, predicted, iou, matching) for iou in IOU_RANGE])
    assert average_precision(truth, predicted, "micro", matching=matching) == pytest.approx(mean)


@pytest.mark.parametrize("seed", range(3))
def test_ap_equals_that_of_ms_coco_on_boxes_of_height_one(seed):
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    truth, predicted = random_tracks(seed, well_separated=True)
    images = [{"id": index} for index in range(len(truth))]
    boxes = [
        {"id": number, "image_id": index, "category_id": 1, "bbox": [one.onset, 0, len(one), 1], "area": len(one),
         "iscrowd": 0}
        for number, (index, one) in enumerate(
            ((index, one) for index, track in enumerate(truth) for one in track.expressions), start=1
        )
    ]  # fmt: skip
    guesses = [
        {"image_id": index, "category_id": 1, "bbox": [one.onset, 0, len(one), 1], "score": one.score}
        for index, track in enumerate(predicted)
        for one in track.expressions
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        reference = coco.COCO()
        reference.dataset = {"images": images, "annotations": boxes, "categories": [{"id": 1}], "info": {}}
        reference.createIndex()
        evaluation = cocoeval.COCOeval(reference, reference.loadRes(guesses), "bbox")
        evaluation.params.iouThrs = np.array(IOU_RANGE)
        evaluation.evaluate()
        evaluation.accumulate()
    theirs = evaluation.eval["precision"][:, :, 0, 0, 2].mean(axis=1)
    ranked = rank_hits(truth, predicted, "micro")
    ours = [interpolated_at_101_recalls(hits, int(ranked.truths.sum())) for hits in ranked.hits]
    assert ours == pytest.approx(theirs.tolist(), abs=1e-12)
    areas = [ranked.at(iou) for iou in IOU_RANGE]
    assert np.abs(np.array(areas) - theirs).max() < 0.02


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=30), st.data())
def test_drawing_a_subject_twice_is_the_same_as_repeating_its_rows(rows, data):
    hits, group = (np.array(column) for column in zip(*rows, strict=True))
    truths = np.bincount(group[hits], minlength=4) + 1
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=4, max_size=4)))
    repeats = times[group]
    repeated = area_under_curve(np.repeat(hits, repeats), np.repeat(group, repeats) * 0, [int(times @ truths)])
    assert area_under_curve(hits, group, truths, times[None]) == pytest.approx(repeated, nan_ok=True)


def test_the_order_of_the_scores_decides_and_unranked_takes_them_as_they_come():
    truth = [Track("a", BASE, (Expression(100, None, 109, "micro"),))]
    predicted = [
        Track("a", BASE, (Expression(0, None, 9, "micro", score=0.1), Expression(100, None, 109, "micro", score=0.9)))
    ]
    assert average_precision(truth, predicted, "micro", iou=0.5) == 1.0
    assert average_precision(truth, predicted, "micro", iou=0.5, ranked=False) == 0.5


def test_nothing_true_gives_no_figure_and_nothing_spotted_gives_zero():
    truth = [Track("a", BASE, (Expression(100, None, 109, "micro"),))]
    assert average_precision(truth, [], "micro") == 0.0
    assert np.isnan(average_precision(truth, [], "macro"))
    assert np.isnan(average_precision([], [], "macro"))


def test_ranking_needs_scores():
    truth = [Track("a", BASE, (Expression(100, None, 109, "micro"),))]
    with pytest.raises(ValueError, match="no score"):
        average_precision(truth, truth, "micro")


@pytest.mark.parametrize(("ranked", "order"), [(False, "insertion"), (True, "height")])
@pytest.mark.parametrize(("strict", "sign"), [(True, "strict>"), (False, ">=")])
def test_ap_of_a_published_method_on_real_micro_expressions(reference_file, ranked, order, strict, sign):
    facts = json.loads(reference_file("slswin_casme2_me.json").read_text())
    truth, predicted = [], []
    with np.load(reference_file("slswin_casme2_me_scores.npz"), allow_pickle=False) as scores:
        for video in facts["videos"]:
            name, base = f"{video['subject']}_{video['video']}", Timebase(30.0, video["n_frames"])
            found = spot_peaks(scores[name], facts["k"], facts["p"])
            spotted = [
                Expression(int(on), int(peak), int(off), "micro", score=float(found.smoothed[peak]))
                for (on, off), peak in zip(found.intervals, found.peaks, strict=True)
            ]
            if not spotted:
                spotted = [Expression(0, None, 0, "micro", score=0.0)]
            truth.append(Track(name, base, tuple(Expression(on, None, off, "micro") for on, off in video["gt"])))
            predicted.append(Track(name, base, tuple(spotted)))
    ours = average_precision(truth, predicted, "micro", ranked=ranked, strict=strict)
    assert ours == pytest.approx(facts["AP_50_95_soft"][order][sign], abs=5e-6)
