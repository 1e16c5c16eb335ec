"""Videos are spotted once: kept results are found again, and only by what would have given the same."""

from dataclasses import replace

import pytest

from facespot.datasets import load_dataset
from facespot.errors import SettingsError
from facespot.experiments.bench import spotting
from facespot.experiments.bench.spotting import Spotter, code_digest, identify, spot_all
from facespot.pipeline import RunSettings, spot
from facespot.values import Result

STRAIN = Spotter("strain", settings={"flow": "dis"})


@pytest.fixture(scope="module")
def recordings(small_corpus):
    return load_dataset("own_data", small_corpus).recordings[:2]


@pytest.fixture(scope="module")
def identity():
    return identify(STRAIN)


@pytest.fixture(scope="module")
def results(recordings, identity, small_cache):
    return spot_all(recordings, STRAIN, identity, cache=small_cache, workers=1)


@pytest.fixture
def no_spotting(monkeypatch):
    """Whoever spots a video now fails."""

    def refuse(*_, **__):
        raise SettingsError("spot", "it was called", "do not")

    monkeypatch.setattr(spotting, "spot", refuse)


def test_they_are_what_spot_gives(recordings, results, small_cache):
    for recording, found in zip(recordings, results, strict=True):
        run = RunSettings(cache=small_cache, workers=1)
        plain = spot(recording.path, method="strain", settings={"flow": "dis"}, run=run)
        assert found.track.video == recording.id
        assert found.track.expressions == plain.track.expressions
        assert found.failure is None
    assert any(found.track.expressions for found in results)


@pytest.mark.usefixtures("no_spotting")
def test_a_second_run_spots_nothing(recordings, identity, results, small_cache):
    calls = []
    again = spot_all(recordings, STRAIN, identity, cache=small_cache, workers=1,
                     on_progress=lambda *done: calls.append(done))  # fmt: skip
    assert again == results
    assert calls == [(1, 2), (2, 2)]


@pytest.mark.usefixtures("no_spotting")
def test_other_settings_or_another_code_spot_anew(recordings, results, small_cache, monkeypatch):
    other = replace(STRAIN, settings={"flow": "dis", "p": "0.4"})
    (first, _) = spot_all(recordings, other, identify(other), cache=small_cache, workers=1)
    assert first.failure == "spot: it was called; do not"
    assert first.track.expressions == ()
    monkeypatch.setattr(spotting, "code_digest", lambda: "changed")
    (first, _) = spot_all(recordings, STRAIN, identify(STRAIN), cache=small_cache, workers=1)
    assert first.failure is not None


def test_one_video_that_fails_does_not_stop_the_others(recordings, identity, results, small_cache, tmp_path):
    broken = replace(recordings[0], path=tmp_path / "none.mp4")
    first, second = spot_all([broken, recordings[1]], STRAIN, identity, cache=small_cache, workers=1)
    assert "none.mp4" in first.failure
    assert first.track.timebase == broken.timebase
    assert second == results[1]


def test_weights_are_part_of_the_identity(random_checkpoints):
    both = identify(Spotter("softnet", tuple(random_checkpoints)))
    one = identify(Spotter("softnet", tuple(random_checkpoints[:1])))
    assert len(both.weights_sha256) == 2
    assert both.weights_sha256[0] == one.weights_sha256[0]
    assert both.spec.digest() != one.spec.digest()
    assert both.kinds == ("macro", "micro")
    assert both.spec == identify(Spotter("softnet", tuple(random_checkpoints))).spec


def test_a_recognizer_is_part_of_it_too(random_mean_checkpoint):
    alone = identify(Spotter("strain"))
    named = identify(Spotter("strain", recognize="mean", recognize_weights=(random_mean_checkpoint,)))
    assert len(named.weights_sha256) == 1
    assert named.spec.digest() != alone.spec.digest()


def test_the_code_is_hashed_with_its_names(tmp_path):
    def package(content, name="spotting.py"):
        root = tmp_path / f"{name}-{content}"
        for part in spotting.DECIDES:
            path = root / part
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix:
                path.write_text("x")
            else:
                path.mkdir()
        (root / "pipeline" / name).write_text(content)
        (root / "cli").mkdir()
        (root / "cli" / "main.py").write_text(content)
        return root

    digests = [code_digest(package(*one)) for one in (("a",), ("b",), ("a", "other.py"))]
    assert len(set(digests)) == 3
    root = package("c")
    before = code_digest(root)
    (root / "cli" / "main.py").write_text("prints more")
    assert code_digest(root) == before
    assert code_digest() == code_digest()


@pytest.mark.parametrize("said", [True, False, None])
def test_what_the_result_says_of_its_quality_is_kept(recordings, tmp_path, monkeypatch, said):
    document = spotting.result_document
    monkeypatch.setattr(spotting, "result_document", lambda result: {**document(result), "micro_reliable": said})
    monkeypatch.setattr(spotting, "spot", lambda *_, **__: Result(recordings[0].truth, None, (), {}))
    (found,) = spot_all(recordings[:1], STRAIN, identify(STRAIN), cache=tmp_path, workers=1)
    assert found.micro_reliable is said
