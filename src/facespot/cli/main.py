"""The command ``facespot`` and its subcommands.

Exit codes: 0 done, 1 partly done (some videos failed, all are named), 2 bad input.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from facespot.cli.bench import EPILOG as BENCH_EXAMPLES
from facespot.cli.bench import bench_command
from facespot.cli.convert import convert_command
from facespot.cli.datasets import datasets_app
from facespot.cli.evaluate import evaluate_command
from facespot.cli.methods import methods_app
from facespot.cli.models import models_app
from facespot.cli.recognize import EXAMPLES as RECOGNIZE_EXAMPLES
from facespot.cli.recognize import recognize_command
from facespot.cli.reproduce import EPILOG as REPRODUCE_EXAMPLES
from facespot.cli.reproduce import reproduce_command
from facespot.cli.retrain import EXAMPLES as RETRAIN_EXAMPLES
from facespot.cli.retrain import retrain_command
from facespot.cli.run import EPILOG as RUN_EXAMPLES
from facespot.cli.run import run_command
from facespot.cli.spot import EXAMPLES as SPOT_EXAMPLES
from facespot.cli.spot import spot_command
from facespot.cli.synth import synth_app
from facespot.cli.train import EXAMPLES as TRAIN_EXAMPLES
from facespot.cli.train import train_command
from facespot.errors import FacespotError

app = typer.Typer(
    name="facespot",
    help="Spot facial macro- and micro-expressions in long videos. Nothing leaves this machine.",
    epilog="Example: facespot spot interview.mp4",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"facespot {version('facespot')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Take the options that stand before a subcommand."""


app.command("spot", no_args_is_help=True, epilog=SPOT_EXAMPLES)(spot_command)
app.command("recognize", no_args_is_help=True, epilog=RECOGNIZE_EXAMPLES)(recognize_command)
app.command("evaluate", no_args_is_help=True)(evaluate_command)
app.command("run", no_args_is_help=True, epilog=RUN_EXAMPLES)(run_command)
app.command("train", no_args_is_help=True, epilog=TRAIN_EXAMPLES)(train_command)
app.command("reproduce", no_args_is_help=True, epilog=REPRODUCE_EXAMPLES)(reproduce_command)
app.command("bench", no_args_is_help=True, epilog=BENCH_EXAMPLES)(bench_command)
app.command("convert", no_args_is_help=True)(convert_command)
app.add_typer(datasets_app)
app.add_typer(methods_app)
models_app.command("retrain", no_args_is_help=True, epilog=RETRAIN_EXAMPLES)(retrain_command)
app.add_typer(models_app)
app.add_typer(synth_app)


def run() -> None:
    """Run the command line; bad input ends in one line on stderr and exit code 2."""
    try:
        app()
    except FacespotError as error:
        print(f"facespot: {error}", file=sys.stderr)
        sys.exit(2)
