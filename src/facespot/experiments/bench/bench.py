"""A whole bench: corpora, spotting, figures, document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facespot.datasets import load_dataset
from facespot.errors import SettingsError
from facespot.experiments.bench.conditions import Bench, Condition
from facespot.experiments.bench.corpora import facts_of, provide
from facespot.experiments.bench.differences import spread_of_f1
from facespot.experiments.bench.document import Difference, bench_document
from facespot.experiments.bench.measuring import RESAMPLING, Figures, counts_by_video, figures_of
from facespot.experiments.bench.people import Grouping, groupings, looks_of
from facespot.experiments.bench.spotting import Identity, Spotted, Spotter, identify, spot_all
from facespot.features.cache import default_cache_folder
from facespot.values import Kind, Recording

OnBenchProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Work:
    """How the work is done; changes no figure.

    Parameters
    ----------
    face_model : Path, optional
        Needed where a corpus must be rendered.
    cache : Path
        Folder for features and results.
    workers : int
        Processes, each with one thread.
    on_progress : callable, optional
        Called with what is done in words, and how much of how much.
    """

    face_model: Path | None = None
    cache: Path = field(default_factory=default_cache_folder)
    workers: int = 1
    on_progress: OnBenchProgress | None = None


def run_bench(
    bench: Bench, spotter: Spotter, data: Path, *, names: tuple[str, ...] = (), work: Work | None = None
) -> dict[str, Any]:
    """Measure a method under the conditions of a bench.

    Parameters
    ----------
    bench : Bench
    spotter : Spotter
        The method with its weights and settings.
    data : Path
        Folder in which the corpora lie, or are made.
    names : tuple of str
        Conditions to measure; none: all of them. The groups of people come with the condition that they are part of.
    work : Work, optional
        How it is done. What an earlier run spotted with the same weights is found in the cache.

    Returns
    -------
    dict
        The document, see `facespot.experiments.bench.document`.

    Raises
    ------
    FacespotError
        If a name, the method, a setting or a corpus does not fit.
    """
    work = work or Work()
    if work.workers < 1:
        raise SettingsError("--workers", f"{work.workers} is out of range", "give 1 or more")
    conditions = bench.chosen(names)
    identity = identify(spotter)
    provide(
        bench,
        bench.corpora_of(conditions),
        data,
        face_model=work.face_model,
        workers=work.workers,
        on_progress=work.on_progress,
    )
    folders = list(dict.fromkeys(one.corpus for one in conditions))
    recordings = {folder: load_dataset("synth", data / folder).recordings for folder in folders}
    spotted = _spot_corpora(recordings, spotter, identity, work)
    figures = [figures_of(one, recordings[one.corpus], spotted[one.corpus], identity.kinds) for one in conditions]
    differences = []
    for folder in [one.corpus for one in conditions if one.name == bench.people]:
        for grouping in groupings(looks_of(data / folder)):
            parts, difference = _compare(grouping, folder, recordings[folder], spotted[folder], identity.kinds)
            figures += parts
            differences.append(difference)
    facts = {folder: facts_of(data / folder) for folder in folders}
    return bench_document(bench, spotter, identity, facts, figures, differences)


def _spot_corpora(
    recordings: Mapping[str, Sequence[Recording]], spotter: Spotter, identity: Identity, work: Work
) -> dict[str, dict[str, Spotted]]:
    """What is found in every video, by corpus and id."""
    on_progress = work.on_progress
    videos = [(folder, one) for folder, members in recordings.items() for one in members]
    results = spot_all(
        [one for _, one in videos],
        spotter,
        identity,
        cache=work.cache,
        workers=work.workers,
        on_progress=None if on_progress is None else lambda done, total: on_progress("spotting, video", done, total),
    )
    spotted: dict[str, dict[str, Spotted]] = {folder: {} for folder in recordings}
    for (folder, one), found in zip(videos, results, strict=True):
        spotted[folder][one.id] = found
    return spotted


def _compare(
    grouping: Grouping,
    corpus: str,
    recordings: Sequence[Recording],
    spotted: Mapping[str, Spotted],
    kinds: Sequence[Kind],
) -> tuple[list[Figures], Difference]:
    """Figures of each group of people, and how far they lie apart."""
    by_plan = {one.path.stem if one.path.is_file() else one.path.name: one for one in recordings}
    group_of: dict[str, str] = {}
    figures = []
    for (name, title), videos in grouping.groups.items():
        members = [by_plan[video] for video in videos]
        group_of |= {one.id: name for one in members}
        figures.append(figures_of(Condition(name, title, grouping.name, corpus), members, spotted, kinds))
    subjects = {one.id: one.subject for one in recordings}
    spreads = {
        kind: spread_of_f1(counts, subjects, group_of, seed=RESAMPLING.seed, n_permutations=RESAMPLING.n_resamples)
        for kind, counts in counts_by_video(recordings, spotted, kinds).items()
    }
    return figures, Difference(grouping.name, tuple(name for name, _ in grouping.groups), spreads)
