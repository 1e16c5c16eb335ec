"""``facespot reproduce``: a paper's tables and figures again, ours beside the printed ones."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from facespot.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from facespot.experiments.papers.reproduction import ReproducedFigure, Reproduction
    from facespot.experiments.table import ReproducedTable

EPILOG = """\
Examples:

  facespot reproduce --list

  facespot reproduce softnet:table2 --data bench

  facespot reproduce softnet:table1 softnet:table4 --data /data/CASME2 --corpus casme2sq

  facespot reproduce softnet:table3 --data bench --set epochs=2 --set samples_per_epoch=1000

  facespot reproduce softnet:figure6 --data bench --video s03_v1 --honest

  facespot reproduce mean:table2 mean:table5 --data /data/CASME2 --corpus casme_ii
"""
ALIASES = {"casme2sq": "cas_me_2", "sammlv": "samm_lv"}
SUFFIXES = {"text": "txt", "csv": "csv", "markdown": "md"}


def reproduce_command(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="Tables and figures, such as softnet:table1.", show_default=False),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Print every id with its title and stop.")] = False,
    data: Annotated[Path | None, typer.Option(metavar="ROOT", help="Folder of the corpus.", show_default=False)] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="casme2sq, sammlv, synth or any name of 'facespot datasets list'; default: synth where ROOT is one.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of runs and tables; default: reproduced/CORPUS.", show_default=False),
    ] = None,
    honest: Annotated[
        bool,
        typer.Option("--honest", help="Fit whatever is fitted on training subjects alone, count every video."),
    ] = False,
    protocol: Annotated[str, typer.Option(help="loso, kfold:K (by subject) or kfold:K:video.")] = "loso",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change a setting in every run whose method has it; the heading then says so.",
            show_default=False,
        ),
    ] = None,
    data_options: Annotated[
        list[str] | None,
        typer.Option("--data-option", metavar="NAME=VALUE", help="An option of the corpus.", show_default=False),
    ] = None,
    emotions: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            help="Group the annotated emotions: three, five, composite or basic; default: as the paper does.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of all random draws.")] = 0,
    fps: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="Read so many frames per second instead of all.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes; default: all processors.", show_default=False)
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for features; default: ~/.cache/facespot.", show_default=False),
    ] = None,
    videos: Annotated[
        list[str] | None,
        typer.Option("--video", metavar="VIDEO", help="Video that a figure shows; repeatable.", show_default=False),
    ] = None,
    form: Annotated[Literal["text", "csv", "markdown"], typer.Option("--format", help="What is printed.")] = "text",
) -> None:
    """Make tables and figures of a paper again and print ours beside the printed ones.

    Every table says on which data and by which protocol it was made. Default is the published protocol. Runs are kept
    in DIR/runs and shared between tables; stopped at any moment, the same command goes on. Each table is also written
    as DIR/ID.txt, .csv and .md, each figure as .png.
    """
    from facespot.experiments.papers.registry import METHODS_OF_PAPER, maker, titles

    if listed:
        for name, title in titles().items():
            print(f"{name:16} {title}")
        return
    if not ids:
        raise SettingsError("ID", "no table or figure is named", "choose from facespot reproduce --list")
    makers = {name: maker(name) for name in ids}
    reproduction = _reproduction(
        list(makers), data, corpus, out, data_options or [], settings or [],
        published=not honest, protocol=protocol, emotions=emotions, seed=seed, fps=fps,
        workers=(os.cpu_count() or 1) if workers is None else workers, cache=cache, videos=tuple(videos or ()),
    )  # fmt: skip
    try:
        for number, (name, make) in enumerate(makers.items()):
            if number and form != "csv":
                print()
            of_paper = reproduction.of(METHODS_OF_PAPER[name.partition(":")[0]][0])
            _show(make(of_paper), reproduction.out, form, first=not number)
    except KeyboardInterrupt:
        print("facespot: stopped; the same command goes on", file=sys.stderr)
        raise typer.Exit(130) from None
    for name, reason in reproduction.failed.items():
        print(f"facespot: {name}: {reason}", file=sys.stderr)
    if reproduction.failed:
        raise typer.Exit(1)


def _reproduction(
    ids: list[str],
    data: Path | None,
    corpus: str | None,
    out: Path | None,
    data_options: list[str],
    settings: list[str],
    *,
    published: bool,
    protocol: str,
    emotions: str | None,
    seed: int,
    fps: float | None,
    workers: int,
    cache: Path | None,
    videos: tuple[str, ...],
) -> Reproduction:
    from facespot.cli.datasets import parse_options
    from facespot.cli.progress import RunProgress
    from facespot.cli.spot import parse_settings
    from facespot.experiments.papers.registry import METHODS_OF_PAPER
    from facespot.experiments.papers.reproduction import Reproduction, check_settings
    from facespot.experiments.plan import RunPlan
    from facespot.experiments.run import Execution
    from facespot.features.cache import default_cache_folder

    if data is None:
        raise SettingsError("--data", "no corpus is given", "name its folder with --data ROOT")
    dataset = corpus_name(corpus, data)
    changed = parse_settings(settings)
    methods = list(dict.fromkeys(method for name in ids for method in METHODS_OF_PAPER[name.partition(":")[0]]))
    check_settings(changed, methods)
    plan = RunPlan(
        dataset,
        str(data.absolute()),
        methods[0],
        options=parse_options(dataset, data_options),
        settings=changed,
        protocol=protocol,
        published=published,
        seed=seed,
        emotions=emotions,
        fps=fps,
    )
    return Reproduction(
        plan,
        out or Path("reproduced") / dataset,
        Execution(workers=workers, cache=cache or default_cache_folder()),
        videos,
        progress=lambda name: RunProgress(name, shown=True),
    )


def corpus_name(given: str | None, root: Path) -> str:
    """The corpus of a name or alias; without one, synth where the folder is such a corpus.

    Raises
    ------
    SettingsError
        If there is no such corpus, or none is named and the folder does not tell.
    """
    from facespot.datasets import CORPORA
    from facespot.datasets.synth import SCHEMA

    choices = f"choose {', '.join([*ALIASES, *CORPORA])}"
    if given is not None:
        name = ALIASES.get(given, given)
        if name not in CORPORA:
            raise SettingsError("--corpus", f"there is none named {given!r}", choices)
        return name
    try:
        header = json.loads((root / "corpus.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        header = None
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise SettingsError("--corpus", f"it is not given, and {root} is no synthetic corpus", choices)
    return "synth"


def _show(made: ReproducedTable | ReproducedFigure, out: Path, form: str, *, first: bool) -> None:
    """Print a table and write it in every form, or print where the pictures are."""
    from facespot.experiments.table import ReproducedTable
    from facespot.export.atomic import write_text

    if not isinstance(made, ReproducedTable):
        # The paths are no rows of a CSV.
        print(made.text(), end="", file=sys.stderr if form == "csv" else sys.stdout)
        return
    texts = {"text": made.text(), "csv": made.csv(), "markdown": made.markdown()}
    _make_folder(out)
    for name, text in texts.items():
        write_text(out / f"{made.id.replace(':', '-')}.{SUFFIXES[name]}", text)
    shown = texts[form]
    print(shown if form != "csv" or first else shown.partition("\n")[2], end="")


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "choose another place with --out"
        raise OutputError(str(out), f"it cannot be made ({error.strerror})", remedy) from error
