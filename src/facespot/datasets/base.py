"""What a corpus is, what loading it gives, and what is reported of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

from facespot.values import KINDS, Recording

Action: TypeAlias = Literal["dropped", "repaired", "missing video", "frame count", "noted"]


@dataclass(frozen=True)
class Finding:
    """One thing about a copy of a corpus that its user must know.

    Parameters
    ----------
    action : str
        ``"dropped"``: the annotation is in no recording. ``"repaired"``: it is, but not as written.
        ``"missing video"``: annotated, not there. ``"frame count"``: the frames on disk do not fit.
        ``"noted"``: all else.
    where : str
        File and row, or video.
    reason : str
        Why.
    """

    action: Action
    where: str
    reason: str


@dataclass(frozen=True)
class Report:
    """Everything that was skipped, repaired or noticed, in the order of the files."""

    findings: tuple[Finding, ...] = ()

    def of(self, action: Action) -> tuple[Finding, ...]:
        """Only the findings of one kind."""
        return tuple(finding for finding in self.findings if finding.action == action)

    @property
    def dropped(self) -> tuple[Finding, ...]:
        """Annotations that are in no recording."""
        return self.of("dropped")


@dataclass(frozen=True)
class Corpus:
    """A data set that facespot can read from its user's own copy.

    Parameters
    ----------
    name : str
        Name on the command line.
    title : str
        Full name.
    citation, licence, source : str
        Whom to cite, under what terms it is given, and where to ask for it.
    layout : str
        What must lie under the root folder.
    read : callable
        ``read(root, findings, **options)`` appends to `findings` and returns the recordings.
    published : mapping of str to tuple of int
        Published counts, several where the sources differ: those of `Dataset.counts`, and ``"half length macro"``,
        half the mean length in frames.
    """

    name: str
    title: str
    citation: str
    licence: str
    source: str
    layout: str
    read: Callable[..., list[Recording]]
    published: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "published", MappingProxyType(dict(self.published)))


@dataclass(frozen=True)
class Dataset:
    """A corpus as it was read.

    Parameters
    ----------
    name, citation, licence : str
        As in `Corpus`.
    recordings : tuple of Recording
        One per video, those without annotated expressions included, in natural order.
    report : Report
        What was skipped, repaired or noticed.
    published : mapping of str to tuple of int
        As in `Corpus`.
    root : Path
        The folder it was read from.
    """

    name: str
    citation: str
    licence: str
    recordings: tuple[Recording, ...]
    report: Report
    published: Mapping[str, tuple[int, ...]]
    root: Path

    def counts(self) -> dict[str, int]:
        """Subjects, videos, videos with an expression, and expressions by type."""
        found = [one for recording in self.recordings for one in recording.truth.expressions]
        return {
            "subjects": len({one.subject for one in self.recordings}),
            "videos": len(self.recordings),
            "videos with an expression": sum(bool(one.truth.expressions) for one in self.recordings),
            **{kind: sum(one.kind == kind for one in found) for kind in KINDS},
        }


@dataclass(frozen=True)
class Count:
    """A count beside the published ones; `fits` is None where nothing is published."""

    name: str
    found: int
    published: tuple[int, ...]

    @property
    def fits(self) -> bool | None:
        """Whether it is one of the published counts."""
        return self.found in self.published if self.published else None


def check(dataset: Dataset) -> tuple[Count, ...]:
    """Every count of a data set beside the published ones."""
    return tuple(Count(name, found, dataset.published.get(name, ())) for name, found in dataset.counts().items())
