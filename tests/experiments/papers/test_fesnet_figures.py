"""FESNet's figures: each number against a plain computation, and all three made whole from random networks."""

import sys
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest

from facespot.errors import FormatError, MissingDependencyError, SettingsError
from facespot.experiments.papers import (
    fesnet_figures,
    fesnet_maps,
    fesnet_representation,
    fesnet_segments,
    fesnet_stages,
)
from facespot.experiments.papers.fesnet_maps import StageMaps, clip_from_onset, shown_clip, stage_maps
from facespot.experiments.papers.fesnet_representation import (
    DrawnRows,
    draw_rows,
    represented,
    shown_fold,
    silhouettes,
    t_sne,
)
from facespot.experiments.papers.fesnet_segments import panel_of, segmentations
from facespot.models.checkpoint import read_weights
from facespot.values import Expression, Features, FeatureSpec, Recording, Timebase, Track

PNG = b"\x89PNG"


@pytest.fixture
def outcome(random_fesnet):
    return random_fesnet.run("fesnet")


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def drawn_of(classes):
    classes = np.array(classes)
    return DrawnRows(("a",), np.stack([np.zeros_like(classes), np.arange(len(classes))], axis=1), classes, {})


def classes_of(recording):
    """Class of each frame, by type: nothing overlaps in the small corpus."""
    classes = np.zeros(recording.timebase.n_frames, dtype=int)
    for one in recording.truth.expressions:
        classes[one.onset : one.offset + 1] = ("macro", "micro").index(one.kind) + 1
    return classes


# Figure 7: rows, their features, and how far apart these are.


def test_the_fold_has_the_most_scored_micro_expression_frames(outcome):
    counts = {one.id: int((classes_of(one)[3:] == 2).sum()) for one in outcome.tested}
    fold, n_micro = shown_fold(outcome)
    assert n_micro == counts[fold.name] == max(counts.values()) > 0


def test_all_frames_of_expressions_are_drawn_and_as_many_neutral_ones(outcome, monkeypatch):
    fold, _ = shown_fold(outcome)
    (recording,) = (one for one in outcome.tested if one.id in fold.test)
    classes = classes_of(recording)
    drawn = draw_rows(outcome, fold, seed=0)
    assert drawn.videos == fold.test
    rows = {name: drawn.places[members, 1] for name, members in drawn.by_class().items()}
    for number, name in ((1, "macro"), (2, "micro")):
        np.testing.assert_array_equal(rows[name], np.flatnonzero(classes == number))
    n_neutral = min(int((classes[3:] == 0).sum()), len(rows["macro"]) + len(rows["micro"]))
    assert len(set(rows["neutral"].tolist())) == n_neutral
    assert set(classes[rows["neutral"]]) == {0}
    assert rows["neutral"].min() >= 3, "the first rows have no score"
    assert drawn.available == {"neutral": (classes[3:] == 0).sum(), "macro": (classes == 1).sum(),
                               "micro": (classes == 2).sum()}  # fmt: skip
    monkeypatch.setattr(fesnet_representation, "MOST_MICRO_ROWS", 4)
    monkeypatch.setattr(fesnet_representation, "MOST_EXPRESSION_ROWS", 10)
    few, again, others = (draw_rows(outcome, fold, seed=seed) for seed in (0, 0, 1))
    assert [len(members) for members in few.by_class().values()] == [10, 6, 4]
    np.testing.assert_array_equal(few.places, again.places)
    assert not np.array_equal(few.places, others.places)


def test_too_few_frames_are_refused(outcome):
    fold, _ = shown_fold(outcome)
    with pytest.raises(FormatError, match="0 frames are too few"):
        draw_rows(outcome, replace(fold, test=()), seed=0)


def test_features_are_those_of_clips_that_do_not_overlap(outcome, random_fesnet):
    torch = pytest.importorskip("torch")
    fold, _ = shown_fold(outcome)
    drawn = draw_rows(outcome, fold, seed=0)
    found = represented(outcome, fold, drawn, random_fesnet)
    (features,) = fesnet_stages.faces_of(outcome, fold, fold.test, random_fesnet).values()
    assert features.valid.all()
    n_rows, network = len(features.frames), fesnet_stages.network_of(fold)
    starts = [*range(0, n_rows - 31, 32), n_rows - 32]
    plain = {"residual blocks": {}, "LSDM": {}}
    with torch.no_grad():
        for start in reversed(starts):
            clip = torch.from_numpy(np.array(features.values[start : start + 32], dtype=np.float32))
            stages = network.stages(clip[None])
            for name, layer in (("residual blocks", stages.x_init), ("LSDM", stages.x_motion)):
                plain[name] |= {start + place: layer[0, place].numpy().ravel() for place in range(32)}
    for name, values in found.items():
        assert values.shape == (len(drawn.classes), 8 * 49)
        np.testing.assert_allclose(values, [plain[name][row] for row in drawn.places[:, 1]], atol=1e-5)
    assert not np.allclose(found["residual blocks"], found["LSDM"])
    weights = read_weights(fold.checkpoints()[0])
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), weights[name])
    assert not network.training


