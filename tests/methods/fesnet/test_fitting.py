"""Training FESNet against a loop by hand; what does not count, what it learns, resume, a start, what the files say."""

import hashlib
import json
import math
import shutil
from collections import Counter
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.errors import SettingsError, WeightsError  # noqa: E402
from facespot.methods import load_method, new_method  # noqa: E402
from facespot.methods.fesnet.config import FesnetConfig  # noqa: E402
from facespot.methods.fesnet.fitting import fit_network, loss_of_batch  # noqa: E402
from facespot.methods.fesnet.network import build_network  # noqa: E402
from facespot.methods.fesnet.samples import clip_samples  # noqa: E402
from facespot.methods.learning import WEIGHTS_STREAM, derived_seed, validation_subjects  # noqa: E402
from facespot.metrics.framewise import LABELS, frame_labels  # noqa: E402
from facespot.models import read_checkpoint, read_weights, write_checkpoint  # noqa: E402
from facespot.training import loop  # noqa: E402
from facespot.training.onnx_export import to_onnx  # noqa: E402
from facespot.values import KINDS  # noqa: E402

EXPORT = "facespot.methods.fesnet.fitting.to_onnx"
ORIGIN = {"corpus": "made up", "held_out_subject": "zoe", "licence": "none"}
TINY = {"first_channels": 3, "middle_channels": 4, "channels": 8, "heads": 2, "depth": 1, "embedding": 8,
        "temporal_channels": 6, "refinement_channels": 6, "clip_frames": 8, "clip_stride": 4}  # fmt: skip
# Two videos of 40 rows are 10 clips: 2 steps of the LSDM alone, then 2 epochs of 3 steps.
SMALL = FesnetConfig(**TINY, training_stride=8, lsdm_epochs=1, lsdm_frames=4, lsdm_batch_size=5, epochs=2, batch_size=4,
                     samples_per_epoch=0, learning_rate_decay=0.75, normalisation="clip", gamma=0.15)  # fmt: skip
N_STEPS = 2 + 6
TRUTH = {
    "ann": ((4, 7, 12, "macro"), (25, 27, 29, "micro")),
    "ben": ((2, 4, 7, "micro"), (18, 23, 31, "macro")),
    "cid": ((9, 11, 13, "micro"), (20, 25, 33, "macro")),
}


def stand_in_export(network, shape, **names):
    """Bytes that depend on all that an export depends on, at once instead of after seconds."""
    digest = hashlib.sha256(repr((shape, sorted(names.items()))).encode())
    for name, value in network.state_dict().items():
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.digest()


@pytest.fixture(scope="module", autouse=True)
def quick():
    """One thread, as in the loop, and no export but where a test needs it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EXPORT, stand_in_export)
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def people(video):
    """Makes the videos of some subjects, one each."""
    return lambda *names, **changes: [video(name, *TRUTH[name], **changes) for name in names or ("ann", "ben")]


@pytest.fixture(scope="module")
def trained(people):
    def train(out, config=SMALL, videos=None, kinds=KINDS, seed=4, **options):
        chosen = people() if videos is None else videos
        return fit_network(chosen, config, kinds=kinds, out=out, seed=seed, origin=ORIGIN, **options)

    return train


@pytest.fixture(scope="module")
def undisturbed(trained, tmp_path_factory):
    """A checkpoint, and what was told of the progress."""
    told = []
    made = trained(tmp_path_factory.mktemp("checkpoint"), on_progress=lambda *progress: told.append(progress))
    return made, told


@pytest.fixture(scope="module")
def checkpoint(undisturbed):
    return undisturbed[0]


def tensors(checkpoint):
    return {name: torch.from_numpy(value) for name, value in read_weights(checkpoint).items()}


def losses(checkpoint, stage="history"):
    return [epoch["loss"] for epoch in checkpoint.fitted[stage]]


def trained_network(checkpoint, config):
    network = build_network(config)
    network.load_state_dict(tensors(checkpoint))
    return network.eval()


def answers_differ_by(checkpoint, network, config, videos):
    """Largest difference of a probability that two networks give to frames of the videos."""
    clips = np.stack([one.features["micro"].values[:8] for one in videos]).astype(np.float32)
    with torch.no_grad():
        first, second = (
            torch.softmax(one.eval()(torch.from_numpy(clips))[..., :3], dim=2)
            for one in (trained_network(checkpoint, config), network)
        )
    return float((first - second).abs().max())


# The same training by hand.


def entropy_by_hand(logits, classes, counted, weights):
    """Eq. 4's cross-entropy, frame by frame: weighted, over the number of frames that count."""
    terms = []
    for clip, frame in np.argwhere(counted.numpy()).tolist():
        scores, label = logits[clip, frame], int(classes[clip, frame])
        terms.append(weights[label] * (torch.logsumexp(scores, 0) - scores[label]))
    return sum(terms) / len(terms)


