"""Training against a loop by hand, what it learns, resume, who is held back, what the checkpoint says."""

import hashlib
import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.errors import SettingsError  # noqa: E402
from facespot.features.region_motion import WIDTH  # noqa: E402
from facespot.methods.learning import SUBJECTS_STREAM, WEIGHTS_STREAM, derived_seed  # noqa: E402
from facespot.methods.regiontcn.calibration import from_json  # noqa: E402
from facespot.methods.regiontcn.config import RegiontcnConfig  # noqa: E402
from facespot.methods.regiontcn.fitting import fit_network, judged_by  # noqa: E402
from facespot.methods.regiontcn.judging import calibrate, judge  # noqa: E402
from facespot.methods.regiontcn.losses import Targets, total_loss  # noqa: E402
from facespot.methods.regiontcn.network import RegionTCN  # noqa: E402
from facespot.methods.regiontcn.outputs import EMOTIONS  # noqa: E402
from facespot.methods.regiontcn.samples import MotionSamples, learned_videos, usual_size  # noqa: E402
from facespot.methods.regiontcn.windows import INPUTS  # noqa: E402
from facespot.metrics import evaluate  # noqa: E402
from facespot.models import read_weights  # noqa: E402
from facespot.training import loop  # noqa: E402
from facespot.training.sampling import held_back_subjects  # noqa: E402
from facespot.values import KINDS  # noqa: E402

EXPORT = "facespot.methods.regiontcn.fitting.to_onnx"
ORIGIN = {"corpus": "made up", "held_out_subject": "zoe", "licence": "none"}
SMALL = RegiontcnConfig(channels=6, window_rows=32, epochs=2, batch_size=4, samples_per_epoch=12, averaging=0.5,
                        learning_rate=0.01, clip_norm=2.0)  # fmt: skip
N_STEPS = 2 * 3
PEOPLE = ("ann", "ben", "cid")


def stand_in_export(network, shape, **names):
    """Bytes that depend on all that an export depends on, at once instead of after seconds."""
    digest = hashlib.sha256(repr((shape, sorted(names.items()))).encode())
    for name, value in network.state_dict().items():
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.digest()


