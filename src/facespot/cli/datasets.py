"""``facespot datasets``: which corpora can be read, and whether a copy is complete."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facespot.errors import SettingsError

if TYPE_CHECKING:
    from facespot.datasets import Count, Dataset

datasets_app = typer.Typer(
    name="datasets", help="List the corpora that can be read, and check a copy of one.", no_args_is_help=True
)
_HEADINGS = {
    "dropped": "Dropped",
    "repaired": "Repaired",
    "missing video": "Missing videos",
    "frame count": "Frames that do not fit",
    "noted": "Noted",
}


@datasets_app.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")] = False,
) -> None:
    """List the corpora, whom to cite, their terms, where to get them, and how they must lie.

    Example: facespot datasets list
    """
    from facespot.datasets import CORPORA, corpus, corpus_options

    entries = []
    for name in CORPORA:
        one = corpus(name)
        entries.append(
            {
                "name": name,
                "title": one.title,
                "citation": one.citation,
                "licence": one.licence,
                "source": one.source,
                "layout": one.layout,
                "options": ", ".join(f"{option}={default}" for option, default in corpus_options(name).items()),
            }
        )
    if as_json:
        print(json.dumps(entries, indent=1))
        return
    print("facespot ships none of these: ask for your own copy.\n")
    for entry in entries:
        print(f"{entry['name']}  {entry['title']}")
        for label in ("citation", "licence", "source", "layout", "options"):
            print(f"  {label}: {entry[label]}")
        print()


@datasets_app.command("check", no_args_is_help=True)
def check_command(
    name: Annotated[str, typer.Argument(help="Name of a corpus, see facespot datasets list.")],
    root: Annotated[Path, typer.Argument(help="Folder of your copy.")],
    emotions: Annotated[str | None, typer.Option(help="Group the emotions: three, five, composite or basic.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the corpus; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")] = False,
) -> None:
    """Count a copy of a corpus beside the published counts, and name everything that was skipped, repaired or is odd.

    Exit code 1 if an annotation was dropped.

    Example: facespot datasets check samm_lv /data/SAMM --set drop_unknown_onset=false
    """
    from facespot.datasets import load_dataset

    options = parse_options(name, settings or [])
    dataset = load_dataset(name, root, emotions=emotions, **options)
    counts = _counts(dataset)
    if as_json:
        print(json.dumps(_document(dataset, counts), indent=1))
    else:
        _print(dataset, counts)
    if dataset.report.dropped:
        raise typer.Exit(1)


def _counts(dataset: Dataset) -> list[Count]:
    from facespot.datasets import Count, check
    from facespot.protocols import half_mean_length
    from facespot.values import KINDS

    counts = list(check(dataset))
    rates = [one.timebase.fps for one in dataset.recordings]
    for kind in KINDS:
        if any(one.truth.of_kind(kind).expressions for one in dataset.recordings):
            # Where the rates differ, frames of the highest one are the only common measure.
            same = max(rates) <= 1.01 * min(rates)
            half = half_mean_length(dataset.recordings, kind, fps=None if same else max(rates))
            label = f"half length {kind}"
            counts.append(Count(label, half, dataset.published.get(label, ())))
    return counts


def parse_options(name: str, settings: list[str]) -> dict[str, Any]:
    """``["drop_unknown_onset=false"]`` to the options of a corpus, each of the type of its default.

    Raises
    ------
    SettingsError
        If a name is unknown or a value does not fit.
    """
    from facespot.datasets import corpus_options

    known = corpus_options(name)
    options: dict[str, Any] = {}
    for setting in settings:
        option, separator, value = setting.partition("=")
        if not separator or option not in known:
            remedy = f"write NAME=VALUE with one of {', '.join(known)}"
            raise SettingsError("--set", f"{setting!r} is not an option of {name}", remedy)
        options[option] = _value(option, value, known[option])
    return options


def _value(option: str, value: str, default: Any) -> Any:
    if isinstance(default, bool):
        if value.lower() not in ("true", "false"):
            raise SettingsError("--set", f"{option} is true or false, not {value!r}", f"write {option}=false")
        return value.lower() == "true"
    kind = int if isinstance(default, int) else float if option == "frame_rate" else str
    try:
        return kind(value)
    except ValueError:
        raise SettingsError("--set", f"{option} is a number, not {value!r}", f"write {option}=1") from None


def _published(count: Count) -> str:
    """Published values as text: ``87-98``, ``331 or 333``."""
    values = count.published
    if len(values) > 2 and values == tuple(range(values[0], values[-1] + 1)):
        return f"{values[0]}-{values[-1]}"
    return " or ".join(map(str, values))


def _print(dataset: Dataset, counts: list[Count]) -> None:
    from rich.box import SIMPLE
    from rich.table import Table

    from facespot.cli.tables import console_of_stdout

    print(f"{dataset.name}: {dataset.root}\n{dataset.citation}")
    table = Table(box=SIMPLE, pad_edge=False)
    for column in ("count", "here", "published", ""):
        table.add_column(column, justify="right" if column in ("here", "published") else "left")
    for count in counts:
        table.add_row(count.name, str(count.found), _published(count), "differs" if count.fits is False else "")
    console_of_stdout().print(table)
    for action, heading in _HEADINGS.items():
        found = [one for one in dataset.report.findings if one.action == action]
        if found:
            print(f"{heading}: {len(found)}")
            for one in found:
                print(f"  {one.where}: {one.reason}")
    if not dataset.report.findings:
        print("Nothing was skipped, repaired or is odd.")


def _document(dataset: Dataset, counts: list[Count]) -> dict[str, Any]:
    return {
        "schema": "facespot.dataset/1",
        "name": dataset.name,
        "root": str(dataset.root),
        "citation": dataset.citation,
        "licence": dataset.licence,
        "counts": [{**asdict(count), "fits": count.fits} for count in counts],
        "findings": [asdict(finding) for finding in dataset.report.findings],
        "totals": dict(Counter(finding.action for finding in dataset.report.findings)),
    }
