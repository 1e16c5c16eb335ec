"""What every method must hold: shapes, gaps, determinism, bounds, thresholds without new inference, learning."""

from dataclasses import fields

import numpy as np
import pytest

from facespot.errors import SettingsError
from facespot.features.kinds import row_shape, row_type
from facespot.intervals import half_mean_length
from facespot.methods import METHODS, TrainingVideo, load_method, new_method
from facespot.values import KINDS, Expression, Features, Timebase, Track, distance_in_frames

FPS = 30.0
# By method: few epochs, with steps large enough that they suffice.
SMALL = {
    "softnet": {"epochs": 6, "learning_rate": 0.02},
    "mean": {"spotting_epochs": 30, "recognition_epochs": 2, "learning_rate": 0.005, "penalty": False},
    "spotgcn": {"epochs": 40, "batch_size": 64},
    "fesnet": {
        "epochs": 6, "lsdm_epochs": 3, "lsdm_frames": 4, "lsdm_batch_size": 8, "learning_rate": 0.01,
        "learning_rate_decay": 0.85, "mirrored": False, "clip_frames": 8, "clip_stride": 4, "middle_channels": 8,
        "channels": 16, "heads": 2, "depth": 1, "embedding": 32, "temporal_channels": 16, "refinement_channels": 16,
    },
    "regiontcn": {
        "channels": 16, "window_rows": 64, "epochs": 5, "batch_size": 8, "samples_per_epoch": 64, "learning_rate": 0.01,
        "averaging": 0.9, "validation_share": 0.5,
    },
}  # fmt: skip
# Methods that search for onset and offset instead of laying an interval around a peak: the setting of their threshold.
WITH_ENDS = {"spotgcn": "apex_threshold", "fesnet": "peak_threshold"}
# Settings with which p lies between the mean and the maximum of the video, where that is not the default.
RELATIVE = {"regiontcn": {"rule": "paper"}}
# Methods that give each frame to one type at most, so that a type that is asked for alone may get more of them.
ONE_TYPE_A_FRAME = ("fesnet", "regiontcn")
# Methods that see a gap from the rows beside it: it changes their scores, what stands in it changes nothing.
SEE_GAPS = ("fesnet", "regiontcn")
# Methods whose onset and offset lie between rows.
BETWEEN_ROWS = ("regiontcn",)
SUBJECTS = ("ann", "ben")
N_FRAMES = 170
TRUTH = {
    "ann": ((20, 50, "macro"), (85, 95, "micro"), (120, 140, "macro")),
    "ben": ((40, 48, "micro"), (70, 100, "macro"), (130, 139, "micro")),
}
ORIGIN = {"corpus": "made up", "held_out_subject": "cid", "licence": None}
WEIGHTS_FILE = "weights.safetensors"


def small_settings(name, **changes):
    known = {field.name for field in fields(new_method(name).config)}
    return {key: value for key, value in {**SMALL.get(name, {}), **changes}.items() if key in known}


def truth_of(subject, kinds=KINDS, fps=FPS):
    found = [Expression(onset, None, offset, kind) for onset, offset, kind in TRUTH[subject] if kind in kinds]
    return Track(subject, Timebase(fps, N_FRAMES), tuple(found))


def distance_of(spec):
    """Rows between the two frames of a pair; 0 where a row reaches to many later frames."""
    return distance_in_frames(spec.settings["distance_s"], FPS) if "distance_s" in spec.settings else 0


def half_window(spec):
    """Rows before and after a row of windows that are in its window."""
    return spec.settings["reach"] // 2 if "reach" in spec.settings else 0


def as_rows(spec, values):
    """Numbers around 0..1 as the rows of a feature hold them."""
    return values if row_type(spec) == "<f4" else np.clip(255 * np.nan_to_num(values), 0, 255).astype(np.uint8)


def by_spec(method):
    """The features that a method asks for, each with the types that it serves."""
    found = {}
    for kind, spec in method.plan().items():
        found.setdefault(spec.digest(), (spec, []))[1].append(kind)
    return list(found.values())


