"""``facespot train``: one set of weights from whole corpora, in a folder that survives being stopped."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, cast

import typer

from facespot.cli.progress import RunProgress
from facespot.errors import SettingsError

if TYPE_CHECKING:
    from facespot.experiments.training_run import TrainedWeights
    from facespot.values import Kind

EXAMPLES = """\
Examples:

  facespot train softnet --data train30 --out weights/softnet

  facespot train spotgcn --data train30 --data train60 --data train30-worse --set epochs=20 --out weights/spotgcn

  facespot train mean --data recordings --dataset own_data --emotions three --out weights/mean
"""


class TrainingProgress(RunProgress):
    """Shows the features, then the steps of each network."""

    LABELS = MappingProxyType(
        {
            "features": "features, video",
            "macro": "training macro, step",
            "micro": "training micro, step",
            "both": "training, step",
        }
    )


def train_command(
    method: Annotated[
        str,
        typer.Argument(metavar="METHOD", help="A method that learns, see 'facespot methods list'.", show_default=False),
    ],
    data: Annotated[
        list[Path],
        typer.Option(metavar="DIR", help="Folder of a corpus; give it once per corpus.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the weights.", show_default=False)],
    dataset: Annotated[str, typer.Option(help="What the corpora are, see 'facespot datasets list'.")] = "synth",
    data_options: Annotated[
        list[str] | None,
        typer.Option("--data-option", metavar="NAME=VALUE", help="An option of the corpora.", show_default=False),
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Types to learn; default: all that the method spots.", show_default=False),
    ] = None,
    emotions: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            help="Group the annotated emotions, for methods that name them: three, five, composite or basic.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of all random draws.")] = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change a setting; 'facespot methods show' lists them.",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="Read so many frames per second instead of all.", show_default=False),
    ] = None,
    detector: Annotated[str, typer.Option(help="Face and landmark detector: mediapipe, dlib or mtcnn.")] = "mediapipe",
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Processes for the features; default: all processors.", show_default=False),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for features; default: ~/.cache/facespot.", show_default=False),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Train one set of weights on all people of one or several corpora.

    What 'facespot run' does in each fold, without a test: use it to make weights, and 'run' to learn how good they are.

    People who play in several synthetic corpora count once. It may be stopped at any moment: the same command goes on
    where it stopped and ends with the same bytes.
    """
    from facespot.cli.datasets import parse_options
    from facespot.cli.spot import parse_settings
    from facespot.experiments.training_plan import TrainingPlan
    from facespot.experiments.training_run import train_weights

    if fps is not None and fps <= 0:
        raise SettingsError("--fps", f"{fps:g} is out of range", "give more than 0")
    plan = TrainingPlan(
        method,
        tuple(data),
        dataset,
        options=parse_options(dataset, data_options or []),
        settings=parse_settings(settings or []),
        kinds=() if kinds is None else cast("tuple[Kind, ...]", tuple(one.strip() for one in kinds.split(","))),
        seed=seed,
        emotions=emotions,
        fps=fps,
        detector=detector,
    )
    try:
        with TrainingProgress(str(out), shown=not quiet) as progress:
            trained = train_weights(
                plan,
                out,
                workers=(os.cpu_count() or 1) if workers is None else workers,
                cache=cache,
                on_progress=progress,
                on_failure=lambda name, reason: print(f"facespot: {name}: {reason}", file=sys.stderr),
            )
    except KeyboardInterrupt:
        print("facespot: stopped; give the same command again to go on", file=sys.stderr)
        raise typer.Exit(130) from None
    _print(trained)
    if trained.failed:
        raise typer.Exit(1)


def _print(trained: TrainedWeights) -> None:
    found = trained.document
    expressions = " and ".join(f"{count} {kind}-" for kind, count in found["expressions"].items())
    print(
        f"{trained.folder}: {found['method']}, trained on {found['subjects']} subjects, {found['videos']} videos, "
        f"{found['minutes']:g} minutes, {expressions}expressions"
    )
    for one in trained.checkpoints:
        print(f"{one.path}: {one.kind or 'macro and micro'}, sha256 {one.digest}")