def loss_by_hand(network, batch, weights, config, *, alone):
    """Eq. 5 in plain steps."""
    frames, classes, counted = batch
    stages = network.stages(frames, spatial_only=alone)
    of_network = stages.temporal is not None
    if of_network and config.supervision == "all":
        supervised = [stages.spatial, stages.temporal, *(block[-1] for block in stages.refined)]
    else:
        supervised = [stages.refined[-1][-1] if of_network else stages.spatial]
    loss = sum(entropy_by_hand(one, classes, counted, weights) for one in supervised) / len(supervised)
    if of_network:
        smooth = 0.0
        for proposals in stages.refined:
            for proposal in proposals:
                shares = proposal.exp() / proposal.exp().sum(dim=-1, keepdim=True)
                smooth = smooth + ((shares[:, 1:] - shares[:, :-1]) ** 2).mean() / len(stages.refined)
        loss = loss + config.gamma * smooth
    deviations = [(frame - frame.mean()).pow(2).sum().sqrt() for clip in stages.x_motion for frame in clip]
    lsdm = -sum(1 / torch.log(math.e + one) for one in deviations) / len(deviations)
    return loss + config.lsdm_weight * lsdm / classes.shape[1]


def weights_by_hand(videos, kinds, power):
    """One over the share of each class of the rows that are learned, so that the mean weight is 1."""
    counts = Counter()
    for one in videos:
        features = next(iter(one.features.values()))
        labels = frame_labels(one.truth)[features.frames[features.valid]].tolist()
        counts.update(label for label in labels if LABELS[label] in ("neutral", *kinds))
    raw = {label: count**-power for label, count in counts.items()}
    mean = sum(raw[label] * counts[label] for label in counts) / counts.total()
    return counts, [raw.get(label, 0.0) / mean for label in range(3)]