def learnable(method, subject, *, kinds=KINDS, seed=0):
    """Features of noise that carry a pattern of its own for each type wherever the truth has an expression of it."""
    truth, made = truth_of(subject), {}
    for number, (spec, served) in enumerate(by_spec(method)):
        shape, k = row_shape(spec), distance_of(spec)
        rng = np.random.default_rng([seed, number, SUBJECTS.index(subject)])
        values = 0.4 * rng.random((N_FRAMES - k, *shape), dtype=np.float32)
        # Rows whose window [row, row + k - 1] meets the expression; or those that are half a window before its frames.
        before, after = (k - 1, 0) if k else (half_window(spec), half_window(spec))
        for place, kind in enumerate(served):
            drawn = np.random.default_rng(99 + place)
            pattern = 0.6 * drawn.random(shape, dtype=np.float32) if shape else np.float32(0.6)
            for one in truth.of_kind(kind).expressions:
                values[max(0, one.onset - before) : one.offset + 1 - after] += pattern
        rows = np.arange(len(values))
        valid = np.ones(len(rows), dtype=bool)
        shared = Features(subject, truth.timebase, spec, as_rows(spec, values), rows, valid, FPS)
        made |= dict.fromkeys(served, shared)
    return TrainingVideo(subject, truth_of(subject, kinds), made)


def fit(name, out, *, seed=1, videos=None, **changes):
    method = new_method(name, small_settings(name, **changes))
    return method.fit(videos or [learnable(method, one) for one in SUBJECTS], out=out, seed=seed, origin=ORIGIN)


