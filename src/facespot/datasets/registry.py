"""Which corpora there are, and loading one by its name."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from facespot.datasets.base import Corpus, Dataset, Finding, Report
from facespot.datasets.vocabulary import EmotionTable, emotion_table
from facespot.errors import FormatError, SettingsError
from facespot.values import Expression, Recording

CORPORA: Mapping[str, str] = MappingProxyType(
    {
        "cas_me_2": "facespot.datasets.cas_me_2:CORPUS",
        "samm_lv": "facespot.datasets.samm_lv:CORPUS",
        "casme_ii": "facespot.datasets.casme_ii:CORPUS",
        "smic_hs": "facespot.datasets.smic:HS",
        "smic_vis": "facespot.datasets.smic:VIS",
        "smic_nir": "facespot.datasets.smic:NIR",
        "meview": "facespot.datasets.meview:CORPUS",
        "own_data": "facespot.datasets.own_data:CORPUS",
        "synth": "facespot.datasets.synth:CORPUS",
    }
)


def corpus(name: str) -> Corpus:
    """The corpus of a name.

    Raises
    ------
    SettingsError
        If there is none.
    """
    if name not in CORPORA:
        raise SettingsError("data set", f"there is none named {name!r}", f"choose one of {', '.join(CORPORA)}")
    module, _, attribute = CORPORA[name].partition(":")
    found: Corpus = getattr(import_module(module), attribute)
    return found


def corpus_options(name: str) -> dict[str, Any]:
    """Names and defaults of the options that a corpus takes in `load_dataset`."""
    parameters = inspect.signature(corpus(name).read).parameters.values()
    fixed = ("root", "findings", "camera", "frame_rate") if name.startswith("smic") else ("root", "findings")
    return {one.name: one.default for one in parameters if one.name not in fixed}


def load_dataset(
    name: str, root: str | Path, *, emotions: str | None = None, strict: bool = False, **options: Any
) -> Dataset:
    """Read a copy of a corpus.

    Parameters
    ----------
    name : str
        A key of `CORPORA`.
    root : str or Path
        Folder of the corpus, laid out as it is given out.
    emotions : {"three", "five", "composite", "basic"}, optional
        Table by which emotions are grouped into classes; an emotion that it does not score becomes None. By default
        they stay as annotated.
    strict : bool
        Raise an error for the first annotation that is dropped.
    **options
        What the corpus takes, see `corpus_options` and the module of the corpus.

    Returns
    -------
    Dataset
        Its `report` names every row that was dropped, repaired or is odd.

    Raises
    ------
    FormatError
        If the folder has not the layout of the corpus, a table cannot be read, or nothing can be used.
    SettingsError
        If the corpus, an option or the table of emotions is unknown.
    """
    found = corpus(name)
    known = corpus_options(name)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise SettingsError(name, f"it has no option {unknown[0]!r}", f"it takes {', '.join(known) or 'none'}")
    table = None if emotions is None else emotion_table(emotions)
    root = Path(root)
    if not root.is_dir():
        raise FormatError(str(root), "the folder is not there", f"expected is {found.layout}")
    findings: list[Finding] = []
    recordings = found.read(root, findings, **options)
    report = Report(tuple(findings))
    if not recordings:
        first = next((one for one in findings if one.action in ("dropped", "missing video")), None)
        reason = f" ({first.where}: {first.reason})" if first else ""
        raise FormatError(str(root), f"no video of {found.title} can be used{reason}", f"expected is {found.layout}")
    if strict and report.dropped:
        raise FormatError(report.dropped[0].where, report.dropped[0].reason, "mend the row, or load without strict")
    if table is not None:
        recordings, unscored = _in_classes(recordings, table)
        findings += [
            Finding("noted", f"emotion table {table.name}", f"{emotion!r}, {count} expressions, is not scored")
            for emotion, count in sorted(unscored.items())
        ]
    return Dataset(
        name, found.citation, found.licence, tuple(recordings), Report(tuple(findings)), found.published, root
    )


def _in_classes(recordings: list[Recording], table: EmotionTable) -> tuple[list[Recording], Counter[str]]:
    unscored: Counter[str] = Counter()

    def mapped(one: Expression) -> Expression:
        if one.emotion is None:
            return one
        group = table.map(one.emotion)
        if group is None:
            unscored[one.emotion] += 1
        # A probability that some method gave is that of the emotion, not of the group.
        return replace(one, emotion=group, emotion_probability=None)

    return [
        replace(one, truth=replace(one.truth, expressions=tuple(map(mapped, one.truth.expressions))))
        for one in recordings
    ], unscored
