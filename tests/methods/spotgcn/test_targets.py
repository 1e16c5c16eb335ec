"""Targets of frames by examples made by hand."""

from math import exp

import numpy as np
import pytest

from facespot.methods.spotgcn.config import SpotgcnConfig
from facespot.methods.spotgcn.targets import frame_targets, join_targets
from facespot.values import Expression, Timebase, Track

CONFIG = SpotgcnConfig()  # widened by 3 (macro) and 1 (micro), sigma 4
MACRO, MICRO = 0, 1  # columns


def truth(*expressions, n_frames=400):
    made = tuple(Expression(onset, apex, offset, kind) for onset, apex, offset, kind in expressions)
    return Track("made up", Timebase(30.0, n_frames), made)


def marks(boundary):
    return "".join("<>."[one] for one in boundary)


def test_a_macro_expression_is_widened_by_three_frames_to_both_sides():
    found = frame_targets(truth((8, 14, 22, "macro")), np.arange(30), CONFIG)
    assert marks(found.boundary[:, MACRO]) == ".....<<<<<<<.......>>>>>>>...."
    bell = [exp(-(d**2) / 32) if abs(d) <= 3 else 0.0 for d in range(-14, 16)]
    np.testing.assert_allclose(found.apex[:, MACRO], bell, rtol=1e-6)
    assert np.flatnonzero(found.action[:, MACRO]).tolist() == list(range(8, 23))
    assert found.frame_type.tolist() == [0] * 8 + [1] * 15 + [0] * 7
    assert marks(found.boundary[:, MICRO]) == "." * 30
    assert not found.apex[:, MICRO].any()
    assert not found.action[:, MICRO].any()
    assert found.boundary.dtype == found.frame_type.dtype == np.int64
    assert found.apex.dtype == found.action.dtype == np.float32


def test_a_micro_expression_is_widened_by_one():
    found = frame_targets(truth((3, 6, 10, "micro")), np.arange(14), CONFIG)
    assert marks(found.boundary[:, MICRO]) == "..<<<....>>>.."
    np.testing.assert_allclose(found.apex[4:9, MICRO], [0, exp(-1 / 32), 1, exp(-1 / 32), 0], rtol=1e-6)
    assert found.frame_type.tolist() == [0] * 3 + [2] * 8 + [0] * 3


def test_settings_widen_and_narrow():
    config = SpotgcnConfig(micro_widening=0, macro_widening=1, apex_sigma=1.0)
    found = frame_targets(truth((3, 5, 8, "micro"), (3, 5, 8, "macro")), np.arange(12), config)
    assert marks(found.boundary[:, MICRO]) == "...<....>..."
    assert marks(found.boundary[:, MACRO]) == "..<<<..>>>.."
    assert found.apex[:, MICRO].tolist() == [0.0] * 5 + [1.0] + [0.0] * 6
    assert found.apex[4, MACRO] == pytest.approx(exp(-0.5))


@pytest.mark.parametrize(
    ("onset", "offset", "expected"),
    [
        (8, 12, ".....<<<<<<>>>>>...."),  # the middle frame is as near to both: the onset's
        (8, 11, ".....<<<<<>>>>>....."),
        (8, 8, ".....<<<<<<<........"),
    ],
)
def test_where_onset_and_offset_meet_the_nearer_one_wins(onset, offset, expected):
    found = frame_targets(truth((onset, onset, offset, "macro")), np.arange(20), CONFIG)
    assert marks(found.boundary[:, MACRO]) == expected


def test_neighbours_of_a_type_share_the_frames_between_them():
    found = frame_targets(truth((2, 4, 8, "macro"), (12, 14, 18, "macro")), np.arange(22), CONFIG)
    assert marks(found.boundary[:, MACRO]) == "<<<<<<>>>><<<<<<>>>>>>"
    # Each apex has its own bell; where both reach, the larger one counts.
    close = frame_targets(truth((2, 4, 5, "macro"), (6, 8, 9, "macro")), np.arange(12), CONFIG)
    expected = [
        max(exp(-((row - apex) ** 2) / 32) if abs(row - apex) <= 3 else 0 for apex in (4, 8)) for row in range(12)
    ]
    np.testing.assert_allclose(close.apex[:, MACRO], expected, rtol=1e-6)


@pytest.mark.parametrize(("offset", "middle"), [(10, 6), (11, 6)])
def test_an_unknown_apex_is_the_middle(offset, middle):
    found = frame_targets(truth((2, None, offset, "micro")), np.arange(16), CONFIG)
    assert np.flatnonzero(found.apex[:, MICRO] == 1).tolist() == [middle]