def train_by_hand(videos, config, kinds, *, seed=4, start=None):
    """Losses of the epochs of both stages, and the network."""
    network = build_network(config, torch.Generator().manual_seed(derived_seed(seed, WEIGHTS_STREAM)))
    if start is not None:
        network.load_state_dict(tensors(start))
    _, weights = weights_by_hand(videos, kinds, {"inverse": 1, "root": 0.5, "none": 0}[config.class_weights])
    found = []
    for alone in (True, False):
        few, n_epochs, size = (
            (config.lsdm_frames, config.lsdm_epochs, config.lsdm_batch_size)
            if alone
            else (0, config.epochs, config.batch_size)
        )
        samples = clip_samples(videos, config, kinds, mirrored=config.mirrored, few=few)
        parameters = network.lsdm.parameters() if alone else network.parameters()
        optimiser = torch.optim.Adam(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
        history = []
        for epoch in range(n_epochs):
            network.train()
            optimiser.param_groups[0]["lr"] = config.learning_rate * config.learning_rate_decay**epoch
            order, total = np.random.default_rng([seed, epoch]).permutation(len(samples)), 0.0
            for step, first in enumerate(range(0, len(order), size)):
                rng = np.random.default_rng([1, seed, epoch, step])
                rng.integers(2**63)
                indices = order[first : first + size]
                batch = [torch.from_numpy(part) for part in samples.batch(indices, rng)]
                loss = loss_by_hand(network, batch, weights, config, alone=alone)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                total += loss.item() * len(indices)
            history.append(total / len(order))
        found.append(history)
    return (*found, network)


BY_HAND = {
    "both types": ({}, KINDS, {}),
    "gaps": ({}, KINDS, {"gap": [3, 17, 18]}),
    "one type": ({"class_weights": "root", "weight_decay": 0.01}, ("micro",), {}),
    "the result alone": ({"supervision": "final", "gamma": 0.5, "mirrored": False}, KINDS, {}),
    "no MTAM": ({"use_mtam": False, "class_weights": "none", "lsdm_epochs": 0}, ("macro",), {"gap": [12]}),
}


@pytest.mark.parametrize("changes", BY_HAND.values(), ids=BY_HAND)
def test_the_losses_are_those_of_a_loop_by_hand(trained, people, tmp_path, changes):
    settings, kinds, of_video = changes
    config, videos = replace(SMALL, **settings), people(**of_video)
    one = trained(tmp_path, config, videos, kinds)
    alone, history, network = train_by_hand(videos, config, kinds)
    assert len(alone) == config.lsdm_epochs
    assert losses(one, "lsdm_history") == pytest.approx(alone, rel=1e-4)
    # Adam takes whole steps along slopes that are 0 but for rounding.
    assert losses(one)[0] == pytest.approx(history[0], rel=1e-4)
    assert losses(one)[1] == pytest.approx(history[1], rel=1e-2)
    assert answers_differ_by(one, network, config, videos) < 0.02
    counts, _ = weights_by_hand(videos, kinds, 1)
    assert one.fitted["rows"] == {name: counts[label] for label, name in enumerate(LABELS)}


def test_frames_of_a_type_that_is_not_learned_do_not_count_in_the_loss(people):
    videos, config = people(), replace(SMALL, gamma=0.0, lsdm_weight=0.0)
    network = build_network(config, torch.Generator().manual_seed(0))
    weights = torch.tensor([0.5, 2.0, 3.0])
    samples = clip_samples(videos, config, ("macro",), mirrored=False)
    frames, classes, counted = (
        torch.from_numpy(part) for part in samples.batch(np.arange(len(samples)), np.random.default_rng(0))
    )

    def loss_and_slope(labels, marks):
        network.zero_grad()
        loss = loss_of_batch(network, (frames, labels, marks), weights=weights, config=config)
        loss.backward()
        return loss.item(), network.lsdm.convolution.weight.grad.numpy().copy()

    assert (~counted).sum() == 5 + 6
    loss, slope = loss_and_slope(classes, counted)
    for label in (0, 1):
        changed, other = loss_and_slope(torch.where(counted, classes, label), counted)
        assert changed == loss
        np.testing.assert_array_equal(other, slope)
    # They would count if they were neutral.
    taught, other = loss_and_slope(torch.where(counted, classes, 0), torch.ones_like(counted))
    assert abs(taught - loss) > 1e-4
    assert np.abs(other - slope).max() > 1e-6


def test_a_class_that_is_not_learned_never_is_the_answer(trained, people, tmp_path):
    one = trained(tmp_path, replace(SMALL, learning_rate=0.02), kinds=("macro",))
    assert one.fitted["kinds"] == ["macro"]
    assert one.fitted["rows"]["micro"] == 0
    before = build_network(SMALL, torch.Generator().manual_seed(derived_seed(4, WEIGHTS_STREAM)))
    moved = tensors(one)["lsdm.proposals.bias"] - before.lsdm.proposals.bias
    assert moved[2] < -0.01
    assert moved[2] == moved.min()


# Learning.

PLANTED = ((6, 9, 13, "macro"), (20, 22, 26, "micro"))
OVERFIT = FesnetConfig(**{**TINY, "clip_frames": 32, "clip_stride": 16}, mirrored=False, lsdm_epochs=0, epochs=60,
                       batch_size=1, learning_rate=0.02, learning_rate_decay=0.96)  # fmt: skip


@pytest.fixture(scope="module")
def overfitted(video, tmp_path_factory):
    """A video of one clip, and the method that learned it by heart, whose network is really exported."""
    one, out = video("ann", *PLANTED, n_rows=32), tmp_path_factory.mktemp("overfitted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EXPORT, to_onnx)
        made = new_method("fesnet", asdict(OVERFIT)).fit([one], out=out, seed=2, origin=ORIGIN)
    return one, made


def test_one_clip_is_learned_by_heart(overfitted):
    one, method = overfitted
    assert method.checkpoint.fitted["clips"] == 1
    track = method.decode(method.score(one.features))
    assert [(e.onset, e.offset, e.kind) for e in track.expressions] == [
        (onset, offset, kind) for onset, _, offset, kind in PLANTED
    ]
    assert min(e.score for e in track.expressions) > 0.6


def test_the_weights_of_the_checkpoint_are_the_network_that_scores(overfitted):
    one, method = overfitted
    loaded = load_method("fesnet", weights=[method.checkpoint.path])
    kept = {field.name: getattr(OVERFIT, field.name) for field in fields(FesnetConfig)}
    assert asdict(loaded.config) == kept
    scores = loaded.score(one.features)
    frames = torch.from_numpy(one.features["micro"].values.astype(np.float32))[np.newaxis]
    with torch.no_grad():
        logits = trained_network(method.checkpoint, OVERFIT)(frames)[0]
    for first, part in ((0, ""), (3, "/spatial")):
        expected = torch.softmax(logits[:, first : first + 3], dim=1).numpy()
        for kind in KINDS:
            values, valid = scores.channel(kind + part)
            assert valid.all()
            np.testing.assert_allclose(values, expected[:, LABELS.index(kind)], atol=1e-4)


def area_under_curve(scores, positive):
    above = scores[positive][:, None] - scores[~positive][None, :]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def held_out_area(video, trained, out, seed, *, shuffled):
    """Mean area under the curves of the classes on two videos that were not learned from, after four that were."""
    rng, made = np.random.default_rng(seed), []
    for number in range(6):
        first, second = int(rng.integers(1, 6)), int(rng.integers(16, 22))
        order = rng.permutation(KINDS).tolist()
        shown = [(first, first, first + 7, order[0]), (second, second, second + 7, order[1])]
        truth = shown
        if shuffled and number < 4:
            names = rng.permutation(["neutral"] * 16 + ["macro"] * 8 + ["micro"] * 8).tolist()
            truth = [(row, row, row, name) for row, name in enumerate(names) if name != "neutral"]
        made.append(video(f"{seed} {number}", *truth, shown=shown, n_rows=32, strength=180))
    config = FesnetConfig(**TINY, use_mtam=False, lsdm_epochs=0, epochs=6, batch_size=4, learning_rate=0.02,
                          learning_rate_decay=0.75)  # fmt: skip
    network = trained_network(trained(out / f"{seed} {shuffled}", config, made[:4], seed=seed), config)
    clips = np.concatenate([one.features["micro"].values.reshape(4, 8, 112, 112, 3) for one in made[4:]])
    with torch.no_grad():
        shares = torch.softmax(network(torch.from_numpy(clips.astype(np.float32)))[..., :3], dim=2).flatten(0, 1)
    labels = np.concatenate([frame_labels(one.truth) for one in made[4:]])
    return np.mean([area_under_curve(shares[:, label].numpy(), labels == label) for label in range(3)])


def test_shuffled_labels_teach_nothing_and_true_ones_do(video, trained, tmp_path):
    assert min(held_out_area(video, trained, tmp_path, seed, shuffled=False) for seed in range(2)) > 0.95
    # Eight seeds gave areas with a standard deviation of 0.09, so the mean of five lies within 0.15 of a half.
    areas = [held_out_area(video, trained, tmp_path, seed, shuffled=True) for seed in range(5)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.15), areas
    assert max(areas) < 0.8, areas


# What is written.


def test_the_checkpoint_says_what_it_was_trained_with(checkpoint):
    found = read_checkpoint(checkpoint.path, method="fesnet")
    assert found == checkpoint
    assert (found.method, found.kind, found.path.name) == ("fesnet", None, "both")
    default = asdict(FesnetConfig())
    always = {name: default[name] for name in ("rows_per_second", "smoothing_s", "landmarks_every")}
    changed = {name: value for name, value in asdict(SMALL).items() if value != default[name]}
    assert found.config == {**always, **changed}
    fitted = dict(found.fitted)
    for stage, n_epochs in (("lsdm_history", 1), ("history", 2)):
        epochs = fitted.pop(stage)
        assert len(epochs) == n_epochs
        assert all(math.isfinite(one["loss"]) and one["validation_loss"] is None for one in epochs)
    n_inside = {"macro": 9 + 14, "micro": 5 + 6}
    assert fitted == {"kinds": ["macro", "micro"], "clips": 10, "started_from": None, "validation_subjects": [],
                      "rows": {"neutral": 80 - 23 - 11, **n_inside}}  # fmt: skip
    origin = dict(found.origin)
    assert origin.pop("facespot_version") is not None
    assert {name: value for name, value in origin.items() if value is not None} == {**ORIGIN, "seed": 4}


def test_settings_of_the_training_reach_the_checkpoint_those_of_spotting_do_not(trained, tmp_path):
    changes = {"gamma": 0.3, "lsdm_epochs": 0, "epochs": 1, "use_mtam": False, "class_weights": "root"}
    spotting = {"least_s": 0.2, "close_s": 0.0, "peak_threshold": 0.4}
    one = trained(tmp_path, replace(SMALL, **changes, **spotting))
    assert changes.items() <= one.config.items()
    assert not spotting.keys() & one.config.keys()
    # The stride must fit the clips.
    assert one.config["clip_stride"] == 4


class Stopped(Exception):  # noqa: N818 - no error: a kill
    pass


def test_the_progress_is_one_of_both_stages(undisturbed):
    _, told = undisturbed
    # An epoch of 4 of 8 frames is a fifth of all: 2 steps, then 6.
    shares = [0.1, 0.2, *(0.2 + 0.8 * step / 6 for step in range(1, 7))]
    assert told == [("both", round(1000 * share), 1000) for share in shares]


@pytest.mark.parametrize("at", [1, 2, 3, 5])
def test_a_training_that_was_stopped_goes_on_from_its_state(undisturbed, trained, tmp_path, monkeypatch, at):
    checkpoint, told = undisturbed
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_STATES", -1.0)
    steps = []

    def stop(*progress):
        steps.append(progress)
        if len(steps) == at:
            raise Stopped

    with pytest.raises(Stopped):
        trained(tmp_path, on_progress=stop)
    assert not (tmp_path / "both").exists()
    steps.clear()
    resumed = trained(tmp_path, on_progress=lambda *progress: steps.append(progress))
    # A step that was not kept is taken again.
    assert steps == told[at - 1 :]
    assert resumed.digest == checkpoint.digest


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(checkpoint, trained, tmp_path):
    same, other = trained(tmp_path / "same"), trained(tmp_path / "other", seed=5)
    assert same.digest == checkpoint.digest
    assert (same.path / "weights.safetensors").read_bytes() != (other.path / "weights.safetensors").read_bytes()


@pytest.fixture
def steps_from(checkpoint, trained, tmp_path):
    """Counts the steps that a training takes where the states of the fixture's one lie."""

    def count(*arguments, **options):
        for state in checkpoint.path.parent.glob("*.state.safetensors"):
            shutil.copy(state, tmp_path / state.name)
        steps = []
        trained(tmp_path, *arguments, on_progress=lambda *progress: steps.append(progress), **options)
        return len(steps)

    return count


@pytest.mark.parametrize(
    ("changes", "anew"),
    [
        ({"learning_rate": 0.02}, True),
        ({"gamma": 0.1}, True),
        ({"normalisation": "fixed"}, True),
        ({"lsdm_frames": 5}, True),
        ({"smoothing_s": 0.1}, True),
        ({"clip_stride": 8, "least_s": 0.2, "close_s": 0.3, "peak_threshold": 0.5}, False),
    ],
    ids=str,
)
def test_only_a_setting_of_the_training_begins_anew(steps_from, changes, anew):
    assert steps_from(replace(SMALL, **changes)) == (N_STEPS if anew else 0)


def test_another_truth_other_types_or_other_features_begin_anew(steps_from, people, with_features):
    ann, ben = people()
    first, second = ben.truth.expressions
    moved = replace(ben, truth=replace(ben.truth, expressions=(replace(first, offset=first.offset + 1), second)))
    other = with_features(ben, source="another digest")
    assert steps_from(videos=[ann, moved]) == steps_from(videos=[ann, other]) == N_STEPS
    assert steps_from(kinds=("macro",)) == N_STEPS
    assert steps_from(videos=[ann, replace(ben, subject="bea")]) == N_STEPS


# A start.


@pytest.fixture(scope="module")
def starts(trained, tmp_path_factory):
    """Two checkpoints of the same widths with other weights."""
    folder = tmp_path_factory.mktemp("starts")
    config = replace(SMALL, lsdm_epochs=0, epochs=1, learning_rate=0.05)
    return [trained(folder / str(seed), config, seed=seed) for seed in (11, 12)]


def test_the_weights_of_the_start_are_gone_on_from(trained, people, starts, tmp_path):
    config = replace(SMALL, start_from=str(starts[0].path))
    one = trained(tmp_path, config)
    alone, history, network = train_by_hand(people(), config, KINDS, start=starts[0])
    assert losses(one, "lsdm_history") == pytest.approx(alone, rel=1e-4)
    assert losses(one) == pytest.approx(history, rel=1e-2)
    assert answers_differ_by(one, network, config, people()) < 0.02
    assert one.fitted["started_from"] == starts[0].digest
    assert "start_from" not in one.config
    for file in one.path.iterdir():
        assert str(starts[0].path).encode() not in file.read_bytes()
    # Seed and videos are those of the start: only the weights tell them apart.
    other = trained(tmp_path / "other", replace(config, start_from=str(starts[1].path)))
    assert losses(one) != pytest.approx(losses(other), rel=1e-4)


def test_another_start_begins_anew_another_place_of_it_does_not(trained, starts, tmp_path):
    def steps_with(start):
        steps, config = [], replace(SMALL, start_from=str(start) if start else "")
        made = trained(tmp_path / "out", config, on_progress=lambda *progress: steps.append(progress))
        return len(steps), made.digest

    found, digest = steps_with(starts[0].path)
    assert found == N_STEPS
    shutil.copytree(starts[0].path, tmp_path / "moved")
    assert steps_with(tmp_path / "moved") == (0, digest)
    found, other = steps_with(starts[1].path)
    assert (found, other == digest) == (N_STEPS, False)
    assert steps_with(None)[0] == N_STEPS


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"channels": 12}, "lsdm.positions"),
        ({"temporal_channels": 7}, "mtam.layers.0.convolution.weight"),
        ({"depth": 2}, "lsdm.attention.1.norm.weight"),
        ({"use_mtam": False}, "mtam.blocks.0.first.bias"),
    ],
    ids=str,
)
def test_a_start_of_other_widths_is_refused(trained, starts, tmp_path, changes, name):
    with pytest.raises(WeightsError) as caught:
        trained(tmp_path / "out", replace(SMALL, start_from=str(starts[0].path), **changes))
    assert str(caught.value) == (
        f"{starts[0].path}: {name} does not fit the network; start from weights of a network of the same widths"
    )
    assert not (tmp_path / "out" / "both").exists()


