"""``facespot bench``: every figure of the cards of the shipped weights, from corpora that it makes itself."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from facespot.cli.progress import RunProgress
from facespot.errors import OutputError, SettingsError

EPILOG = """\
Examples:

  facespot bench --data corpora --face-model ict_facekit.npz --out regiontcn.json

  facespot bench --method softnet --method mean --method spotgcn --data corpora --out figures.json

  facespot bench --weights my-weights --data corpora --conditions clean,degraded,calm --out mine.json

  facespot bench --preset tiny-bench --method strain --data tiny --face-model ict_facekit.npz --out tiny.json

A bench that was stopped goes on where it was when the same command is given again.
"""
DEFAULT_METHOD = "regiontcn"


class BenchProgress(RunProgress):
    """Shows which corpus is made, and how many videos are spotted."""

    def __call__(self, stage: Any, done: float, total: float) -> None:
        """Note that `done` of `total` frames or videos of a stage are done."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task("", total=total)
        text = f"{self._title}: {stage} {done:g} of {total:g}"
        self._progress.update(self._tasks[stage], completed=done, total=total, description=text)


def bench_command(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the corpora are; missing ones are made.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.json",
            help="The figures; a table (.csv) and a page (.md) are written beside it.",
            show_default=False,
        ),
    ],
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"Method, {DEFAULT_METHOD} by default; of several, each has its name in that of its files.",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Checkpoint folder in place of the shipped weights.", show_default=False),
    ] = None,
    preset: Annotated[str, typer.Option(metavar="NAME", help="What is measured: heldout-v1 or tiny-bench.")] = (
        "heldout-v1"
    ),
    face_model: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="ICT-FaceKit, where a corpus must be made.", show_default=False),
    ] = None,
    conditions: Annotated[
        str | None, typer.Option(metavar="A,B", help="Measure only these conditions.", show_default=False)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a setting of the method.", show_default=False),
    ] = None,
    recognize: Annotated[
        str | None,
        typer.Option(metavar="METHOD", help="Name the emotion of what was spotted, as in spot.", show_default=False),
    ] = None,
    recognize_weights: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Checkpoint folder of --recognize.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes; default: all processors.", show_default=False)
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for features and results; default: ~/.cache/facespot.", show_default=False
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, and nothing on stdout.")] = False,
) -> None:
    """Measure weights on synthetic people that they never saw: by quality, frame rate, skin, face and head motion.

    Writes every figure with its interval, and prints them beside the targets of the project. No figure is one on
    people.
    """
    from facespot.cli.spot import parse_settings
    from facespot.experiments.bench.bench import Work, run_bench
    from facespot.experiments.bench.conditions import find_bench
    from facespot.experiments.bench.spotting import Spotter, identify
    from facespot.features.cache import default_cache_folder

    methods = method or [DEFAULT_METHOD]
    if out.suffix != ".json":
        raise SettingsError("--out", f"{out} does not end with .json", "name a file such as figures.json")
    if len(methods) > 1 and (weights or settings):
        raise SettingsError("--method", "several are given, with weights or settings of one", "bench them one by one")
    if recognize is None and recognize_weights:
        raise SettingsError("--recognize", "no method is named", "add --recognize mean")
    bench = find_bench(preset)
    names = tuple(name.strip() for name in (conditions or "").split(",") if name.strip())
    bench.chosen(names)
    spotters = [
        Spotter(name, tuple(weights or ()), parse_settings(settings or []), recognize, tuple(recognize_weights or ()))
        for name in methods
    ]
    for spotter in spotters:
        identify(spotter)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(str(out.parent), f"it cannot be made ({error.strerror})", "choose another --out") from error
    work = Work(
        face_model=face_model,
        cache=cache or default_cache_folder(),
        workers=(os.cpu_count() or 1) if workers is None else workers,
    )
    failed = 0
    for spotter in spotters:
        target = out if len(spotters) == 1 else out.with_stem(f"{out.stem}-{spotter.method}")
        try:
            with BenchProgress(spotter.method, shown=not quiet) as progress:
                document = run_bench(bench, spotter, data, names=names, work=replace(work, on_progress=progress))
        except KeyboardInterrupt:
            print("facespot: stopped; the same command goes on where it was", file=sys.stderr)
            raise typer.Exit(130) from None
        failed += _report(document, target, quiet=quiet)
    if failed:
        raise typer.Exit(1)


def _report(document: dict[str, Any], out: Path, *, quiet: bool) -> int:
    """Write and print what was measured; returns how many videos could not be spotted."""
    from facespot.experiments.bench.document import format_document, format_table
    from facespot.experiments.bench.page import bench_page
    from facespot.export.atomic import write_text

    write_text(out, format_document(document))
    write_text(out.with_suffix(".csv"), format_table(document))
    write_text(out.with_suffix(".md"), bench_page(document))
    failed = {
        f"{one['corpus']}, {video}": reason for one in document["conditions"] for video, reason in one["failed"].items()
    }
    for where, reason in failed.items():
        print(f"facespot: {where}: {reason}", file=sys.stderr)
    if not quiet:
        _print(document, out)
    return len(failed)


def _print(document: dict[str, Any], out: Path) -> None:
    from facespot.cli.tables import console_of_stdout
    from facespot.experiments.bench.page import DIFFERENCE_HEAD, conditions_table, differences_rows, targets_table

    console = console_of_stdout()
    console.print(f"{document['method']} on {document['preset']}. {document['limits']}")
    console.print(f"Rule: {document['rule']}. Brackets: {document['intervals']}.")
    shown = [conditions_table(document), (DIFFERENCE_HEAD, differences_rows(document)), targets_table(document)]
    for head, rows in shown:
        if rows:
            console.print(_table(head, rows))
    beside = ", ".join(str(out.with_suffix(suffix)) for suffix in (".csv", ".md"))
    console.print(f"{out}, {beside}", soft_wrap=True)


def _table(head: Any, rows: Any) -> Any:
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    shown = Table(box=SIMPLE, pad_edge=False)
    for name in head:
        shown.add_column(name, justify="left" if name == head[0] else "right")
    for row in rows:
        shown.add_row(*(escape(cell) for cell in row))
    return shown
