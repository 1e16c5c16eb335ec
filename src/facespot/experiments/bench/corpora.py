"""The corpora of a bench: found where they are whole, made where they are not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from facespot.errors import FormatError, SettingsError
from facespot.experiments.bench.conditions import Bench, Rendered, Rerecorded
from facespot.synth.casting import make_casting
from facespot.synth.corpus import make_corpus
from facespot.synth.plans import plan_videos
from facespot.synth.presets import Preset, find_preset
from facespot.synth.rerecording import degrade_corpus

OnMade = Callable[[str, int, int], None]


def provide(
    bench: Bench,
    folders: Sequence[str],
    data: Path,
    *,
    face_model: Path | None,
    workers: int,
    on_progress: OnMade | None = None,
) -> None:
    """See that some corpora of a bench are there.

    Parameters
    ----------
    bench : Bench
    folders : sequence of str
        Names of the corpora, each after the one it is made of.
    data : Path
        Folder in which they lie.
    face_model : Path, optional
        Needed where one must be rendered.
    workers : int
        Processes.
    on_progress : callable, optional
        Called with what is made, frames done and frames in all.

    Raises
    ------
    SettingsError
        If one must be rendered and there is no face model.
    FormatError
        If a folder holds another corpus.
    """
    missing = []
    for folder in folders:
        recipe = bench.corpora[folder]
        if isinstance(recipe, Rendered) and not _is_whole(data / folder, preset_of(recipe)):
            missing.append(folder)
    if missing and face_model is None:
        recipe = bench.corpora[missing[0]]
        raise SettingsError(
            "--face-model",
            f"the corpus {data / missing[0]} is not there or not finished, and nothing is given to make it with",
            "give --face-model PATH, or the folder of the corpora with --data",
        )
    for folder in folders:
        recipe = bench.corpora[folder]

        def report(done: int, total: int, name: str = folder) -> None:
            if on_progress is not None:
                on_progress(f"making {name}, frame", done, total)

        if isinstance(recipe, Rerecorded):
            _rerecord(recipe, data, folder, workers, report)
        elif folder in missing and face_model is not None:
            casting = make_casting(face_model)
            make_corpus(data / folder, preset_of(recipe), casting, workers=workers, on_progress=report)


def _rerecord(recipe: Rerecorded, data: Path, folder: str, workers: int, report: Callable[[int, int], None]) -> None:
    if not _is_recording_of(data / folder, recipe, data / recipe.source):
        degrade_corpus(
            data / recipe.source,
            data / folder,
            recipe.quality,
            changes=_changes(recipe),
            workers=workers,
            on_progress=report,
        )


def _changes(recipe: Rerecorded) -> dict[str, float]:
    return {} if recipe.fps is None else {"fps": recipe.fps}


def _is_recording_of(root: Path, recipe: Rerecorded, source: Path) -> bool:
    """Whether a corpus is a finished recording, of this quality, of the source as it is now."""
    header = _header(root)
    last = (header.get("rerecorded") or [{}])[-1]
    made = {"quality": recipe.quality, "changes": _changes(recipe), "source_sha256sums": _sums(source)}
    return header.get("complete") is True and all(last.get(name) == value for name, value in made.items())


def _sums(root: Path) -> str:
    """Hash of the list of a corpus' files."""
    return hashlib.sha256((root / "SHA256SUMS").read_bytes()).hexdigest()


def preset_of(recipe: Rendered) -> Preset:
    """The preset with the recipe's changes."""
    return replace(find_preset(recipe.preset), **recipe.changes)


def facts_of(root: Path) -> dict[str, Any]:
    """What a corpus says of itself, and the hash of the list of its files."""
    header = _header(root)
    names = ("preset", "seed", "casting", "versions", "rerecorded")
    return {**{name: header[name] for name in names if name in header}, "sha256sums": _sums(root)}


def _is_whole(root: Path, preset: Preset) -> bool:
    """Whether a corpus is there and finished.

    Raises
    ------
    FormatError
        If it is another one.
    """
    if not root.exists():
        return False
    header = _header(root)
    plans = json.loads(json.dumps([plan.document() for plan in plan_videos(preset, preset.seed)]))
    if header and (header.get("preset") != preset.name or header.get("videos") != plans):
        raise FormatError(
            str(root),
            f"it is not the corpus that the preset {preset.name} makes here",
            "name another folder with --data",
        )
    return header.get("complete") is True


def _header(root: Path) -> Mapping[str, Any]:
    try:
        found = json.loads((root / "corpus.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