def test_a_start_that_is_missing_damaged_or_of_another_method_is_refused(trained, starts, tmp_path):
    def refused(start, *words):
        with pytest.raises(WeightsError) as caught:
            trained(tmp_path / "out", replace(SMALL, start_from=str(start)))
        assert "\n" not in str(caught.value)
        assert all(word in str(caught.value) for word in (str(start), *words)), caught.value

    refused(tmp_path / "nowhere", "the checkpoint folder does not exist", "check the path")
    weights = read_weights(starts[0])
    write_checkpoint(tmp_path / "mean", method="mean", kind="micro", config={}, fitted={}, origin={}, onnx_bytes=b"x",
                     weights=weights)  # fmt: skip
    refused(tmp_path / "mean", "weights of 'mean', not of 'fesnet'")
    shutil.copytree(starts[0].path, tmp_path / "damaged")
    (tmp_path / "damaged" / "weights.safetensors").write_bytes(b"cut short")
    refused(tmp_path / "damaged", "weights.safetensors", "changed after it was written")
    assert not (tmp_path / "out" / "both").exists()


# Who is held back, and what cannot be learned from.


def test_who_is_held_back_tells_when_to_stop(trained, people, tmp_path):
    config = replace(SMALL, epochs=2, patience=1, validation_share=0.3)
    one = trained(tmp_path, config, people(*TRUTH))
    assert len(one.fitted["validation_subjects"]) == 1
    assert one.fitted["clips"] == 10
    assert sum(one.fitted["rows"].values()) == 80
    assert all(math.isfinite(epoch["validation_loss"]) for epoch in one.fitted["history"])
    words = "'patience': 'ann' is the only training subject, and one must be held back; give 0"
    with pytest.raises(SettingsError, match=words):
        trained(tmp_path / "alone", config, people("ann"))