@pytest.fixture(scope="module", autouse=True)
def quick(learned):
    """One thread, as in the loop, and no export but that of the learned network."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EXPORT, stand_in_export)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained(video):
    def train(out, config=SMALL, videos=None, kinds=KINDS, seed=4, **options):
        chosen = [video(name, n_rows=150) for name in PEOPLE] if videos is None else videos
        return fit_network(chosen, config, kinds=kinds, out=out, seed=seed, origin=ORIGIN, **options)

    return train


@pytest.fixture(scope="module")
def checkpoint(trained, tmp_path_factory):
    return trained(tmp_path_factory.mktemp("checkpoint"))


def files_of(checkpoint):
    return {path.name: path.read_bytes() for path in checkpoint.path.iterdir()}


# The same training by hand.


def train_by_hand(videos, config, seed=4):
    """Loss of each epoch and the average of the weights: steps, clipping, decay and average written out."""
    rng = np.random.default_rng([seed, SUBJECTS_STREAM])
    held_back = held_back_subjects([one.subject for one in videos], config.validation_share, rng)
    learned = learned_videos([one for one in videos if one.subject not in held_back], KINDS)
    scale = usual_size(learned)
    samples = MotionSamples(learned, config, scale, altered=True, at_least=config.samples_per_epoch)
    generator = torch.Generator().manual_seed(derived_seed(seed, WEIGHTS_STREAM))
    network = RegionTCN(config.channels, config.dropout, scale.tolist(), generator).train()
    average = {name: value.clone() for name, value in network.state_dict().items()}
    optimiser = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    history, steps = [], 0
    for epoch in range(config.epochs):
        optimiser.param_groups[0]["lr"] = config.learning_rate * config.learning_rate_decay**epoch
        order = np.random.default_rng([seed, epoch]).permutation(len(samples))[: config.samples_per_epoch]
        total = 0.0
        for step, first in enumerate(range(0, len(order), config.batch_size)):
            rng = np.random.default_rng([1, seed, epoch, step])
            torch.manual_seed(int(rng.integers(2**63)))
            rows, *targets = map(torch.from_numpy, samples.batch(order[first : first + config.batch_size], rng))
            kept = min(config.averaging, (steps + 1) / (steps + 10))
            for name, value in network.state_dict().items():
                mean = average[name]
                average[name] = kept * mean + (1 - kept) * value if mean.dtype.is_floating_point else value.clone()
            loss = total_loss(network(rows), Targets(*targets), config)
            optimiser.zero_grad()
            loss.backward()
            norm = math.sqrt(sum(float(one.grad.square().sum()) for one in network.parameters()))
            for one in network.parameters():
                one.grad *= min(1.0, config.clip_norm / norm)
            optimiser.step()
            total += loss.item() * len(rows)
            steps += 1
        history.append(total / len(order))
    return history, average


def test_the_training_is_that_of_a_loop_by_hand(checkpoint, video):
    history, average = train_by_hand([video(name, n_rows=150) for name in PEOPLE], SMALL)
    found = [epoch["loss"] for epoch in checkpoint.fitted["history"]]
    assert found == pytest.approx(history, rel=1e-4)
    # Adam takes whole steps along slopes that are 0 but for rounding: what is said is compared, not every weight.
    rows = torch.randn(1, 300, INPUTS, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, second = (network_of(one)(rows) for one in (tensors(checkpoint), average))
        start = train_start(SMALL).eval()(rows)
    assert (first - second).abs().max() < 0.02
    assert (first - start).abs().max() > 0.2


def tensors(checkpoint):
    return {name: torch.from_numpy(value) for name, value in read_weights(checkpoint).items()}


def network_of(weights):
    network = RegionTCN(SMALL.channels, SMALL.dropout, [1.0] * WIDTH, torch.Generator())
    network.load_state_dict(weights)
    return network.eval()


def train_start(config):
    generator = torch.Generator().manual_seed(derived_seed(4, WEIGHTS_STREAM))
    return RegionTCN(config.channels, config.dropout, [1.0] * WIDTH, generator)


# Learning.


def test_what_is_visible_is_learned(learned, video):
    others = [video(f"somebody {number}") for number in range(4)]
    tracks = [learned.decode(learned.score(one.features)) for one in others]
    result = evaluate([one.truth for one in others], tracks)
    for kind in KINDS:
        assert result.of_kind(kind).tp + result.of_kind(kind).fn > 4
        assert result.of_kind(kind).f1 > 0.8
    named = [hit.predicted.emotion == hit.truth.emotion for hit in result.matches]
    units = [hit.predicted.action_units == hit.truth.action_units for hit in result.matches]
    assert np.mean(named) > 0.8
    assert np.mean(units) > 0.8
    assert learned.classes == ("happiness", "anger")
    assert learned.action_units == (4, 6, 12)


def test_a_calm_video_holds_nothing(learned, video):
    calm = video("nobody", (), n_rows=2000)
    assert learned.decode(learned.score(calm.features)).expressions == ()


def test_probabilities_and_thresholds_are_those_of_the_people_held_back(learned, video):
    fitted = learned.checkpoint.fitted
    assert fitted["calibrated_on"] == "held-back subjects"
    held_back = fitted["validation_subjects"]
    assert len(held_back) == 2
    videos = [video(name) for name in held_back]
    judged = judge([(learned.score(one.features), one.truth) for one in videos], learned.config)
    curves, points = calibrate(judged)
    for kind in KINDS:
        assert curves[kind].slope == pytest.approx(learned.calibrations[kind].slope, abs=0.02)
        for name, point in points[kind].items():
            assert point.threshold == pytest.approx(learned.points[kind][name].threshold, abs=0.02)
            assert point.hits == learned.points[kind][name].hits
    tracks = [learned.decode(learned.score(one.features)) for one in videos]
    result = evaluate([one.truth for one in videos], tracks)
    minutes = sum(len(one.features["micro"].frames) for one in videos) / 30 / 60
    for kind in KINDS:
        one, point = result.of_kind(kind), learned.points[kind]["normal"]
        assert (one.tp, one.precision, one.recall) == (
            point.hits, pytest.approx(point.precision, abs=1e-5), pytest.approx(point.recall, abs=1e-5)
        )  # fmt: skip
        assert point.false_alarms_a_minute == pytest.approx(one.fp / minutes, abs=1e-5)


def test_a_mirrored_face_is_judged_alike(learned, video):
    from facespot.features.region_motion import mirrored

    one = video("somebody 1")
    features = one.features["micro"]
    flipped = dict.fromkeys(KINDS, replace(features, values=mirrored(features.values)))
    plain, other = (learned.score(side) for side in (one.features, flipped))
    np.testing.assert_allclose(plain.values, other.values, atol=1e-4)
    found, again = (learned.decode(side) for side in (plain, other))
    assert found.expressions
    assert [(one.onset, one.apex, one.offset) for one in found.expressions] == [
        (one.onset, one.apex, one.offset) for one in again.expressions
    ]


# Resume.


class Stopped(Exception):  # noqa: N818 - no error: a kill
    pass


@pytest.mark.parametrize("step", [1, 3, 5])
def test_stopped_and_resumed_it_ends_with_the_same_bytes(trained, checkpoint, tmp_path, monkeypatch, step):
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", -1.0)

    def on_progress(what, done, total):
        assert (what, total) == ("both", N_STEPS)
        if done == step:
            raise Stopped

    with pytest.raises(Stopped):
        trained(tmp_path, on_progress=on_progress)
    steps = []
    resumed = trained(tmp_path, on_progress=lambda *progress: steps.append(progress))
    assert len(steps) == N_STEPS - max(0, step - 1)
    assert files_of(resumed) == files_of(checkpoint)


@pytest.fixture
def steps_from(trained, tmp_path):
    """Steps that a second training takes after a first one."""

    def steps(config=SMALL, **options):
        found = []
        trained(tmp_path)
        trained(tmp_path, config, on_progress=lambda *progress: found.append(progress), **options)
        return len(found)

    return steps


def test_a_training_that_ended_is_not_done_again(steps_from):
    decoding = {"rule": "paper", "p": 0.4, "macro_threshold": 0.3, "overlap": 0.4, "least_score": 0.2,
                "uncertain_below": 0.1, "action_unit_threshold": 0.2}  # fmt: skip
    assert steps_from(replace(SMALL, **decoding)) == 0


@pytest.mark.parametrize(
    "changes", [{"noise": 0.1}, {"averaging": 0.6}, {"clip_norm": 1.0}, {"iou_weight": 2.0}, {"dropout": 0.2}], ids=str
)
def test_other_settings_begin_anew(steps_from, changes):
    assert steps_from(replace(SMALL, **changes)) == N_STEPS


def test_another_truth_begins_anew(steps_from, video):
    videos = [video(name, n_rows=150) for name in PEOPLE]
    truth = videos[1].truth
    renamed = replace(truth, expressions=(replace(truth.expressions[0], emotion="fear"), *truth.expressions[1:]))
    assert steps_from(videos=[videos[0], replace(videos[1], truth=renamed), videos[2]]) == N_STEPS
    assert steps_from(kinds=("macro",)) == N_STEPS


# Who is held back, and what cannot be learned from.


def test_who_is_held_back_teaches_nothing(trained, checkpoint, video, tmp_path):
    (held_back,) = checkpoint.fitted["validation_subjects"]
    taught = next(name for name in PEOPLE if name != held_back)

    def altered(who):
        videos = [video(name, n_rows=150, seed=7 if name == who else 0) for name in PEOPLE]
        return trained(tmp_path / who, videos=videos)

    weights = files_of(checkpoint)["weights.safetensors"]
    assert files_of(altered(held_back))["weights.safetensors"] == weights
    assert files_of(altered(taught))["weights.safetensors"] != weights
    assert all(math.isfinite(epoch["validation_loss"]) for epoch in checkpoint.fitted["history"])


def test_one_subject_is_learned_from_and_calibrated_on(trained, video, tmp_path):
    alone = video("ann", n_rows=150)
    one = trained(tmp_path, videos=[alone])
    assert one.fitted["validation_subjects"] == []
    assert one.fitted["calibrated_on"] == "training videos"
    assert one.fitted["history"][0]["validation_loss"] is None
    judged = judged_by(network_of(tensors(one)), [alone], SMALL, KINDS)
    assert judged["micro"].minutes == 150 / 30 / 60
    # No more of them count than are usual in that time.
    count = len(alone.truth.of_kind("micro").expressions)
    assert judged["micro"].n_true == pytest.approx(min(count, SMALL.micro_a_minute * judged["micro"].minutes))
    assert from_json(one.fitted) == calibrate(judged)


def test_a_type_that_is_not_learned_never_is_the_answer(trained, tmp_path):
    one = trained(tmp_path, replace(SMALL, epochs=6, learning_rate=0.03), kinds=("macro",))
    assert one.fitted["kinds"] == ["macro"]
    weights, before = read_weights(one), train_start(SMALL)
    moved = weights["heads.bias"][:3] - before.heads.bias.detach().numpy()[:3]
    assert moved[2] == moved.min() < -0.01
    assert one.fitted["classes"] == [], "a single emotion is no choice"
    assert one.fitted["action_units"] == [6, 12]


def test_what_cannot_be_learned_from_is_said_so(trained, video, tmp_path):
    unseen = [video(name, ((20, 25, 40, "macro"),), n_rows=90, gap=range(20, 41)) for name in PEOPLE]
    with pytest.raises(SettingsError, match="no expression of the training videos has a usable frame"):
        trained(tmp_path, videos=unseen)
    with pytest.raises(SettingsError, match="no expression of the training videos"):
        trained(tmp_path, videos=[video("ann", kinds=())])
    assert not (tmp_path / "both").exists()


def test_a_loss_that_explodes_names_the_setting(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "facespot.methods.regiontcn.fitting.total_loss", lambda outputs, *_: outputs.sum() * float("inf")
    )
    with pytest.raises(SettingsError, match="learning_rate"):
        trained(tmp_path)
    assert not (tmp_path / "both").exists()


def test_the_description_says_what_was_learned_and_holds_no_path(checkpoint, video, tmp_path_factory):
    content = (checkpoint.path / "method.json").read_text()
    assert str(tmp_path_factory.getbasetemp()) not in content
    found = json.loads(content)
    config, default = asdict(SMALL), asdict(RegiontcnConfig())
    of_input = ("flow", "smoothing_s", "landmarks_every")
    changed = {name: value for name, value in config.items() if name in of_input or value != default[name]}
    assert found["config"] == changed
    assert found["kind"] is None
    fitted = found["fitted"]
    taught = [video(name, n_rows=150) for name in PEOPLE if name not in fitted["validation_subjects"]]
    expressions = [one for of_person in taught for one in of_person.truth.expressions]
    emotions = {one.emotion for one in expressions}
    assert fitted["classes"] == ([name for name in EMOTIONS if name in emotions] if len(emotions) > 1 else [])
    assert fitted["action_units"] == sorted({int(unit) for one in expressions for unit in one.action_units})
    assert fitted["expressions"] == len(expressions)
