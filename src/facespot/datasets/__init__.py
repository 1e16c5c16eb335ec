"""A folder with a user's own copy of a corpus comes in; recordings and a report of everything odd go out.

One file per corpus: `cas_me_2`, `samm_lv`, `casme_ii`, `smic`, `meview`, `own_data`, `synth`; only they know its
quirks. After them all is one form: frames from 0, closed intervals, the types macro and micro. Nothing is dropped or
repaired without an entry in the report. None of the corpora is shipped.
"""

from facespot.datasets.base import Corpus, Count, Dataset, Finding, Report, check
from facespot.datasets.registry import CORPORA, corpus, corpus_options, load_dataset
from facespot.datasets.vocabulary import (
    EMOTION_TABLES,
    ActionUnit,
    EmotionTable,
    emotion_table,
    parse_action_unit,
    parse_action_units,
)

__all__ = [
    "CORPORA",
    "EMOTION_TABLES",
    "ActionUnit",
    "Corpus",
    "Count",
    "Dataset",
    "EmotionTable",
    "Finding",
    "Report",
    "check",
    "corpus",
    "corpus_options",
    "emotion_table",
    "load_dataset",
    "parse_action_unit",
    "parse_action_units",
]