def checkpoints(folder):
    return sorted(path.parent for path in folder.rglob("method.json"))


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Each method trained once on the two subjects: the method, and the folder of its checkpoints."""
    made = {}

    def get(name):
        if name not in made:
            if METHODS[name].needs_weights:
                pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
            out = tmp_path_factory.mktemp(name)
            made[name] = fit(name, out), out
        return made[name]

    return get


@pytest.fixture(params=METHODS)
def name(request):
    return request.param


@pytest.fixture
def no_export(name, monkeypatch):
    """Leaves out the slow export of the network, where the weights are all that is looked at."""
    if METHODS[name].needs_weights:
        pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
        monkeypatch.setattr(f"facespot.methods.{name}.fitting.to_onnx", lambda *_, **__: b"network")


@pytest.fixture
def load(name, learned):
    """Loads the method, with settings if wanted, from the checkpoints where it has any."""
    weights = checkpoints(learned(name)[1]) if METHODS[name].needs_weights else ()
    return lambda **settings: load_method(name, weights=weights, settings=settings)


@pytest.fixture
def method(load):
    return load()


def features_of(method, n_frames=200, seed=0, gap=(), in_gap=np.nan):
    """Random features of every kind that a method asks for, not valid in the gap."""
    rng, base = np.random.default_rng(seed), Timebase(FPS, n_frames)
    made = {}
    for spec, served in by_spec(method):
        n_rows = n_frames - distance_of(spec)
        values = rng.random((n_rows, *row_shape(spec)), dtype=np.float32)
        valid = ~np.isin(np.arange(n_rows), gap)
        values[~valid] = in_gap
        if half_window(spec):
            later = np.minimum(np.arange(n_rows)[:, np.newaxis] + np.arange(values.shape[1]), n_rows - 1)
            values[np.isin(later, gap)] = np.nan
        rows = np.arange(n_rows)
        made |= dict.fromkeys(served, Features("video", base, spec, as_rows(spec, values), rows, valid, FPS))
    return made


def with_window(method, features):
    """Which rows have all that their score is made of."""
    if distance_of(features.spec):
        return features.valid
    half, last = half_window(features.spec), len(features.valid) - 1
    around = np.clip(np.arange(last + 1)[:, np.newaxis] + np.arange(-half, half + 1), 0, last)
    return features.valid[around].all(axis=1)


def test_there_is_a_score_exactly_where_there_is_a_feature(method):
    features = features_of(method, gap=range(50, 60))
    scores = method.score(features)
    assert tuple(name for name in scores.channels if name in KINDS) == tuple(kind for kind in KINDS if kind in features)
    for kind, one in features.items():
        _, valid = scores.channel(kind)
        np.testing.assert_array_equal(valid[: len(one.valid)], with_window(method, one))
        assert not valid[len(one.valid) :].any()


def test_the_same_features_give_the_same_result(method):
    first, second = (method.score(features_of(method)) for _ in range(2))
    assert first.values.tobytes() == second.values.tobytes()
    assert method.decode(first) == method.decode(second)


def test_what_stands_in_a_gap_changes_nothing_elsewhere(method):
    broken = method.score(features_of(method, gap=range(50, 60)))
    if method.name in SEE_GAPS:
        whole = method.score(features_of(method, gap=range(50, 60), in_gap=0.7))
    else:
        whole = method.score(features_of(method))
    both = whole.valid & broken.valid
    np.testing.assert_allclose(whole.values[both], broken.values[both], rtol=1e-5, atol=1e-6)


def test_expressions_lie_in_the_video_with_the_apex_at_the_peak(method):
    scores = method.score(learnable(method, "ann").features)
    track = method.decode(scores)
    assert track.expressions
    curves = {curve.kind: curve for curve in method.curves(scores)}
    for one in track.expressions:
        assert 0 <= one.onset <= one.apex <= one.offset < track.timebase.n_frames
        assert one.onset < one.offset
        curve = curves[one.kind]
        if method.name == "regiontcn":
            inside = curve.values[(curve.frames >= one.onset) & (curve.frames <= one.offset)]
            assert curve.threshold <= one.score <= inside.max() * (1 + 1e-6)
            continue
        peak = curve.values[np.flatnonzero(curve.frames == one.apex)[0]]
        assert curve.threshold is None or peak >= curve.threshold
        if method.name == "spotgcn":
            assert one.onset < one.apex < one.offset
            assert 0 < one.score < peak
        else:
            assert one.score == pytest.approx(float(peak), rel=1e-6)


def test_a_higher_threshold_spots_fewer(method, load):
    threshold = WITH_ENDS.get(method.name, "p")
    relative = RELATIVE.get(method.name, {})
    noise = threshold == "p" and not relative
    scores = method.score(features_of(method) if noise else learnable(method, "ann").features)
    many = load(**relative, **{threshold: 0.1}).decode(scores).expressions
    if threshold == "p":
        few = load(**relative, p=0.9).decode(scores).expressions
        assert {e.apex for e in few} <= {e.apex for e in many}
    else:
        probability = {kind: scores.channel(kind)[0] for kind in method.plan()}
        peaks = [float(probability[e.kind][e.apex]) for e in many]
        between = (min(peaks) + max(peaks)) / 2
        few = load(**{threshold: between}).decode(scores).expressions
        assert few
        assert all(probability[e.kind][e.apex] >= between for e in few)
    assert len(few) < len(many)


def test_one_type_alone_is_enough(method):
    features = features_of(method)
    kind = next(iter(features))
    alone = method.score({kind: features[kind]})
    assert [name for name in alone.channels if name in KINDS] == [kind]
    together = method.score(features)
    if method.name in ONE_TYPE_A_FRAME:
        np.testing.assert_array_equal(alone.channel(kind)[0], together.channel(kind)[0])
    else:
        assert method.decode(alone).expressions == method.decode(together).of_kind(kind).expressions


def test_a_video_without_any_face_yields_nothing(method):
    scores = method.score(features_of(method, gap=range(200)))
    assert not scores.valid.any()
    assert method.decode(scores).expressions == ()
    assert all(curve.threshold is None for curve in method.curves(scores))


def test_the_shortest_video_that_is_allowed_can_hold_a_peak(method):
    for kind in method.plan():
        rows = method.rows_needed(kind, FPS)
        features = {kind: features_of(method, n_frames=rows)[kind]}
        curve = method.curves(method.score(features))[0]
        assert np.isfinite(curve.values).sum() >= 3


def test_frames_of_a_resampled_video_keep_their_numbers(method):
    features = features_of(method)
    resampled = {
        kind: Features(one.video, Timebase(60.0, 500), one.spec, one.values, 7 + 2 * one.frames, one.valid, FPS)
        for kind, one in features.items()
    }
    plain, doubled = (method.decode(method.score(one)).expressions for one in (features, resampled))
    found, expected = (
        [(first + step * e.onset, first + step * e.apex, first + step * e.offset) for e in expressions]
        for expressions, first, step in ((doubled, 0, 1), (plain, 7, 2))
    )
    assert len(found) == len(expected)
    # What lies between two rows has a frame of its own in the faster video.
    assert np.abs(np.subtract(found, expected)).max(initial=0) <= (1 if method.name in BETWEEN_ROWS else 0)


# Adapting to annotations.


@pytest.fixture
def fresh(name):
    """A method that has learned nothing, with a distance k for each type."""
    made = new_method(name)
    if not hasattr(made.config, "macro_distance_s"):
        pytest.skip(f"{name} has no distance k")
    return made


def distances(method):
    return {kind: getattr(method.config, f"{kind}_distance_s") for kind in KINDS}


def lengths(kind, *offsets, fps=FPS, start=10):
    return Track(f"{kind}{fps}{offsets}", Timebase(fps, 2000),
                 tuple(Expression(start, None, start + one, kind) for one in offsets))  # fmt: skip


def test_k_is_half_the_mean_length_of_the_annotations(fresh):
    tracks = [lengths("macro", 40, 50), lengths("macro", 61), lengths("micro", 8, 11)]
    found = fresh.adapt(tracks)
    # int((N + 1) / 2) with N = 151 / 3 and 19 / 2.
    assert distances(found) == {"macro": 25 / FPS, "micro": 5 / FPS}
    for kind in KINDS:
        assert distances(found)[kind] == half_mean_length(tracks, kind) / FPS
        spec = found.plan().get(kind)
        assert spec is None or spec.settings["distance_s"] == distances(found)[kind]
    assert {**vars(found.config), **vars(fresh.config)} == vars(fresh.config)


def test_a_type_without_annotations_keeps_its_k(fresh):
    found = fresh.adapt([lengths("macro", 40), lengths("micro")])
    assert distances(found) == {"macro": 20 / FPS, "micro": distances(fresh)["micro"]}
    assert distances(fresh.adapt([])) == distances(fresh)
    assert distances(fresh.adapt([lengths("macro"), lengths("micro")])) == distances(fresh)


def test_lengths_at_different_rates_meet_at_the_median_rate(fresh):
    # 1 s and 2 s at 60 frames/s, 3 s at 200: the median rate is 60, N = 120 frames there, k = int(121 / 2).
    tracks = [lengths("macro", 60, fps=60.0), lengths("macro", 120, fps=60.0), lengths("macro", 600, fps=200.0)]
    found = fresh.adapt(tracks)
    assert distances(found)["macro"] == 60 / 60.0
    assert distances(found)["macro"] == half_mean_length(tracks, "macro", fps=60.0) / 60.0
    assert distances(fresh.adapt(tracks[::-1])) == distances(found)


def test_k_is_one_frame_at_least(fresh):
    assert distances(fresh.adapt([lengths("micro", 0, 0)]))["micro"] == 1 / FPS


def test_adapting_leaves_the_method_as_it_was(fresh):
    before = distances(fresh)
    fresh.adapt([lengths("macro", 40), lengths("micro", 3)])
    assert distances(fresh) == before


# Learning.


def area_under_curve(scores, positive):
    """Share of the pairs of a positive and another row in which the positive one has the higher score."""
    above = scores[positive][:, None] - scores[~positive][None, :]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def test_it_learns_what_it_is_shown(name, learned):
    method, _ = learned(name)
    for subject in SUBJECTS:
        video = learnable(method, subject)
        scores = method.score(video.features)
        for kind in video.features:
            # An apex is a few frames only; what is shown here is the whole expression.
            whole = f"{kind}/expression" if f"{kind}/expression" in scores.channels else kind
            values, valid = scores.channel(whole)
            spec = method.plan()[kind]
            k = distance_of(spec) or half_window(spec)
            inside, near = np.zeros((2, len(values)), dtype=bool)
            for one in video.truth.of_kind(kind).expressions:
                inside[one.onset : one.offset + 1] = True
                near[max(0, one.onset - k) : one.offset + k + 1] = True
            used = valid & (inside | ~near)
            assert area_under_curve(values[used], inside[used]) > 0.9, (subject, kind)


def test_the_same_seed_learns_the_same_bytes(name, learned, tmp_path):
    method, out = learned(name)
    again = fit(name, tmp_path)
    assert again.weights_used() == method.weights_used()
    assert [one.name for one in checkpoints(tmp_path)] == [one.name for one in checkpoints(out)]
    for one, other in zip(checkpoints(out), checkpoints(tmp_path), strict=True):
        for file in sorted(path.name for path in one.iterdir()):
            assert (one / file).read_bytes() == (other / file).read_bytes(), file
    if METHODS[name].needs_weights:
        assert [one["origin"]["seed"] for one in method.weights_used()] == [1] * len(checkpoints(out))
        assert all(ORIGIN.items() <= one["origin"].items() for one in method.weights_used())


def test_another_seed_learns_another_network(name, learned, no_export, tmp_path):
    if not METHODS[name].needs_weights:
        pytest.skip(f"{name} has no weights")
    _, out = learned(name)
    fit(name, tmp_path, seed=2)
    mine, theirs = ({(one / WEIGHTS_FILE).read_bytes() for one in checkpoints(folder)} for folder in (out, tmp_path))
    assert len(mine) == len(theirs)
    assert not mine & theirs


def test_what_was_learned_is_found_again(name, learned, method):
    taught, _ = learned(name)
    assert method.plan() == taught.plan()
    assert method.weights_used() == taught.weights_used()
    features = learnable(taught, "ann").features
    assert method.score(features).values.tobytes() == taught.score(features).values.tobytes()


def test_a_training_that_ended_is_not_done_again(name, learned):
    method, out = learned(name)
    states = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    steps = []
    again = new_method(name, small_settings(name)).fit(
        [learnable(method, one) for one in SUBJECTS], out=out, seed=1, origin=ORIGIN,
        on_progress=lambda *step: steps.append(step),
    )  # fmt: skip
    assert steps == []
    assert again.weights_used() == method.weights_used()
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == states


def test_progress_names_what_is_trained_and_ends(name, no_export, tmp_path):
    if not METHODS[name].needs_weights:
        pytest.skip(f"{name} trains nothing")
    steps = []
    method = new_method(name, small_settings(name, epochs=1, spotting_epochs=2))
    method.fit([learnable(method, one) for one in SUBJECTS], out=tmp_path, seed=1, origin=ORIGIN,
               on_progress=lambda *step: steps.append(step))  # fmt: skip
    for what in dict.fromkeys(step[0] for step in steps):
        done = [step[1:] for step in steps if step[0] == what]
        assert [at for at, _ in done] == sorted(at for at, _ in done)
        assert len({total for _, total in done}) == 1
        assert 0 < done[-1][0] <= done[-1][1]


def test_a_type_without_expressions_is_neither_learned_nor_spotted(name, tmp_path):
    if not METHODS[name].needs_weights:
        pytest.skip(f"{name} learns nothing")
    pytest.importorskip("torch", reason='needs pip install "facespot[train]"')
    method = new_method(name, small_settings(name, epochs=1, spotting_epochs=1))
    with pytest.raises(SettingsError, match="hold no"):
        fit(name, tmp_path / "none", videos=[learnable(method, one, kinds=()) for one in SUBJECTS], epochs=1)
    assert checkpoints(tmp_path / "none") == []
    if len(method.plan()) < 2:
        return
    found = fit(name, tmp_path, videos=[learnable(method, one, kinds=("macro",)) for one in SUBJECTS], epochs=1)
    features = {kind: one for kind, one in learnable(method, "ann").features.items() if kind in found.plan()}
    assert not found.decode(found.score(features)).of_kind("micro").expressions


def test_nobody_who_is_held_back_is_learned_from(name, no_export, tmp_path):
    known = small_settings(name, epochs=1, patience=1, validation_share=0.5)
    if "validation_share" not in known or not METHODS[name].needs_weights:
        pytest.skip(f"{name} holds nobody back")
    from facespot.models import read_checkpoint

    method = new_method(name, known)

    def weights(folder, altered=()):
        videos = [learnable(method, one, seed=7 if one in altered else 0) for one in SUBJECTS]
        method.fit(videos, out=tmp_path / folder, seed=1, origin=ORIGIN)
        return {one.name: (one / WEIGHTS_FILE).read_bytes() for one in checkpoints(tmp_path / folder)}

    # After one epoch there is one network to keep: validation can say nothing, and must not have taught anything.
    plain = weights("plain")
    for one in checkpoints(tmp_path / "plain"):
        held_back = read_checkpoint(one).fitted["validation_subjects"]
        assert len(held_back) == 1
    taught = next(one for one in SUBJECTS if one not in held_back)
    assert weights("held back altered", held_back) == plain
    changed = weights("learned altered", [taught])
    assert all(changed[kind] != plain[kind] for kind in plain)


def test_weights_and_methods_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="no method 'magic'; choose one of strain, softnet"):
        load_method("magic")
    with pytest.raises(SettingsError, match="has no weights"):
        load_method("strain", weights=[tmp_path])
    with pytest.raises(SettingsError, match="no method 'magic'"):
        new_method("magic")