def test_rows_without_a_face_are_told_of(outcome, random_fesnet, monkeypatch):
    fold, _ = shown_fold(outcome)
    drawn = draw_rows(outcome, fold, seed=0)
    plain = fesnet_representation.faces_of

    def half(*given):
        return {video: replace(one, valid=np.arange(len(one.valid)) < 100) for video, one in plain(*given).items()}

    monkeypatch.setattr(fesnet_representation, "faces_of", half)
    n_lost = int((drawn.places[:, 1] >= 100).sum())
    with pytest.raises(FormatError, match=f"{n_lost} frames have a score and no face"):
        represented(outcome, fold, drawn, random_fesnet)


def test_t_sne_keeps_neighbours_and_is_the_same_twice(rng):
    values = np.concatenate([rng.normal(size=(30, 12)) + place for place in (0, 20)]).astype(np.float32)
    places = t_sne(values, seed=0)
    assert places.shape == (60, 2)
    apart = np.linalg.norm(places[:, np.newaxis] - places, axis=2) + np.diag(np.full(60, np.inf))
    np.testing.assert_array_equal(apart.argmin(axis=1) // 30, np.arange(60) // 30)
    np.testing.assert_array_equal(t_sne(values, seed=0), places)
    assert t_sne(values[:4], seed=0).shape == (4, 2), "the perplexity gives way"
    np.testing.assert_array_equal(t_sne(np.ones((9, 3), np.float32), seed=0), np.zeros((9, 2)))


def plain_silhouette(values, classes, index):
    distances = [np.sqrt(((values[index] - other) ** 2).sum()) for other in values]
    means = {
        number: sum(one for place, one in enumerate(distances) if classes[place] == number and place != index)
        / (classes.count(number) - (number == classes[index]))
        for number in set(classes)
    }
    own = means.pop(classes[index])
    nearest = min(means.values())
    return (nearest - own) / max(own, nearest)


def test_silhouettes_by_their_definition(rng):
    classes = [0] * 7 + [1] * 5 + [2] * 4
    values = (rng.normal(size=(16, 6)) + np.array(classes)[:, np.newaxis]).astype(np.float32)
    found = silhouettes(values, drawn_of(classes))
    for number, name in enumerate(("neutral", "macro", "micro")):
        plain = [plain_silhouette(values, classes, place) for place in range(16) if classes[place] == number]
        assert found[name] == pytest.approx(np.mean(plain), abs=1e-5)
    without = silhouettes(values[:12], drawn_of(classes[:12]))
    assert np.isnan(without["micro"])
    assert np.isfinite([without["neutral"], without["macro"]]).all()
    assert np.isnan([*silhouettes(values[:7], drawn_of(classes[:7])).values()]).all()


def test_figure_7_is_made_whole(random_fesnet):
    made = fesnet_figures.figure7(random_fesnet)
    (path,) = made.paths
    first = path.read_bytes()
    assert first[:4] == PNG
    assert "NOT the paper's data: own_data" in made.heading
    for words in ("perplexity 30, started from principal components, seed 0", "clips of 32 frames that do not overlap"):
        assert words in made.text()
    (apart,) = [note for note in made.notes if note.startswith("separation is")]
    assert apart.count("neutral and micro") == apart.count("macro and micro") == 2
    assert fesnet_figures.figure7(random_fesnet) == made
    assert path.read_bytes() == first


# Figure 5: the clip, and maps of its layers.


@pytest.fixture
def clip(outcome, random_fesnet):
    return shown_clip(outcome, random_fesnet)


def test_the_clip_begins_at_the_onset_of_the_micro_expression_that_changes_most(clip, outcome, random_fesnet):
    frames = clip.features.frames[clip.rows]
    assert (frames[0], frames[clip.apex]) == (clip.truth.onset, clip.truth.apex)
    assert clip.truth.kind == "micro"
    assert clip.recording.id in clip.fold.test
    changes = {}
    for one in fesnet_maps.shown_videos(outcome):
        (truth,) = one.truth.of_kind("micro").expressions
        fold = next(fold for fold in outcome.folds if one.id in fold.test)
        features = fesnet_stages.faces_of(outcome, fold, [one.id], random_fesnet)[one.id]
        onset, apex = (features.values[frame].astype(float) for frame in (truth.onset, truth.apex))
        changes[one.id] = np.abs(apex - onset).mean()
    assert len(changes) == 2
    assert clip.change == pytest.approx(max(changes.values()))
    assert clip.change == pytest.approx(changes[clip.recording.id])


def test_a_video_that_is_named_is_shown(outcome, random_fesnet):
    named = replace(random_fesnet, videos=("cid",))
    assert shown_clip(outcome, named).recording.id == "cid"
    with pytest.raises(SettingsError, match="no test video 'dan'"):
        shown_clip(outcome, replace(random_fesnet, videos=("dan",)))


@pytest.mark.parametrize(
    ("lost", "apex", "rows"),
    [
        ((), 25, [*range(20, 52)]),
        ((*range(40, 60),), None, [*range(20, 40)] + [39] * 12),
        ((20,), 25, None),
        ((*range(21, 60),), 25, None),
    ],
)
def test_the_clip_ends_where_the_face_is_lost(lost, apex, rows, outcome, rng):
    timebase, truth = Timebase(30.0, 60), Expression(20, apex, 31, "micro")
    valid = ~np.isin(np.arange(60), lost)
    values = rng.integers(0, 255, (60, 2, 2, 3), dtype=np.uint8)
    features = Features("a", timebase, FeatureSpec("aligned_faces", 1, {}), values, np.arange(60), valid, 30.0)
    found = clip_from_onset(
        Recording("a", "s", None, Track("a", timebase, (truth,))), truth, outcome.folds[0], features
    )
    if rows is None:
        assert found is None
    else:
        assert found.rows.tolist() == rows
        assert found.apex == 5, "the middle of 20 and 31 is 25 too"


def test_maps_are_means_over_channels_on_one_scale_for_both_frames(clip):
    torch = pytest.importorskip("torch")
    network = fesnet_stages.network_of(clip.fold)
    frames = torch.from_numpy(np.array(clip.features.values[clip.rows], dtype=np.float32))
    with torch.no_grad():
        stages = network.stages(frames[None])
    plain = {"X_init": stages.x_init, "X_Atten": stages.x_attention, "x'": stages.x_deep, "x''": stages.x_motion}
    made = stage_maps(clip)
    assert [one.name for one in made] == list(plain)
    for one in made:
        means = plain[one.name][0, [0, clip.apex]].numpy()
        means = np.abs(means).mean(axis=1)
        assert one.maps.shape == (2, 112, 112)
        assert (one.maps.min(), one.maps.max()) == pytest.approx((0.0, 1.0), abs=1e-6)
        assert np.corrcoef(_blocks(one.maps, means.shape[-1]).ravel(), means.ravel())[0, 1] > 0.9
        (place, brightest), *_ = [(place, one.maps[place]) for place in (0, 1) if one.maps[place].max() > 0.999]
        side = 112 // means.shape[-1]
        row, column = (int(at) // side for at in np.unravel_index(brightest.argmax(), brightest.shape))
        # No pixel lies in the very middle of a cell: of two that differ by less than a hundredth either may win.
        assert means[place, row, column] == pytest.approx(means.max(), rel=0.01)


def _blocks(maps, side):
    """Mean of each of the upsampled cells."""
    return maps.reshape(2, side, 112 // side, side, 112 // side).mean(axis=(2, 4))


def test_the_salient_share_is_above_the_middle_of_the_own_range():
    apex = np.full((112, 112), 0.2, np.float32)
    apex[:28] = 0.6
    assert StageMaps("x'", np.stack([np.ones_like(apex), apex])).salient == 0.25


def test_figure_5_is_made_whole(random_fesnet, clip):
    made = fesnet_figures.figure5(random_fesnet)
    (path,) = made.paths
    first = path.read_bytes()
    assert first[:4] == PNG
    assert any(note.startswith(f"{clip.recording.id}, micro-expression from frame") for note in made.notes)
    shares = ", ".join(f"{one.name} {100 * one.salient:.0f} %" for one in stage_maps(clip))
    assert any(note.endswith(f"at the apex: {shares}") for note in made.notes)
    fesnet_figures.figure5(random_fesnet)
    assert path.read_bytes() == first


# Figure 8: segments.


def test_segments_are_runs_of_the_likeliest_class(outcome):
    recording = outcome.tested[0]
    (found,) = (one for one in outcome.predicted() if one.video == recording.id)
    parts = {one.name: one for one in segmentations(outcome, recording, found)}
    assert list(parts) == ["annotated", "LSDM proposals", "final result", "after decoding"]
    scores, classes = outcome.scores(recording), classes_of(recording)
    likeliest = {}
    for name, part in (("LSDM proposals", "/spatial"), ("final result", "")):
        macro, micro = (scores.channel(f"{kind}{part}")[0] for kind in ("macro", "micro"))
        likeliest[name] = np.argmax([1 - macro - micro, macro, micro], axis=0)
        likeliest[name][:3] = -1
    likeliest["annotated"] = classes
    likeliest["after decoding"] = np.zeros(len(classes), dtype=int)
    for one in found.expressions:
        likeliest["after decoding"][one.onset : one.offset + 1] = ("macro", "micro").index(one.kind) + 1
    for name, expected in likeliest.items():
        np.testing.assert_array_equal(parts[name].classes, expected)
        runs = [(number, len(list(members))) for number, members in groupby(expected.tolist())]
        ends = np.cumsum([length for _, length in runs])
        expected_segments = [
            (pytest.approx((end - length) / 30), pytest.approx(end / 30), {-1: None, 1: "macro", 2: "micro"}[number])
            for (number, length), end in zip(runs, ends, strict=True)
            if number
        ]
        made = [(one.begin_s, one.end_s, one.kind) for one in parts[name].segments(recording.timebase)]
        assert made == expected_segments
        assert parts[name].n_expressions == sum(number > 0 for number, _ in runs)
    counts = [parts[name].n_expressions for name in parts]
    assert counts[0] == 2
    assert counts[1] > counts[2] > counts[3], "the example must be split, and joined again"
    assert parts["annotated"].edit == 1.0
    assert parts["LSDM proposals"].edit < parts["after decoding"].edit <= 1.0


def test_edit_is_of_the_rows_that_are_scored(outcome, monkeypatch):
    recording = outcome.tested[0]
    (truth,) = (one for one in outcome.truth if one.video == recording.id)
    classes = classes_of(recording)
    classes[:3] = -1
    monkeypatch.setattr(fesnet_segments, "labels", lambda scores, part="": classes)
    parts = segmentations(outcome, recording, truth)
    assert [one.edit for one in parts] == [1.0] * 4
    monkeypatch.setattr(fesnet_segments, "labels", lambda scores, part="": np.full(len(classes), -1))
    parts = segmentations(outcome, recording, truth)
    assert np.isnan([one.edit for one in parts[1:]]).all()
    bars = {bar.name: bar for bar in panel_of(recording, parts).bars}
    assert bars["final result"].figures == "0 expressions"
    assert [one.kind for one in bars["final result"].segments] == [None]
    assert bars["annotated"].figures == "2 expressions"


def test_figure_8_is_made_whole(random_fesnet, outcome):
    made = fesnet_figures.figure8(random_fesnet)
    (path,) = made.paths
    first = path.read_bytes()
    assert first[:4] == PNG
    tracks = {one.video: one for one in outcome.predicted()}
    every = [segmentations(outcome, one, tracks[one.id]) for one in outcome.tested]
    totals = "annotated 6, " + ", ".join(
        f"{parts[0].name} {sum(one.n_expressions for one in parts)} (Edit {np.mean([one.edit for one in parts]):.3f})"
        for parts in list(zip(*every, strict=True))[1:]
    )
    assert any(note.startswith(f"expressions in all 3 test videos with scores: {totals}; ") for note in made.notes)
    assert any("those with the most micro-expressions" in note for note in made.notes)
    assert fesnet_figures.figure8(random_fesnet) == made
    assert path.read_bytes() == first
    named = fesnet_figures.figure8(replace(random_fesnet, videos=("ben",)))
    assert any("the videos are named" in note for note in named.notes)
    assert path.read_bytes() != first


# What is missing is told of.


def test_pytorch_and_scikit_learn_are_asked_for(outcome, monkeypatch, rng):
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(MissingDependencyError, match="scikit-learn"):
        t_sne(rng.normal(size=(8, 3)).astype(np.float32), seed=0)
    monkeypatch.setitem(sys.modules, "facespot.methods.fesnet.network", None)
    with pytest.raises(MissingDependencyError, match=r"facespot\[train\]"):
        fesnet_stages.network_of(outcome.folds[0])


def test_a_fold_without_a_network_is_told_of(scored_fesnet):
    (fold, *_) = scored_fesnet({}).run("fesnet").folds
    with pytest.raises(FormatError, match="it has no network"):
        fesnet_stages.network_of(fold)


def test_features_that_are_gone_are_told_of(outcome, random_fesnet, monkeypatch):
    class NoFeatures:
        failed = {"ann": "the disk is gone"}  # noqa: RUF012

        def of(self, *_):
            return {}

    monkeypatch.setattr(fesnet_stages, "features_of_run", lambda *_: NoFeatures())
    with pytest.raises(FormatError, match="ann: the disk is gone"):
        fesnet_stages.faces_of(outcome, outcome.folds[0], ["ann"], random_fesnet)


def test_videos_without_micro_expressions_have_no_clip(scored_fesnet, monkeypatch):
    made = scored_fesnet({})
    monkeypatch.setattr(fesnet_maps, "shown_videos", lambda *_: [])
    with pytest.raises(FormatError, match="no micro-expression of the shown videos has a face"):
        shown_clip(made.run("fesnet"), made)
