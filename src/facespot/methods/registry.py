"""The methods by name, loaded only when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from facespot.errors import SettingsError
from facespot.methods.base import Method, Recognizer
from facespot.models import shipped_weights


@dataclass(frozen=True, slots=True)
class MethodEntry:
    """One line of the registry.

    Parameters
    ----------
    path : str
        ``module:class``.
    summary : str
        One line for people.
    needs_weights : bool
        Whether it scores with weights, given or shipped.
    names_emotions : bool
        Whether it is a `Recognizer` too.
    only_with_type : bool
        Whether its authors train and evaluate each type only on the videos that hold it, and count as the evaluator of
        SOFTNet and MEAN does.
    uses_lengths : bool
        Whether lengths of the annotated expressions go into it, see `Method.adapt`.
    released_weights : bool
        Whether the authors released weights that `facespot models import` reads.
    """

    path: str
    summary: str
    needs_weights: bool
    names_emotions: bool = False
    only_with_type: bool = True
    uses_lengths: bool = True
    released_weights: bool = False


DEFAULT_METHOD = "regiontcn"
"""What spots where nobody chooses."""

METHODS: dict[str, MethodEntry] = {
    "strain": MethodEntry(
        "facespot.methods.strain.method:StrainMethod",
        "sum of the optical strain, smoothing, threshold, peaks; needs no weights (SOFTNet's baseline)",
        needs_weights=False,
    ),
    "softnet": MethodEntry(
        "facespot.methods.softnet.method:SoftnetMethod",
        "shallow optical flow three-stream CNN, one model per type",
        needs_weights=True,
        released_weights=True,
    ),
    "mean": MethodEntry(
        "facespot.methods.mean.method:MeanMethod",
        "spots micro-expressions and names their emotion, one network for both",
        needs_weights=True,
        names_emotions=True,
        released_weights=True,
    ),
    "spotgcn": MethodEntry(
        "facespot.methods.spotgcn.method:SpotgcnMethod",
        "region flow in sliding windows, graph network, onset and offset of their own",
        needs_weights=True,
        only_with_type=False,
    ),
    "fesnet": MethodEntry(
        "facespot.methods.fesnet.method:FesnetMethod",
        "clips of aligned faces, neutral, macro or micro for each frame, end to end",
        needs_weights=True,
        only_with_type=False,
        uses_lengths=False,
    ),
    "regiontcn": MethodEntry(
        "facespot.methods.regiontcn.method:RegiontcnMethod",
        "the default, our own: region motion, temporal network; emotion, action units",
        needs_weights=True,
        names_emotions=True,
        only_with_type=False,
        uses_lengths=False,
    ),
}


def method_entry(name: str) -> MethodEntry:
    """The line of a method.

    Raises
    ------
    SettingsError
        If there is no such method.
    """
    if name not in METHODS:
        raise SettingsError("--method", f"there is no method {name!r}", f"choose one of {', '.join(METHODS)}")
    return METHODS[name]


def load_method(name: str, *, weights: Sequence[str | Path] = (), settings: Mapping[str, Any] | None = None) -> Method:
    """Make a method ready to score.

    Parameters
    ----------
    name : str
        Key of `METHODS`.
    weights : sequence of path
        Checkpoint folders, one per type at most; none: those that come with facespot.
    settings : mapping, optional
        Overrides of the method's settings by name; text is converted to the setting's type.

    Raises
    ------
    SettingsError, WeightsError
    """
    entry = method_entry(name)
    if weights and not entry.needs_weights:
        raise SettingsError("--weights", f"the method {name!r} has no weights", "leave --weights out")
    chosen = [Path(path) for path in weights]
    if entry.needs_weights and not chosen:
        chosen = [*shipped_weights(name)]
        if not chosen:
            raise SettingsError("--weights", f"the method {name!r} needs weights", _where_weights_come_from(name))
    method: Method = _factory(entry).load(chosen, settings or {})
    return method


def load_recognizer(
    name: str, *, weights: Sequence[str | Path] = (), settings: Mapping[str, Any] | None = None
) -> Recognizer:
    """Make a method ready to name the emotions of expressions, whoever spotted them.

    Parameters
    ----------
    name : str
        Key of `METHODS`, of a method that names emotions.
    weights, settings
        As in `load_method`.

    Raises
    ------
    SettingsError
        Also if the method names no emotions, or its weights hold no classes.
    WeightsError
    """
    known = [one for one, entry in METHODS.items() if entry.names_emotions]
    if not method_entry(name).names_emotions:
        raise SettingsError(
            "--recognize", f"the method {name!r} names no emotions", f"choose one of {', '.join(known)}"
        )
    recognizer: Recognizer = load_method(name, weights=weights, settings=settings)  # type: ignore[assignment]
    if not recognizer.classes:
        where = str(weights[0]) if weights else f"the shipped weights of {name!r}"
        raise SettingsError(
            where, "these weights only spot, they name no emotions", "give weights with a recognition head"
        )
    return recognizer


def new_method(name: str, settings: Mapping[str, Any] | None = None) -> Method:
    """Make a method that has learned nothing yet, for `Method.fit`; shipped weights are not looked at.

    Parameters
    ----------
    name : str
        Key of `METHODS`.
    settings : mapping, optional
        As in `load_method`.

    Raises
    ------
    SettingsError
    """
    method: Method = _factory(method_entry(name)).load([], settings or {})
    return method


def _where_weights_come_from(name: str) -> str:
    remedy = "pass --weights DIR, made by 'facespot run' on a corpus"
    if METHODS[name].released_weights:
        remedy += f" or by 'facespot models import {name} FILE' from the authors' file"
    return f"{remedy}, or choose a method that comes with weights, see 'facespot models list'"


def _factory(entry: MethodEntry) -> Any:
    module, _, attribute = entry.path.partition(":")
    return getattr(import_module(module), attribute)