def test_a_frame_in_both_is_micro():
    found = frame_targets(truth((2, 8, 14, "macro"), (5, 6, 8, "micro")), np.arange(18), CONFIG)
    assert found.frame_type.tolist() == [0] * 2 + [1] * 3 + [2] * 4 + [1] * 6 + [0] * 3
    assert found.action[6].tolist() == [1.0, 1.0]


def test_true_frames_go_to_the_nearest_picked_one():
    frames = np.arange(0, 140, 7)  # 200 fps, every 7th
    # 24 is nearer to 21, 38 to 35, 66 to 63.
    found = frame_targets(truth((24, 38, 66, "micro")), frames, CONFIG)
    assert marks(found.boundary[:, MICRO]) == "..<<<...>>>" + "." * 9
    assert np.flatnonzero(found.apex[:, MICRO] == 1).tolist() == [5]
    assert np.flatnonzero(found.action[:, MICRO]).tolist() == list(range(3, 10))
    by_hand = [int(np.argmin(np.abs(frames - frame))) for frame in range(130)]
    for frame in range(1, 130):
        one = frame_targets(truth((frame, frame, frame, "micro")), frames, CONFIG)
        assert np.flatnonzero(one.action[:, MICRO]).tolist() == [by_hand[frame]]
    # Of two equally near the earlier one.
    even = frame_targets(truth((5, 5, 5, "micro")), np.array([4, 6, 8]), CONFIG)
    assert even.action[:, MICRO].tolist() == [1, 0, 0]


def test_frames_of_a_stretch_keep_their_place():
    whole = frame_targets(truth((108, 114, 122, "macro")), np.arange(140), CONFIG)
    part = frame_targets(truth((108, 114, 122, "macro")), np.arange(100, 140), CONFIG)
    for name in ("boundary", "apex", "action", "frame_type"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[100:])
    np.testing.assert_array_equal(whole.of_rows(np.arange(100, 140)).apex, part.apex)


@pytest.mark.parametrize("first", range(0, 150, 3))
def test_what_lies_outside_is_cut_off_as_if_the_rows_went_on(first):
    track = truth((50, 60, 70, "macro"), (80, 83, 90, "micro"), (100, None, 104, "micro"))
    frames = np.arange(first, first + 21)
    whole = frame_targets(track, np.arange(200), CONFIG).of_rows(frames)
    part = frame_targets(track, frames, CONFIG)
    for name in ("boundary", "apex", "action", "frame_type"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name))


def test_a_last_frame_that_was_not_picked_belongs_to_the_last_row():
    frames = np.arange(0, 92, 7)  # the last one is 91
    found = frame_targets(truth((80, 87, 94, "micro")), frames, CONFIG)
    assert np.flatnonzero(found.action[:, MICRO]).tolist() == [11, 12, 13]
    assert marks(found.boundary[:, MICRO])[-4:] == "<<<>"
    far = frame_targets(truth((80, 87, 200, "micro")), frames, CONFIG)
    assert marks(far.boundary[:, MICRO])[-4:] == "<<<."
    assert np.flatnonzero(far.action[:, MICRO]).tolist() == [11, 12, 13]


def test_no_rows_one_row_and_no_expression():
    track = truth((3, 3, 3, "micro"))
    assert frame_targets(track, np.arange(0), CONFIG).boundary.shape == (0, 2)
    one = frame_targets(track, np.array([3]), CONFIG)
    assert (one.boundary[0, MICRO], one.apex[0, MICRO], one.action[0, MICRO], one.frame_type[0]) == (0, 1, 1, 2)
    assert frame_targets(track, np.array([9]), CONFIG).frame_type.tolist() == [0]
    nothing = frame_targets(truth(), np.arange(4), CONFIG)
    assert (nothing.boundary == 2).all()
    assert not nothing.apex.any()
    assert not nothing.action.any()


def test_targets_of_videos_follow_one_another():
    parts = [frame_targets(truth((3, 4, 6, kind)), np.arange(n), CONFIG) for kind, n in (("micro", 9), ("macro", 7))]
    joined = join_targets(parts)
    assert joined.boundary.shape == (16, 2)
    np.testing.assert_array_equal(joined.apex[9:], parts[1].apex)
    assert joined.frame_type.tolist() == [0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 1, 1, 1, 1]
