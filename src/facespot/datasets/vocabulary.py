"""Words of the corpora: emotions grouped into classes by named tables, and FACS action units taken apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from facespot.errors import SettingsError


@dataclass(frozen=True)
class EmotionTable:
    """Which class an annotated emotion counts as.

    Parameters
    ----------
    name : str
        Name of the table.
    source : str
        Where the grouping comes from.
    classes : tuple of str
        The classes, in the order of a confusion matrix.
    mapping : mapping of str to str or None
        Class of each annotated emotion; None where it is not scored.
    rest_unscored : bool
        Whether an emotion that the mapping does not name is not scored; else it is an error.
    """

    name: str
    source: str
    classes: tuple[str, ...]
    mapping: Mapping[str, str | None]
    rest_unscored: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "mapping", MappingProxyType(dict(self.mapping)))

    def map(self, emotion: str) -> str | None:
        """Class of an annotated emotion; None where it is not scored.

        Raises
        ------
        SettingsError
            If the table neither knows the emotion nor leaves out what it does not know.
        """
        word = emotion_word(emotion)
        if self.rest_unscored:
            return self.mapping.get(word)
        if word not in self.mapping:
            known = ", ".join(self.mapping)
            raise SettingsError(f"emotion table {self.name}", f"{emotion!r} is not in it", f"it knows {known}")
        return self.mapping[word]


_THREE = ("negative", "positive", "surprise")
_BASIC = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
EMOTION_TABLES: Mapping[str, EmotionTable] = MappingProxyType(
    {
        "three": EmotionTable(
            "three",
            "MEAN, section 4.1: SAMM's emotions grouped; CAS(ME)2 and SMIC are annotated so",
            _THREE,
            {
                "negative": "negative",
                "positive": "positive",
                "surprise": "surprise",
                "anger": "negative",
                "contempt": "negative",
                "disgust": "negative",
                "fear": "negative",
                "sadness": "negative",
                "happiness": "positive",
                "others": None,
            },
        ),
        "five": EmotionTable(
            "five",
            "MEAN, Table 1: the five classes of CASME II; fear and sadness are too rare to be scored",
            ("disgust", "happiness", "others", "surprise", "repression"),
            {
                "disgust": "disgust",
                "happiness": "happiness",
                "others": "others",
                "surprise": "surprise",
                "repression": "repression",
                "fear": None,
                "sadness": None,
            },
        ),
        "composite": EmotionTable(
            "composite",
            "MEGC 2019 composite, CASME II part; for its SAMM and SMIC parts the table is 'three'",
            _THREE,
            {
                "disgust": "negative",
                "repression": "negative",
                "happiness": "positive",
                "surprise": "surprise",
                "others": None,
                "fear": None,
                "sadness": None,
            },
        ),
        "basic": EmotionTable(
            "basic",
            "Ekman's basic emotions and contempt, the emotions of SAMM; everything else is not scored",
            _BASIC,
            {emotion: emotion for emotion in _BASIC},
            rest_unscored=True,
        ),
    }
)


def emotion_table(name: str) -> EmotionTable:
    """The table of a name.

    Raises
    ------
    SettingsError
        If there is none.
    """
    if name not in EMOTION_TABLES:
        choices = ", ".join(EMOTION_TABLES)
        raise SettingsError("emotions", f"there is no emotion table {name!r}", f"choose one of {choices}")
    return EMOTION_TABLES[name]


def emotion_word(text: str) -> str:
    """One spelling for each emotion.

    >>> emotion_word(" Other "), emotion_word("Happiness")
    ('others', 'happiness')
    """
    word = " ".join(text.split()).lower()
    return "others" if word == "other" else word


_UNIT = re.compile(
    r"(?:AUs?\s*)?(?P<side>[LRTB]?)\s*(?P<number>[0-9]{1,2})\s*"
    r"(?P<intensity>[A-E](?:/[A-E])*|\([A-E](?:/[A-E])*\))?\s*(?P<doubt>\??)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ActionUnit:
    """One FACS action unit as coded.

    Parameters
    ----------
    number : int
        Number in the Facial Action Coding System.
    side : str
        ``"L"`` or ``"R"`` where only one half of the face moves, ``"T"`` or ``"B"`` for top or bottom; else empty.
    intensity : tuple of str
        ``"A"`` (trace) to ``"E"`` (maximum); two where the coder wavered; empty where not coded.
    doubtful : bool
        Whether the coder put a question mark.
    """

    number: int
    side: str = ""
    intensity: tuple[str, ...] = ()
    doubtful: bool = False

    def __str__(self) -> str:
        strength = "/".join(self.intensity)
        strength = f"({strength})" if len(self.intensity) > 1 else strength
        return f"{self.side}{self.number}{strength}{'?' if self.doubtful else ''}"


def parse_action_unit(text: str) -> ActionUnit:
    """Take one code apart.

    Raises
    ------
    ValueError
        If it is no action unit.

    >>> parse_action_unit("R12A")
    ActionUnit(number=12, side='R', intensity=('A',), doubtful=False)
    """
    found = _UNIT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text.strip()!r} is no action unit")
    intensity = (found["intensity"] or "").strip("()").upper()
    strengths = tuple(intensity.split("/")) if intensity else ()
    return ActionUnit(int(found["number"]), found["side"].upper(), strengths, bool(found["doubt"]))


def parse_action_units(text: str) -> tuple[tuple[ActionUnit, ...], tuple[str, ...]]:
    """Action units of a cell, and the pieces of it that are none.

    Parameters
    ----------
    text : str
        Codes joined by plus signs, commas or semicolons.

    >>> units, rest = parse_action_units("4(B/C)+7B, smile")
    >>> [str(unit) for unit in units], rest
    (['4(B/C)', '7B'], ('smile',))
    """
    units, rest = [], []
    for piece in re.split(r"[+,;]", text):
        if not piece.strip():
            continue
        try:
            units.append(parse_action_unit(piece))
        except ValueError:
            rest.append(piece.strip())
    return tuple(units), tuple(rest)
