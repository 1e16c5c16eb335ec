"""Several corpora as one: unique videos, the same people under one name, strangers apart."""

import hashlib
import json
from pathlib import Path

import pytest

from facespot.datasets import load_dataset
from facespot.errors import FormatError, SettingsError
from facespot.experiments.several_corpora import folder_names, load_corpora, person

RENDERED = {"faces": "rendered", "face_model": {"name": "model.npz", "sha256": "f" * 64}}


def photographs(*digests):
    return {"faces": "photographs", "photos": [{"name": "a.png", "sha256": one * 64} for one in digests]}


@pytest.fixture
def corpus(tmp_path, small_corpus):
    """Makes a corpus of two people in the layout of ``facespot synth make``."""

    def make(name, preset="train-v1", seed=1, casting=RENDERED, digits=2):
        root = tmp_path / name
        (root / "videos").mkdir(parents=True)
        header = {"schema": "facespot.synth/1", "complete": True, "preset": preset, "seed": seed, "casting": casting}
        (root / "corpus.json").write_text(json.dumps(header))
        lines = ["subject,video,onset,apex,offset,type"]
        for number, known in enumerate(("ann", "ben"), start=1):
            subject = f"s{number:0{digits}d}"
            (root / "videos" / f"{subject}_v1.mp4").symlink_to(small_corpus / f"{known}.mp4")
            lines.append(f"{subject},videos/{subject}_v1.mp4,{10 * number},14,40,macro")
        (root / "annotation.csv").write_text("\n".join(lines) + "\n")
        return root

    return make


def people(*roots):
    return [one.subject for one in load_corpora("synth", roots).recordings]


def test_people_of_the_same_preset_and_seed_are_the_same_whatever_was_done_to_the_videos(corpus):
    roots = [corpus("train30"), corpus("train30-worse"), corpus("larger", digits=3)]
    assert people(*roots) == ["train-v1-1/s1", "train-v1-1/s2"] * 3


@pytest.mark.parametrize("changed", [{"seed": 2}, {"preset": "bench-v1"}, {"casting": photographs("a", "b")}])
def test_people_of_another_preset_seed_or_face_are_others(corpus, changed):
    assert len(set(people(corpus("train"), corpus("other", **changed)))) == 4


def test_people_of_photographs_are_known_by_the_photograph(corpus):
    first, again = (
        corpus("photos", casting=photographs("a", "b")),
        corpus("again", seed=9, casting=photographs("b", "c")),
    )
    assert people(first, again) == [f"photo-{one * 16}" for one in "abbc"]
    carrier = {"faces": "carrier video", "carrier": {"name": "talk.mp4", "sha256": "d" * 64}}
    assert people(corpus("carrier", casting=carrier))[0] == f"carrier-{'d' * 16}"


def test_people_of_other_data_sets_are_never_the_same(small_corpus, altered_corpus):
    loaded = load_corpora("own_data", [small_corpus, altered_corpus])
    first, second = small_corpus.name, altered_corpus.name
    assert [one.subject for one in loaded.recordings] == [
        f"{name}/{who}" for name in (first, second) for who in ("ann", "ben", "cid")
    ]


def test_videos_keep_all_but_their_names(corpus):
    roots = [corpus("one/faces"), corpus("two/faces", seed=2)]
    loaded = load_corpora("synth", roots)
    assert [one.id for one in loaded.recordings] == [
        f"{name}/videos/{who}_v1" for name in ("one/faces", "two/faces") for who in ("s01", "s02")
    ]
    sources = [one for root in roots for one in load_dataset("synth", root).recordings]
    for one, source in zip(loaded.recordings, sources, strict=True):
        assert (one.path, one.timebase, one.truth.expressions) == (
            source.path,
            source.timebase,
            source.truth.expressions,
        )
        assert one.truth.video == one.id
    assert loaded.documents() == [
        {"name": name, "corpus_sha256": hashlib.sha256((root / "corpus.json").read_bytes()).hexdigest()}
        for name, root in zip(("one/faces", "two/faces"), roots, strict=True)
    ]


def test_the_digest_of_the_truth_tells_other_annotations_and_people(corpus, small_corpus, altered_corpus):
    digests = [
        load_corpora("own_data", [small_corpus]).truth_digest(),
        load_corpora("own_data", [altered_corpus]).truth_digest(),
        load_corpora("synth", [corpus("a/train")]).truth_digest(),
        load_corpora("synth", [corpus("b/train", seed=2)]).truth_digest(),
    ]
    assert len(set(digests)) == 4
    assert load_corpora("synth", [corpus("c/train")]).truth_digest() == digests[2]


def test_weights_are_under_the_mit_licence_only_where_every_face_is_rendered(corpus, small_corpus):
    rendered, warped = corpus("rendered"), corpus("warped", casting=photographs("a", "b"))
    assert load_corpora("synth", [rendered]).licence == "MIT; trained on synthetic faces"
    assert load_corpora("synth", [rendered, warped]).licence == load_dataset("synth", warped).licence
    assert load_corpora("own_data", [small_corpus]).licence == load_dataset("own_data", small_corpus).licence


def test_a_video_that_is_not_there_is_named_with_its_corpus(corpus):
    root = corpus("train")
    (root / "videos" / "s02_v1.mp4").unlink()
    (name, reason), *others = load_corpora("synth", [root]).missing.items()
    assert name == "train/videos/s02_v1.mp4"
    assert "annotation.csv" in reason
    assert others == []


def test_no_corpus_and_the_same_one_twice_are_refused(corpus, tmp_path):
    root = corpus("train")
    (tmp_path / "link").symlink_to(root)
    for roots, words in (([], "no corpus"), ([root, root], "twice"), ([root, tmp_path / "link"], "twice")):
        with pytest.raises(SettingsError, match=words):
            load_corpora("synth", roots)


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ({"preset": "train-v1"}, "s01"),
        ({"preset": "train-v1", "seed": 1}, "ann"),
        ({"casting": photographs("a")}, "s02"),
        ({"casting": {"faces": "photographs", "photos": "none"}}, "s01"),
    ],
)
def test_a_header_that_does_not_tell_who_it_is_is_refused(header, subject):
    with pytest.raises(FormatError, match=f"who '{subject}' is"):
        person(header, subject, Path("train"))


def test_the_shortest_names_that_differ():
    folders = [Path(one) for one in ("/faces", "/a/faces", "/a/b/faces")]
    assert folder_names(folders) == ["faces", "a/faces", "b/faces"]
    assert len(set(folder_names([Path("/a/c"), Path("/b/c"), Path("/b/d")]))) == 3
