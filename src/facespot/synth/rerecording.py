"""Records a finished corpus anew, as another camera or recorder would have given it; who and what is in it stays.

The result depends on the source, the quality and the seed alone, not on the number of workers or on interruptions.
Landmarks and action units of every frame (Parquet) and exact flow belong to the pictures of the source and stay there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facespot.errors import FormatError, OutputError, SettingsError
from facespot.export.atomic import write_text
from facespot.synth.corpus import MAX_WORKERS, SCHEMA
from facespot.synth.qualities import Quality, check_name, quality_of
from facespot.synth.recoding import exact_ratio, new_plan, rerecord_video, truth_file, video_file
from facespot.synth.rerecorded_datasheet import new_datasheet
from facespot.synth.retiming import new_frame
from facespot.synth.writing import (
    ANNOTATION_COLUMNS,
    DISTRACTOR_COLUMNS,
    checksums,
    format_csv,
    remove_unfinished,
    versions,
)


@dataclass(frozen=True)
class Rerecorded:
    """What `degrade_corpus` did.

    Parameters
    ----------
    root : Path
    videos : int
        In the corpus.
    kept : int
        Of these, finished by an earlier run.
    """

    root: Path
    videos: int
    kept: int


def degrade_corpus(
    source: str | Path,
    root: str | Path,
    quality: str,
    *,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
    workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> Rerecorded:
    """Record a corpus anew, or go on where an earlier run stopped.

    Parameters
    ----------
    source : str or Path
        Finished corpus, of `facespot.synth.corpus.make_corpus` or of this function.
    root : str or Path
        New or empty folder, or one that holds what the same call began.
    quality : str
        Name in `facespot.synth.qualities.QUALITIES`, or ``varied``.
    seed : int
        Of the noise, of the lost frames and of ``varied``.
    changes : mapping, optional
        Fields of `Quality` that are set in all videos.
    workers : int
        Processes.
    on_progress : callable, optional
        Called with frames done and frames in all, after each video.

    Raises
    ------
    SettingsError
        If a setting is out of range or unknown.
    FormatError
        If the source is no finished corpus.
    OutputError
        If the folder holds something else, or cannot be written.
    """
    check_name(quality)
    if not 0 <= seed < 2**63:
        raise SettingsError("seed", f"{seed} is not between 0 and 2**63", "choose another")
    if not 1 <= workers <= MAX_WORKERS:
        raise SettingsError(
            "workers", f"{workers} is not between 1 and {MAX_WORKERS}", "choose the number of processors"
        )
    source, root = Path(source), Path(root)
    found = _read_header(source)
    changes = dict(changes or {})
    qualities = {
        one["id"]: quality_of(
            quality, one["id"], seed=seed, short_side=min(one["width"], one["height"]), fps=one["fps"], changes=changes
        )
        for one in found["videos"]
    }
    plans = [new_plan(one, qualities[one["id"]]) for one in found["videos"]]
    header = _header(source, found, plans, quality, seed, changes)
    jobs = [
        _Job(source, root, old, new, qualities[old["id"]], seed)
        for old, new in zip(found["videos"], plans, strict=True)
    ]
    try:
        _open(root, header)
        todo = [job for job in jobs if not _is_done(job)]
        total = sum(job.new["n_frames"] for job in jobs)
        done = total - sum(job.new["n_frames"] for job in todo)
        tell = on_progress or (lambda done, total: None)
        tell(done, total)
        for step in map(_run, todo) if workers == 1 or len(todo) < 2 else _run_beside(todo, workers):
            done += step
            tell(done, total)
        _finish(source, root, header, jobs)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            str(root), f"it cannot be written ({reason})", "choose another folder, or free space"
        ) from error
    return Rerecorded(root, len(jobs), len(jobs) - len(todo))


@dataclass(frozen=True)
class _Job:
    source: Path
    root: Path
    old: dict[str, Any]
    new: dict[str, Any]
    quality: Quality
    seed: int


def _read_header(source: Path) -> dict[str, Any]:
    index = source / "corpus.json"
    try:
        header = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(
            str(index), "it is missing or no JSON", "name a folder made by facespot synth make"
        ) from error
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise FormatError(str(index), f"it is not of the schema {SCHEMA!r}", "make the corpus anew")
    if header.get("complete") is not True:
        raise FormatError(str(source), "the corpus is not finished", "run what made it again to go on")
    return header


def _header(
    source: Path,
    found: Mapping[str, Any],
    plans: Sequence[dict[str, Any]],
    quality: str,
    seed: int,
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    sums = source / "SHA256SUMS"
    text = sums.read_text(encoding="utf-8") if sums.is_file() else checksums(source)
    rerecorded = {
        "quality": quality,
        "seed": seed,
        "changes": dict(changes),
        "source_sha256sums": hashlib.sha256(text.encode()).hexdigest(),
        "versions": versions(),
    }
    earlier = found.get("rerecorded", [])
    codecs = sorted({plan["quality"]["codec"] for plan in plans})
    header = {**found, "complete": False, "format": ", ".join(codecs), "rerecorded": [*earlier, rerecorded]}
    return dict(json.loads(json.dumps({**header, "videos": plans})))


def _open(root: Path, header: dict[str, Any]) -> None:
    """Make the folder ready, or make sure that it holds this very recording."""
    index = root / "corpus.json"
    if root.exists() and not root.is_dir():
        raise OutputError(str(root), "this is a file", "name a new folder")
    if index.is_file():
        try:
            found = json.loads(index.read_text(encoding="utf-8"))
        except ValueError:
            found = {}
        differing = [name for name in header if name != "complete" and found.get(name) != header[name]]
        if differing:
            what = f"it holds another recording: {', '.join(differing)} differ"
            raise OutputError(str(root), what, "choose another folder, or empty it")
        remove_unfinished(root)
    elif root.is_dir() and any(root.iterdir()):
        raise OutputError(str(root), "the folder is not empty and holds no corpus", "choose a new folder")
    for name in ("videos", "truth"):
        (root / name).mkdir(parents=True, exist_ok=True)
    if not index.is_file():
        write_text(index, json.dumps(header, indent=1) + "\n")


def _is_done(job: _Job) -> bool:
    truth = truth_file(job.root, job.new)
    if not truth.is_file() or not video_file(job.root, job.new).is_file():
        return False
    return bool(json.loads(truth.read_text(encoding="utf-8")).get("plan") == job.new)


def _run(job: _Job) -> int:
    rerecord_video(job.source, job.root, job.old, job.new, job.quality, job.seed)
    return int(job.new["n_frames"])


def _run_beside(jobs: Sequence[_Job], workers: int) -> Iterator[int]:
    """Run jobs in processes; yields the frames of each as it ends."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), context, initializer=_end_with_parent) as pool:
        try:
            for future in as_completed([pool.submit(_run, job) for job in jobs]):
                yield future.result()
        except BrokenProcessPool as error:
            raise OutputError("synth", "a worker died", "run it again with fewer --workers") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _end_with_parent() -> None:
    """Let no worker wait for ever where the parent was killed."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _finish(source: Path, root: Path, header: dict[str, Any], jobs: Sequence[_Job]) -> None:
    """Write the tables of the source with the new frames, then say that the corpus is complete."""
    by_id = {job.old["id"]: job for job in jobs}
    annotation = _new_table(source / "annotation.csv", ANNOTATION_COLUMNS, by_id)
    distractors = _new_table(source / "truth" / "distractors.csv", DISTRACTOR_COLUMNS, by_id)
    write_text(root / "annotation.csv", annotation)
    write_text(root / "truth" / "distractors.csv", distractors)
    sheet = (source / "datasheet.md").read_text(encoding="utf-8")
    write_text(root / "datasheet.md", new_datasheet(sheet, header))
    write_text(root / "corpus.json", json.dumps(header | {"complete": True}, indent=1) + "\n")
    write_text(root / "SHA256SUMS", checksums(root))


def _new_table(path: Path, columns: Sequence[str], by_id: Mapping[str, _Job]) -> str:
    rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    if rows.fieldnames is None or tuple(rows.fieldnames) != tuple(columns):
        raise FormatError(str(path), "its columns are not those of a synthetic corpus", "make the corpus anew")
    lines = []
    for row in rows:
        name = Path(row["video"])
        job = by_id.get(name.stem) or by_id.get(name.name)
        if job is None:
            raise FormatError(str(path), f"{row['video']} is not in corpus.json", "make the corpus anew")
        row["video"] = video_file(job.root, job.new).relative_to(job.root).as_posix()
        ratio = exact_ratio(job.old, job.new)
        for one in ("onset", "apex", "offset"):
            if row.get(one):
                frame = new_frame(int(row[one]) - 1, ratio)
                row[one] = str(frame + 1)
                if f"{one}_s" in row:
                    row[f"{one}_s"] = f"{frame / job.new['fps']:.6f}"
        if "fps" in row:
            row["fps"] = _rate(job.new["fps"])
        lines.append([row[column] for column in columns])
    return format_csv(columns, lines)


def _rate(fps: float) -> str:
    return f"{fps:g}" if float(f"{fps:g}") == fps else repr(fps)
