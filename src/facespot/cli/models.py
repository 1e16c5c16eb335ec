"""``facespot models``: weights that come with facespot, checkpoints, and the import of other authors' weights."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from facespot.errors import SettingsError

if TYPE_CHECKING:
    from facespot.models import Checkpoint

models_app = typer.Typer(
    name="models", help="List and show weights, and import those of other authors.", no_args_is_help=True
)

SHOW_EXAMPLES = """\
Examples:

  facespot models show softnet

  facespot models show runs/mine/folds/001-s01/macro --json
"""


@models_app.command("list")
def list_command() -> None:
    """List the weights that come with facespot: types, size, what they were trained on, licence; and what has none.

    Example: facespot models list
    """
    from facespot.cli.model_tables import print_list
    from facespot.models import read_checkpoint, shipped_card, shipped_methods, shipped_weights

    names = shipped_methods()
    checkpoints = {name: [read_checkpoint(path, method=name) for path in shipped_weights(name)] for name in names}
    print_list(checkpoints, {name: shipped_card(name) for name in names})


@models_app.command("show", no_args_is_help=True, epilog=SHOW_EXAMPLES)
def show_command(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A method that comes with weights, or a checkpoint folder of your own."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")] = False,
) -> None:
    """Show weights: their settings, what was fitted, where they come from, hashes, and the card with their figures."""
    from facespot.cli.model_tables import model_document, print_model
    from facespot.methods.registry import METHODS
    from facespot.models import read_checkpoint, shipped_card, shipped_methods, shipped_weights

    shipped = shipped_methods()
    if name in shipped:
        checkpoints = [read_checkpoint(path, method=name) for path in shipped_weights(name)]
        card = shipped_card(name)
    elif Path(name).exists():
        checkpoints, card = [read_checkpoint(name)], None
    else:
        what = "this method comes with no weights" if name in METHODS else "there is no such method and no such folder"
        known = f"choose one of {', '.join(shipped)}, or " if shipped else ""
        raise SettingsError(name, what, f"{known}give a checkpoint folder")
    document = model_document(name, checkpoints, card, shipped=name in shipped)
    if as_json:
        print(json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False))
    else:
        print_model(document)


@models_app.command("card", no_args_is_help=True)
def card_command(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="A method that comes with weights.")],
    figures: Annotated[
        Path, typer.Option(metavar="FILE", help="What 'facespot bench' measured of them.", show_default=False)
    ],
) -> None:
    """Write the card of weights that come with facespot, from their facts.toml and measured figures.

    For those who make a release of facespot; the card is written beside the weights.

    Example: facespot models card softnet --figures softnet.json
    """
    from facespot.experiments.card_input import read_facts, read_figures
    from facespot.experiments.cards import render_card
    from facespot.export.atomic import write_text
    from facespot.methods import load_method
    from facespot.models.shipped import CARD_FILE, FACTS_FILE, shipped_folder, shipped_weights

    if not shipped_weights(method):
        raise SettingsError("METHOD", f"{method!r} comes with no weights", "see 'facespot models list'")
    loaded = load_method(method)
    seeds = [one["origin"]["seed"] for one in loaded.weights_used() if one["origin"]["seed"] is not None]
    folder = shipped_folder(method)
    text = render_card(read_facts(folder / FACTS_FILE, seeds), read_figures(figures, loaded))
    write_text(folder / CARD_FILE, text)
    print(folder / CARD_FILE)


@models_app.command("import", no_args_is_help=True)
def import_command(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Whose weights they are: softnet or mean.")],
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="The authors' Keras file (.hdf5, .h5). softnet: or a folder with those of all folds. mean: or a spot "
            "and a recog file of one fold.",
            show_default=False,
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(
            metavar="TYPE",
            help="macro or micro; default: from the file name, micro for mean. Of a folder, only the files of this "
            "type.",
            show_default=False,
        ),
    ] = None,
    corpus: Annotated[
        str | None,
        typer.Option(
            metavar="CORPUS",
            help="Of a folder, only the files of this corpus: CASME_sq or SAMMLV.",
            show_default=False,
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Emotions that the outputs of mean stand for, in order; default: those of the corpus in the name.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder to make; default: the file's stem, for a folder softnet-CASME_sq or softnet-SAMMLV.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier import made.")] = False,
) -> None:
    """Turn the authors' Keras file into a checkpoint: network.onnx, weights.safetensors, method.json.

    Of a folder of SOFTNet, all folds of one corpus at once: s1/macro, s1/micro, s2/macro ... and weights.json. Files
    that are no weights of SOFTNet are named on stderr; the exit code is then 1. Of MEAN, one file, or two of the same
    fold: spot and recog.

    Needs the extra [train]; the checkpoints then run without it.

    Example: facespot models import softnet SOFTNet_Weights/CASME_sq --out softnet-folds
    """
    if method not in ("softnet", "mean"):
        raise SettingsError("METHOD", f"weights of {method!r} cannot be imported", "choose softnet or mean")
    file = files[0]
    if method == "softnet" and len(files) > 1:
        raise SettingsError("FILE", f"{len(files)} files of softnet are given", "give one file, or their folder")
    if method == "softnet" and classes is not None:
        raise SettingsError("--classes", "softnet names no emotions", "leave --classes out")
    if method == "softnet" and file.is_dir():
        _import_folder(file, out, corpus=corpus, kind=kind, overwrite=overwrite)
        return
    if corpus is not None:
        remedy = "leave --corpus out, or give a folder" if method == "softnet" else "leave --corpus out"
        raise SettingsError("--corpus", f"{file} is one file", remedy)
    checkpoint = _import_files(method, files, out or Path(file.stem), kind, classes, overwrite)
    names = f", emotions {', '.join(checkpoint.fitted['classes'])}" if "classes" in checkpoint.fitted else ""
    print(f"{checkpoint.path}: {checkpoint.method} {checkpoint.kind}{names}, sha256 {checkpoint.digest}")


def _import_files(
    method: str, files: list[Path], out: Path, kind: str | None, classes: str | None, overwrite: bool
) -> Checkpoint:
    if method == "softnet":
        from facespot.methods.softnet.keras_import import import_keras_softnet

        return import_keras_softnet(files[0], out, kind=kind, overwrite=overwrite)
    from facespot.methods.mean.keras_import import import_keras_mean

    if len(files) > 2:
        raise SettingsError(
            "FILE", f"{len(files)} files of mean are given", "give one file, or a spot and a recog file"
        )
    named = None if classes is None else [name.strip() for name in classes.split(",") if name.strip()]
    return import_keras_mean(files, out, kind=kind, classes=named, overwrite=overwrite)


def _import_folder(folder: Path, out: Path | None, *, corpus: str | None, kind: str | None, overwrite: bool) -> None:
    from facespot.methods.softnet.release import import_release

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("importing weights", total=None)
        made = import_release(
            folder,
            out,
            corpus=corpus,
            kind=kind,
            overwrite=overwrite,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    for failure in made.failures:
        print(f"facespot: {failure}", file=sys.stderr)
    for (fold, of_kind), checkpoint in made.checkpoints.items():
        print(f"{checkpoint.path}: softnet {of_kind}, fold {fold} of {made.corpus}, sha256 {checkpoint.digest}")
    if made.failures:
        raise typer.Exit(1)
