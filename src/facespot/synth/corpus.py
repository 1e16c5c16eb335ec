"""Makes a corpus: a preset, a seed and faces go in, a folder that ``load_dataset("synth", ROOT)`` reads comes out.

The result depends on the seed alone, not on the number of workers or on interruptions: every video has its own chance,
finished videos are kept, and what a killed run left half-written is removed.
"""

from __future__ import annotations

import json
import multiprocessing
import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from facespot.errors import FacespotError, OutputError, SettingsError
from facespot.export.atomic import write_text
from facespot.export.tiers import join_action_units
from facespot.synth.casting import Casting
from facespot.synth.datasheet import datasheet
from facespot.synth.plans import VideoPlan, plan_videos
from facespot.synth.presets import Preset
from facespot.synth.recording import SCHEMA as VIDEO_SCHEMA
from facespot.synth.recording import make_video, truth_path, video_path
from facespot.synth.writing import (
    ANNOTATION_COLUMNS,
    DISTRACTOR_COLUMNS,
    checksums,
    format_csv,
    remove_unfinished,
    require_pyarrow,
    versions,
)

SCHEMA = "facespot.synth/1"
MAX_WORKERS = 64
_REPORT_EVERY = 10  # frames


@dataclass(frozen=True)
class Made:
    """What `make_corpus` did.

    Parameters
    ----------
    root : Path
    videos : int
        In the corpus.
    kept : int
        Of these, finished by an earlier run.
    counts : mapping from str to int
        Expressions by type, and distractors.
    """

    root: Path
    videos: int
    kept: int
    counts: dict[str, int]


def make_corpus(
    root: str | Path,
    preset: Preset,
    casting: Casting,
    *,
    seed: int | None = None,
    workers: int = 1,
    frames: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Made:
    """Make a corpus, or go on where an earlier run stopped.

    Parameters
    ----------
    root : str or Path
        New or empty folder, or one that holds the unfinished, or the finished, corpus of the same settings.
    preset : Preset
        What is made.
    casting : Casting
        Whose faces; see `facespot.synth.casting.make_casting`.
    seed : int, optional
        Other than the preset's.
    workers : int
        Processes.
    frames : bool
        Write PNG files in place of H.264 videos.
    on_progress : callable, optional
        Called with frames done and frames in all.

    Raises
    ------
    SettingsError
        If a setting is out of range.
    OutputError
        If the folder holds something else, or cannot be written.
    MissingDependencyError
        If pyarrow is not installed.
    """
    require_pyarrow()
    seed = preset.seed if seed is None else seed
    if not 0 <= seed < 2**63:
        raise SettingsError("seed", f"{seed} is not between 0 and 2**63", "choose another")
    if not 1 <= workers <= MAX_WORKERS:
        raise SettingsError(
            "workers", f"{workers} is not between 1 and {MAX_WORKERS}", "choose the number of processors"
        )
    root, preset = Path(root), casting.fit(preset)
    plans = plan_videos(preset, seed)
    header = _header(preset, seed, casting, plans, frames=frames)
    try:
        _open(root, header)
        todo = [plan for plan in plans if not _is_done(root, plan, frames=frames)]
        done = sum(plan.n_frames for plan in plans) - sum(plan.n_frames for plan in todo)
        counter = _Counter(done, sum(plan.n_frames for plan in plans), on_progress)
        jobs = [(root, plan, preset, casting, frames) for plan in todo]
        for step in _run_here(jobs) if workers == 1 or len(jobs) < 2 else _run_beside(jobs, workers):
            counter.add(step)
        return _finish(root, header, plans, len(plans) - len(todo), frames=frames)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            str(root), f"it cannot be written ({reason})", "choose another folder, or free space"
        ) from error


_Job = tuple[Path, VideoPlan, Preset, Casting, bool]


def _header(preset: Preset, seed: int, casting: Casting, plans: Sequence[VideoPlan], *, frames: bool) -> dict[str, Any]:
    settings = asdict(preset) | {
        "frame_rates": {f"{rate:g}": share for rate, share in preset.frame_rates.items()},
        "sizes": {f"{width}x{height}": share for (width, height), share in preset.sizes.items()},
        "happenings_a_minute": dict(preset.happenings_a_minute),
    }
    header = {
        "schema": SCHEMA,
        "complete": False,
        "preset": preset.name,
        "seed": seed,
        "format": "frames" if frames else "h264",
        "casting": dict(casting.describe()),
        "settings": settings,
        "versions": versions(),
        "videos": [plan.document() for plan in plans],
    }
    return dict(json.loads(json.dumps(header)))


def _open(root: Path, header: dict[str, Any]) -> None:
    """Make the folder ready, or make sure that it holds this very corpus."""
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
            raise OutputError(
                str(root),
                f"it holds another corpus: {', '.join(differing)} differ",
                "choose another folder, or empty it",
            )
        remove_unfinished(root)
    elif root.is_dir() and any(root.iterdir()):
        raise OutputError(str(root), "the folder is not empty and holds no corpus", "choose a new folder")
    for name in ("videos", "truth", "truth/flow"):
        (root / name).mkdir(parents=True, exist_ok=True)
    if not index.is_file():
        write_text(index, json.dumps(header, indent=1) + "\n")


