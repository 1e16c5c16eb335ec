"""Emotions are the FACS combinations of the literature, on blendshapes that the face model has."""

import numpy as np
import pytest

from facespot.datasets import parse_action_unit
from facespot.synth.emotions import (
    ACTION_SHAPES,
    EMOTIONS,
    WITHOUT_SIDES,
    UnitAction,
    add_weights,
    add_wrinkles,
    draw_actions,
)
from facespot.synth.wrinkles import WRINKLES


def test_prototypes_are_those_of_facs():
    first = {name: set(one.combinations[0]) for name, one in EMOTIONS.items()}
    assert first["happiness"] == {6, 12}
    assert first["disgust"] == {9, 10}
    assert first["surprise"] == {1, 2, 5, 26}
    assert first["anger"] == {4, 5, 7, 23}
    assert {4, 5, 7, 24} in map(set, EMOTIONS["anger"].combinations)
    assert first["sadness"] == {1, 4, 15}
    assert first["fear"] == {1, 2, 4, 20}
    assert set(EMOTIONS["contempt"].combinations) == {(12,), (14,)}
    assert all(len(units) == 1 for units in EMOTIONS["others"].combinations)


def test_every_unit_moves_shapes_of_the_model(face_model_path):
    from facespot.synth.face_model import load_face_model

    known = set(load_face_model(face_model_path).expression_delta)
    for unit in ACTION_SHAPES:
        weights, folds = {}, {}
        add_weights(weights, UnitAction(unit, 1.0, 1.0), 1.0)
        add_wrinkles(folds, UnitAction(unit, 1.0, 1.0), 1.0)
        assert weights
        assert set(weights) <= known
        assert set(folds) <= set(WRINKLES)
    assert known >= WITHOUT_SIDES


@pytest.mark.parametrize("unit", [1, 2, 4, 6, 9, 12])
def test_the_skin_folds_where_it_should(unit):
    assert ACTION_SHAPES[unit].wrinkles


def test_one_side_moves_one_half():
    weights, folds = {}, {}
    add_weights(weights, UnitAction(12, 0.0, 0.5), 0.5)
    add_wrinkles(folds, UnitAction(12, 0.0, 0.5), 0.5)
    assert all(name.endswith("_R") for name in weights)
    assert weights["mouthSmile_R"] == pytest.approx(0.25 * ACTION_SHAPES[12].shapes["mouthSmile"])
    assert folds["nasolabial"][0] == 0.0
    assert folds["nasolabial"][1] > 0.0


def test_a_unit_of_the_middle_has_no_side():
    assert UnitAction(26, 0.2, 0.8).sides == (0.8, 0.8)
    assert UnitAction(26, 0.0, 0.8).code == "26"


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_drawn_actions_belong_to_the_emotion(emotion):
    rng = np.random.default_rng(3)
    allowed = [set(units) for units in EMOTIONS[emotion].combinations]
    for _ in range(100):
        actions = draw_actions(emotion, rng, partial=0.5, one_sided=0.3)
        assert any({one.unit for one in actions} <= units for units in allowed)
        assert max(max(one.sides) for one in actions) == pytest.approx(1.0)
        codes = [parse_action_unit(one.code) for one in actions]
        if emotion == "contempt":
            assert all(code.side in ("L", "R") for code in codes)


def test_chance_keeps_its_promises():
    rng = np.random.default_rng(4)
    whole = [draw_actions("surprise", rng) for _ in range(300)]
    assert all(one.code[0] not in "LR" for actions in whole for one in actions)
    sided = [draw_actions("happiness", rng, one_sided=1.0)[1].code for _ in range(100)]
    assert set(sided) == {"L12", "R12"}
    partial = [draw_actions("happiness", rng, partial=1.0) for _ in range(50)]
    assert {len(actions) for actions in partial} == {1}


def test_impossible_actions_are_refused():
    with pytest.raises(ValueError, match="action unit 45"):
        UnitAction(45, 1.0, 1.0)
    with pytest.raises(ValueError, match="are outside 0"):
        UnitAction(12, 1.5, 1.0)
