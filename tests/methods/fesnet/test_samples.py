"""What a batch of clips holds: pixels and classes against plain loops, which frames count, mirrored and shortened."""

from dataclasses import replace

import numpy as np
import pytest

from facespot.methods.fesnet.config import FesnetConfig
from facespot.methods.fesnet.samples import clip_samples
from facespot.values import KINDS, Expression, Track

SMALL = FesnetConfig(clip_frames=8, clip_stride=4, training_stride=3)
NUMBER = {"neutral": 0, "macro": 1, "micro": 2}
ANN = ((4, 7, 12, "macro"), (25, 27, 29, "micro"))
BEN = ((0, 3, 5, "micro"), (10, 14, 20, "macro"))


def samples_of(videos, kinds=KINDS, *, mirrored=False, config=SMALL, **options):
    return clip_samples(videos, config, kinds, mirrored=mirrored, **options)


def whole(samples, seed=0):
    """All clips in one batch."""
    return samples.batch(np.arange(len(samples)), np.random.default_rng(seed))


def plain_class(truth, frame):
    """Name of the class of a frame; where two types overlap it is micro."""
    there = {one.kind for one in truth.expressions if one.onset <= frame <= one.offset}
    return "micro" if "micro" in there else "macro" if there else "neutral"


@pytest.fixture
def plain_batch(plain_clips):
    """Makes pixels, classes and what counts of all clips of a video, frame by frame."""

    def batch(video, kinds, length=8, stride=3):
        features = next(iter(video.features.values()))
        frames, classes, counted = [], [], []
        for first, last in plain_clips(features.valid, length, stride):
            for row in range(first, first + length):
                used = min(row, last)
                name = plain_class(video.truth, features.frames[used])
                frames.append(features.values[used])
                classes.append(NUMBER[name])
                counted.append(row <= last and name in ("neutral", *kinds))
        return (np.array(frames).reshape(-1, length, 112, 112, 3), np.array(classes).reshape(-1, length),
                np.array(counted).reshape(-1, length))  # fmt: skip

    return batch


def on_disk(video, with_features, folder):
    """The video with its faces in a file, mapped to memory."""
    path = folder / f"{video.subject}.npy"
    np.save(path, video.features["micro"].values)
    return with_features(video, values=np.load(path, mmap_mode="r"))


def test_batches_are_those_of_a_plain_loop_over_the_mapped_files(video, plain_batch, with_features, tmp_path):
    videos = [video("ann", *ANN, gap=[0, 15, 16]), video("ben", *BEN, gap=[5, 9, 22]), video("cid", kinds=())]
    samples = samples_of([on_disk(one, with_features, tmp_path) if one.features else one for one in videos])
    expected = [np.concatenate(part) for part in zip(*(plain_batch(one, KINDS) for one in videos[:2]), strict=True)]
    assert len(samples) == len(expected[0])
    # Ben's rows 6 to 8 are fewer than a clip.
    assert not expected[2].all()
    order = np.random.default_rng(1).permutation(len(samples))
    for indices in (order, order[:5], order[-1:]):
        found = samples.batch(indices, np.random.default_rng(0))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other[indices])
        assert [one.dtype for one in found] == [np.float32, np.int64, np.bool_]


def test_what_is_done_to_a_batch_stays_in_it(video, plain_batch, with_features, tmp_path):
    one = on_disk(video("ann", *ANN), with_features, tmp_path)
    values = one.features["micro"].values
    before, samples = values.copy(), samples_of([one])
    for array in whole(samples):
        array[:] = 1
    np.testing.assert_array_equal(values, before)
    np.testing.assert_array_equal(whole(samples)[0], plain_batch(one, KINDS)[0])
    assert isinstance(values, np.memmap)
    assert not values.flags.writeable


def test_a_gap_is_in_no_clip_and_a_short_run_is_padded(video):
    samples = samples_of([video("ann", ANN[0], n_rows=20, gap=[3, 17])])
    frames, classes, counted = whole(samples)
    # Rows 0..2; 4..11, 7..14, 9..16; 18, 19.
    assert len(samples) == 5
    assert counted.sum(axis=1).tolist() == [3, 8, 8, 8, 2]
    for clip, length in ((0, 3), (4, 2)):
        assert counted[clip].tolist() == [True] * length + [False] * (8 - length)
        assert (frames[clip, length:] == frames[clip, length - 1]).all()
        assert (classes[clip, length:] == classes[clip, length - 1]).all()
    assert frames.reshape(-1, 112 * 112 * 3).any(axis=1).all(), "a gap is black"


