"""Emotion tables against the papers' counts, and action units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.datasets import EMOTION_TABLES, ActionUnit, emotion_table, parse_action_unit, parse_action_units
from facespot.errors import SettingsError
from facespot.export.kinds import parse_kind


@pytest.mark.parametrize(
    ("content", "units"),
    [
        ("4+10+14", (ActionUnit(4), ActionUnit(10), ActionUnit(14))),
        ("R12A", (ActionUnit(12, "R", ("A",)),)),
        ("4(B/C)+7B", (ActionUnit(4, "", ("B", "C")), ActionUnit(7, "", ("B",)))),
        ("AU4, au 12", (ActionUnit(4), ActionUnit(12))),
        ("l14?", (ActionUnit(14, "L", (), True),)),
        ("T23+B10;6", (ActionUnit(23, "T"), ActionUnit(10, "B"), ActionUnit(6))),
        ("", ()),
    ],
)
def test_action_units(content, units):
    assert parse_action_units(content) == (units, ())


@given(
    st.builds(
        ActionUnit,
        st.integers(1, 99),
        st.sampled_from(["", "L", "R", "T", "B"]),
        st.sampled_from([(), ("A",), ("B", "C")]),
        st.booleans(),
    )
)
def test_an_action_unit_is_written_as_it_is_read(unit):
    assert parse_action_unit(str(unit)) == unit


@pytest.mark.parametrize("content", ["smile", "123", "4F", "-4", "4.5", "R"])
def test_what_is_no_action_unit_is_told(content):
    assert parse_action_units(f"1+{content}") == ((ActionUnit(1),), (content,))
    with pytest.raises(ValueError, match="is no action unit"):
        parse_action_unit(content)


def test_the_tables_name_only_their_classes():
    for table in EMOTION_TABLES.values():
        assert {group for group in table.mapping.values() if group} == set(table.classes)


def test_grouped_counts_are_those_of_the_composite_database():
    # CASME II as MEAN, Table 1 counts it; the composite of MEGC 2019 has 88 negative, 32 positive, 25 surprise.
    casme_ii = {"happiness": 32, "disgust": 61, "surprise": 25, "repression": 27, "others": 99}
    grouped = dict.fromkeys(emotion_table("composite").classes, 0)
    for emotion, count in casme_ii.items():
        group = emotion_table("composite").map(emotion)
        if group:
            grouped[group] += count
    assert grouped == {"negative": 88, "positive": 32, "surprise": 25}


def test_the_basic_emotions_are_scored_and_nothing_else():
    table = emotion_table("basic")
    assert [table.map(emotion) for emotion in table.classes] == list(table.classes)
    assert len(table.classes) == 7
    assert [table.map(emotion) for emotion in ("Other", "repression", "boredom", "negative")] == [None] * 4
    assert table.map(" Fear") == "fear"


def test_unknown_emotions_and_tables_are_refused():
    assert emotion_table("three").map(" Other") is None
    with pytest.raises(SettingsError, match="'boredom' is not in it"):
        emotion_table("three").map("boredom")
    with pytest.raises(SettingsError, match="no emotion table 'seven'"):
        emotion_table("seven")


@pytest.mark.parametrize(
    ("word", "kind"),
    [("macro-expression", "macro"), ("Micro - 1/2", "micro"), ("MICRO_EXPRESSION", "micro"), ("microscope", None)],
)
def test_types(word, kind):
    assert parse_kind(word) == kind
