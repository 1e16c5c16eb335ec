"""A setting of the decoding, chosen in each fold on its training subjects, so that the test subject has no say in it.

Every value decodes the same scores of training videos again; the one with the highest F1 over both types is taken, of
equal ones the first. Where the training held subjects back (``patience``), they alone decide, for the network has not
learned from them; otherwise all training videos do, whose scores are a little better than those of strangers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from facespot.methods import Method, new_method
from facespot.metrics import Rule
from facespot.metrics.figures import evaluate_by
from facespot.values import Scores, Track


@dataclass(frozen=True)
class Choice:
    """What was chosen, and by what.

    Parameters
    ----------
    name : str
        The setting.
    value : str, int, float or bool
        As the method's configuration holds it.
    f1 : mapping from text to float
        F1 over both types by value, in the order in which they were tried.
    subjects : tuple of str
        Whose videos decided.
    """

    name: str
    value: Any
    f1: Mapping[str, float]
    subjects: tuple[str, ...]


def choose_setting(
    method: Method,
    name: str,
    values: Sequence[Any],
    videos: Sequence[tuple[Track, Scores]],
    *,
    rule: Rule,
    subjects: Sequence[str],
) -> Choice:
    """Try every value on some videos and take the best.

    Parameters
    ----------
    method : Method
        Whose other settings hold.
    name : str
        A setting of the decoding.
    values : sequence
        At least one; text is converted to the setting's type.
    videos : sequence of (Track, Scores)
        Truth and raw scores of training videos.
    rule : Rule
    subjects : sequence of str
        Whose videos they are.

    Raises
    ------
    SettingsError
        If there is no such setting, or a value does not fit.
    """
    truth = [track for track, _ in videos]
    tried: dict[Any, float] = {}
    for value in values:
        changed = new_method(method.name, {**asdict(method.config), name: value})
        found = evaluate_by(rule, truth, [changed.decode(scores) for _, scores in videos])
        tried[getattr(changed.config, name)] = found.f1
    best = max(tried, key=lambda value: tried[value])
    return Choice(name, best, {str(value): f1 for value, f1 in tried.items()}, tuple(sorted(set(subjects))))