def test_a_long_training_stride_skips_rows_and_the_last_clip_ends_with_the_run(video):
    one = video("ann", *ANN, n_rows=40)
    config = replace(SMALL, training_stride=12)
    frames, _, counted = whole(samples_of([one], config=config))
    values = one.features["micro"].values
    for clip, first in zip(frames, (0, 12, 24, 32), strict=True):
        np.testing.assert_array_equal(clip, values[first : first + 8])
    assert counted.all()
    # Rows 8 to 11 and 20 to 23 are in none; those of 24 to 31 are there once.
    assert samples_of([one], config=config).class_counts.tolist() == [32 - 5 - 5, 5, 5]


# Mirrored.


def test_half_of_the_clips_are_mirrored_image_and_all(video):
    videos, config = [video("ann", *ANN), video("ben", *BEN)], replace(SMALL, training_stride=8)
    plain, mirrored = samples_of(videos, config=config), samples_of(videos, config=config, mirrored=True)
    indices = np.tile(np.arange(len(plain)), 6)
    frames, classes, counted = plain.batch(indices, np.random.default_rng(0))
    found = mirrored.batch(indices, np.random.default_rng(7))
    expected = np.random.default_rng(7).random(len(indices)) < 0.5
    assert 0.4 < expected.mean() < 0.6
    for one, other, flipped in zip(found[0], frames, expected, strict=True):
        np.testing.assert_array_equal(one, np.flip(other, axis=2) if flipped else other)
        assert not np.array_equal(other, np.flip(other, axis=2))
    np.testing.assert_array_equal(found[1], classes)
    np.testing.assert_array_equal(found[2], counted)