def test_what_cannot_be_learned_from_is_said_so(trained, people, tmp_path):
    unseen = range(4, 30)
    with pytest.raises(SettingsError, match="no expression of the training videos has a usable frame"):
        trained(tmp_path, videos=people("ann", gap=unseen))
    with pytest.raises(SettingsError, match="the videos hold no expression"):
        trained(tmp_path, videos=people("ann", kinds=()))
    config = replace(SMALL, patience=1)
    (held_back,) = validation_subjects(list(TRUTH), config, seed=4)
    videos = [people(name, gap=range(40) if name == held_back else ())[0] for name in TRUTH]
    with pytest.raises(SettingsError, match=f"no frame of the held-back subjects \\({held_back}\\) is usable"):
        trained(tmp_path, config, videos)
    assert not (tmp_path / "both").exists()


@pytest.mark.parametrize("lsdm_epochs", [0, 1])
def test_a_loss_that_explodes_names_the_setting(trained, tmp_path, monkeypatch, lsdm_epochs):
    monkeypatch.setattr(
        "facespot.methods.fesnet.fitting.total_loss", lambda stages, *_: stages.final.sum() * float("inf")
    )
    with pytest.raises(SettingsError, match="learning_rate"):
        trained(tmp_path, replace(SMALL, lsdm_epochs=lsdm_epochs))
    assert not (tmp_path / "both").exists()


def test_the_description_holds_no_path_and_no_time(checkpoint, tmp_path_factory):
    content = (checkpoint.path / "method.json").read_text()
    assert str(tmp_path_factory.getbasetemp()) not in content
    assert json.loads(content)["config"].keys() <= asdict(SMALL).keys()
