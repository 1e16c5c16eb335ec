"""``facespot models retrain``: the weights that come with facespot, made again from nothing."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from facespot.errors import SettingsError

EXAMPLES = """\
Examples:

  facespot models retrain made --face-model ICT-FaceKit --dry-run

  facespot models retrain made --face-model ICT-FaceKit --method softnet --workers 4
"""


def retrain_command(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="For corpora, features, weights and figures.", show_default=False),
    ],
    face_model: Annotated[
        Path,
        typer.Option(metavar="PATH", help="ICT-FaceKit: its folder, or the .npz of pack-model.", show_default=False),
    ],
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only the weights of this method; default: all.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes; default: all processors.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands and do nothing.")] = False,
) -> None:
    """Make the weights that come with facespot from nothing: corpora, training, figures, cards.

    Each step is a command of facespot that you could give yourself, and is printed. All that is made is kept. It may be
    stopped at any moment: the same command goes on with the first step that is not done.
    """
    from facespot.experiments.recipe import Placeholders, Step, follow, read_recipe, steps_for

    steps = steps_for(read_recipe(), method or [])
    processes = (os.cpu_count() or 1) if workers is None else workers
    if processes < 1:
        raise SettingsError("--workers", f"{processes} is out of range", "give 1 or more")
    given = Placeholders(folder, face_model, processes)

    def line(step: Step) -> str:
        return shlex.join(["facespot", *step.command(given.values)])

    def show(step: Step, done: bool) -> None:
        # The step writes to the same place as soon as it begins.
        print(f"[{steps.index(step) + 1}/{len(steps)}] {line(step)}{'  (done before)' if done else ''}", flush=True)

    if dry_run:
        for step in steps:
            print(line(step))
        return
    if not face_model.exists():
        raise SettingsError("--face-model", f"{face_model} is not there", "clone ICT-FaceKit and name its folder")
    try:
        follow(steps, given, show)
    except KeyboardInterrupt:
        print("facespot: stopped; give the same command again to go on", file=sys.stderr)
        raise typer.Exit(130) from None