def _is_done(root: Path, plan: VideoPlan, *, frames: bool) -> bool:
    """Whether the video of this very plan is there, whole."""
    if not video_path(root, plan, frames=frames).exists() or not truth_path(root, plan).is_file():
        return False
    document = json.loads(truth_path(root, plan).read_text(encoding="utf-8"))
    same = document.get("schema") == VIDEO_SCHEMA and document.get("plan") == plan.document()
    return same and all((root / name).is_file() for name in document["flow"])


class _Counter:
    def __init__(self, done: int, total: int, on_progress: Callable[[int, int], None] | None) -> None:
        self._done, self._total, self._tell = done, total, on_progress
        self.add(0)

    def add(self, frames: int) -> None:
        self._done += frames
        if self._tell is not None:
            self._tell(self._done, self._total)


def _run_here(jobs: Sequence[_Job]) -> Iterator[int]:
    for root, plan, preset, casting, frames in jobs:
        make_video(root, plan, preset, casting, frames=frames)
        yield plan.n_frames


def _run_beside(jobs: Sequence[_Job], workers: int) -> Iterator[int]:
    """Run jobs in processes that take the next one when they are free; yields frames as they are done."""
    context = multiprocessing.get_context("spawn")
    waiting, events = context.Queue(), context.Queue()
    for job in jobs:
        waiting.put(job)
    count = min(workers, len(jobs))
    for _ in range(count):
        waiting.put(None)
    processes = [context.Process(target=_work, args=(waiting, events), daemon=True) for _ in range(count)]
    try:
        for process in processes:
            process.start()
        left = len(jobs)
        while left:
            try:
                what, value = events.get(timeout=1.0)
            except queue.Empty:
                dead = [one for one in processes if one.exitcode not in (None, 0)]
                if dead:
                    raise OutputError(
                        "synth", f"a worker died (exit code {dead[0].exitcode})", "run it again with fewer --workers"
                    ) from None
                continue
            if what == "frames":
                yield value
            elif what == "video":
                left -= 1
            else:
                raise value
        for process in processes:
            process.join()
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
                process.join()


def _work(waiting: Any, events: Any) -> None:
    """Make videos until there are none left, or the parent is gone."""
    parent = multiprocessing.parent_process()
    while (job := waiting.get()) is not None:
        root, plan, preset, casting, frames = job
        made = 0

        def on_frame() -> None:
            nonlocal made
            made += 1
            if made % _REPORT_EVERY == 0:
                if parent is not None and not parent.is_alive():
                    raise SystemExit(1)
                events.put(("frames", _REPORT_EVERY))

        try:
            make_video(root, plan, preset, casting, frames=frames, on_frame=on_frame)
        except (FacespotError, OSError) as error:
            events.put(("error", error))
            return
        events.put(("frames", made % _REPORT_EVERY))
        events.put(("video", plan.id))


def _finish(root: Path, header: dict[str, Any], plans: Sequence[VideoPlan], kept: int, *, frames: bool) -> Made:
    """Gather the truth of all videos into the tables, then say that the corpus is complete."""
    annotation: list[Sequence[object]] = []
    distractors: list[Sequence[object]] = []
    documents = [json.loads(truth_path(root, plan).read_text(encoding="utf-8")) for plan in plans]
    for plan, document in zip(plans, documents, strict=True):
        video = video_path(root, plan, frames=frames).relative_to(root).as_posix()
        fps = f"{plan.fps:g}" if float(f"{plan.fps:g}") == plan.fps else repr(plan.fps)
        for one in document["expressions"]:
            units = join_action_units(tuple(one["action_units"]))
            ends = (one["onset"] + 1, one["apex"] + 1, one["offset"] + 1)
            annotation.append((plan.subject, video, *ends, one["type"], one["emotion"], units, fps))
        if not document["expressions"]:
            annotation.append((plan.subject, video, "", "", "", "", "", "", fps))
        for one in document["distractors"]:
            seconds = (f"{one[name] / plan.fps:.6f}" for name in ("onset", "offset"))
            strength = "" if one["strength"] is None else one["strength"]
            hides = "yes" if one["hides_face"] else "no"
            span = (one["onset"] + 1, one["offset"] + 1)
            distractors.append((plan.subject, video, one["kind"], *span, *seconds, strength, hides))
    write_text(root / "annotation.csv", format_csv(ANNOTATION_COLUMNS, annotation))
    write_text(root / "truth" / "distractors.csv", format_csv(DISTRACTOR_COLUMNS, distractors))
    write_text(root / "datasheet.md", datasheet(header, documents))
    write_text(root / "corpus.json", json.dumps(header | {"complete": True}, indent=1) + "\n")
    write_text(root / "SHA256SUMS", checksums(root))
    counts = {
        kind: sum(one["type"] == kind for document in documents for one in document["expressions"])
        for kind in ("macro", "micro")
    }
    return Made(root, len(plans), kept, counts | {"distractors": len(distractors)})