def test_which_clips_are_mirrored_comes_from_the_generator_alone(video):
    samples = samples_of([video("ann", *ANN)], mirrored=True)
    first, again, other = (whole(samples, seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


# Classes.


def test_a_row_is_counted_once_however_many_clips_hold_it(video):
    videos = [video("ann", *ANN, gap=[8, 39]), video("ben", *BEN, n_rows=30, gap=[27])]
    expected = dict.fromkeys(NUMBER, 0)
    for one in videos:
        features = one.features["micro"]
        for frame, valid in zip(features.frames, features.valid, strict=True):
            expected[plain_class(one.truth, frame)] += valid
    for stride in (1, 3, 8):
        samples = samples_of(videos, config=replace(SMALL, training_stride=stride))
        assert samples.class_counts.tolist() == list(expected.values())
    assert expected["macro"] == 8 + 11


def test_picked_frames_have_the_class_of_their_own_frame(video, with_features):
    # Of 200 frames per second every third or fourth is a row, at 60 per second.
    one = video("ann", (2, 5, 9, "macro"), (20, 22, 24, "micro"), n_rows=30)
    frames = np.floor(np.arange(30) * 200 / 60 + 0.5).astype(np.int64)
    truth = Track("ann", replace(one.truth.timebase, fps=200.0, n_frames=100), (
        Expression(11, 20, 29, "macro"), Expression(66, 70, 83, "micro"),
    ))  # fmt: skip
    picked = replace(with_features(one, frames=frames, fps=60.0), truth=truth)
    _, classes, counted = whole(samples_of([picked], config=replace(SMALL, training_stride=8)))
    assert frames[:10].tolist() == [0, 3, 7, 10, 13, 17, 20, 23, 27, 30]
    inside = dict.fromkeys(range(4, 9), 1) | dict.fromkeys(range(20, 25), 2)
    assert frames[[20, 24, 25]].tolist() == [67, 80, 83]
    inside[25] = 2
    rows = [*range(24), *range(22, 30)]
    assert classes.ravel().tolist() == [inside.get(row, 0) for row in rows]
    assert counted.all()


@pytest.mark.parametrize("kind", KINDS)
def test_frames_of_a_type_that_is_not_learned_do_not_count(video, plain_batch, kind):
    (other,) = (one for one in KINDS if one != kind)
    one = video("ann", *ANN)
    for given, kinds in ((one, (kind,)), (replace(one, features={kind: one.features[kind]}), KINDS)):
        samples = samples_of([given], kinds)
        frames, classes, counted = whole(samples)
        expected = plain_batch(one, (kind,))
        for found, wanted in zip((frames, classes, counted), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
        assert (classes == NUMBER[other]).any(), "nor are they called neutral"
        assert not counted[classes == NUMBER[other]].any()
        assert samples.class_counts[NUMBER[other]] == 0


def test_what_is_learned_differs_from_video_to_video(video, plain_batch):
    videos = [video("ann", *ANN), video("ben", *BEN, kinds=("micro",))]
    samples = samples_of(videos)
    assert samples.class_counts.tolist() == [80 - 9 - 5 - 6 - 11, 9, 5 + 6]
    expected = np.concatenate([plain_batch(videos[0], KINDS)[2], plain_batch(videos[1], ("micro",))[2]])
    np.testing.assert_array_equal(whole(samples)[2], expected)


def test_where_both_types_overlap_a_frame_is_micro(video):
    one = video("ann", (5, 8, 14, "macro"), (10, 11, 17, "micro"), n_rows=20)
    assert samples_of([one]).class_counts.tolist() == [7, 5, 8]
    assert samples_of([one], ("macro",)).class_counts.tolist() == [7, 5, 0]
    assert samples_of([one], ("micro",)).class_counts.tolist() == [7, 0, 8]


def test_videos_without_a_type_or_a_face_have_no_clip(video):
    nobody = video("ann", *ANN, gap=range(40))
    assert len(samples_of([nobody, video("ben", *BEN, kinds=())])) == 0
    assert len(samples_of([])) == 0
    assert samples_of([nobody]).class_counts.tolist() == [0, 0, 0]
    empty = video("cid", n_rows=0)
    assert len(samples_of([empty])) == 0


# A few frames of each clip.


def test_a_few_frames_are_the_first_and_others_in_order(video):
    videos = [video("ann", *ANN, gap=[15]), video("ben", *BEN)]
    frames, classes, counted = whole(samples_of(videos))
    found = whole(samples_of(videos, few=3), seed=5)
    places = []
    for clip in range(len(frames)):
        same = (frames[clip][np.newaxis] == found[0][clip][:, np.newaxis]).all(axis=(2, 3, 4))
        chosen = same.argmax(axis=1).tolist()
        assert same[range(3), chosen].all()
        np.testing.assert_array_equal(found[1][clip], classes[clip, chosen])
        np.testing.assert_array_equal(found[2][clip], counted[clip, chosen])
        places.append(chosen)
    assert all(first == 0 < second < third for first, second, third in places)
    assert {place for chosen in places for place in chosen} == set(range(8))
    again, other = (whole(samples_of(videos, few=3), seed=seed)[0] for seed in (5, 6))
    np.testing.assert_array_equal(found[0], again)
    assert not np.array_equal(found[0], other)


def test_few_and_mirrored_go_together_and_many_are_all(video):
    videos = [video("ann", *ANN)]
    plain = [whole(samples_of(videos, few=few), seed=2) for few in (0, 8, 50)]
    for one in plain[1:]:
        for part, other in zip(one, plain[0], strict=True):
            np.testing.assert_array_equal(part, other)
    short, mirrored = (whole(samples_of(videos, few=4, mirrored=flip), seed=2)[0] for flip in (False, True))
    same = [np.array_equal(one, other) for one, other in zip(short, mirrored, strict=True)]
    assert mirrored.shape == (len(same), 4, 112, 112, 3)
    flips = np.random.default_rng(2).random(len(same)) < 0.5
    assert flips.any()
    assert not any(one for one, flipped in zip(same, flips, strict=True) if flipped)


def test_padding_that_is_drawn_repeats_the_last_row_and_does_not_count(video):
    one = video("ann", n_rows=3)
    values, n_padded = one.features["micro"].values, set()
    samples = samples_of([one], few=5)
    for seed in range(6):
        frames, _, counted = whole(samples, seed)
        rows = np.array([[np.array_equal(frame, value) for value in values].index(True) for frame in frames[0]])
        known = rows[counted[0]].tolist()
        assert known == sorted(set(known))
        assert known[0] == 0
        assert (rows[len(known) :] == 2).all()
        assert not counted[0, len(known) :].any()
        n_padded.add(5 - len(known))
    assert n_padded <= {2, 3, 4}
    assert len(n_padded) > 1


def test_every_clip_is_seen_from_its_own_first_frame(video, plain_clips):
    """The discrepancy is to the clip's first frame, whichever frames are drawn."""
    one = video("ann", *ANN)
    values = one.features["micro"].values
    frames, *_ = whole(samples_of([one], few=2))
    for clip, (first, _) in zip(frames, plain_clips([True] * 40, 8, 3), strict=True):
        np.testing.assert_array_equal(clip[0], values[first])
