"""``facespot run``: a method on a corpus under a protocol, in a folder that survives being stopped."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from facespot.errors import SettingsError

if TYPE_CHECKING:
    from facespot.experiments.outcome import RunOutcome
    from facespot.experiments.plan import RunPlan
    from facespot.values import Kind

EPILOG = """\
Examples:

  facespot run synth bench --method softnet --out runs/softnet

  facespot run --resume runs/softnet

  facespot run synth bench --method strain --protocol kfold:5 --kinds macro --out runs/strain

  facespot run synth bench --method spotgcn --choose apex_threshold=0.5,0.6,0.7,0.8 --out runs/spotgcn

  facespot run cas_me_2 /data/CASME2 --method softnet --paper --out runs/published

  facespot run cas_me_2 /data/CASME2 --method softnet --paper --weights released --out runs/released
"""


def run_command(
    dataset: Annotated[
        str | None, typer.Argument(metavar="DATASET", help="Corpus, see 'facespot datasets list'.", show_default=False)
    ] = None,
    root: Annotated[
        Path | None, typer.Argument(metavar="ROOT", help="Folder of your copy.", show_default=False)
    ] = None,
    method: Annotated[str, typer.Option(help="Spotting method; 'facespot methods list' shows all.")] = "softnet",
    protocol: Annotated[str, typer.Option(help="loso, kfold:K (by subject) or kfold:K:video.")] = "loso",
    out: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Run folder; default: runs/METHOD-DATASET.", show_default=False)
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Continue the run of this folder.", show_default=False)
    ] = None,
    paper: Annotated[
        bool,
        typer.Option(
            "--paper",
            help="Repeat the published protocol (k from all subjects, only videos that hold the type, the published "
            "evaluators' rule) instead of the honest one.",
        ),
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Evaluate these weights fold by fold, as 'facespot models import METHOD DIR' makes them; no training.",
            show_default=False,
        ),
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Types to train, spot and evaluate; default: all that the method spots.",
            show_default=False,
        ),
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
    choose: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=A,B",
            help="Choose a setting of the decoding, such as a threshold, in each fold on its training subjects.",
            show_default=False,
        ),
    ] = None,
    data_options: Annotated[
        list[str] | None,
        typer.Option("--data-option", metavar="NAME=VALUE", help="An option of the corpus.", show_default=False),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="Read so many frames per second instead of all.", show_default=False),
    ] = None,
    detector: Annotated[str, typer.Option(help="Face and landmark detector: mediapipe, dlib or mtcnn.")] = "mediapipe",
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Processes; default: all processors.", show_default=False)
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for features; default: ~/.cache/facespot.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print summary.json on stdout and nothing else.")] = False,
) -> None:
    """Train and test a method fold by fold on a corpus; write a summary and a report.

    Features are computed once, folds run in parallel. The run may be stopped at any moment: the same command, or
    --resume, goes on where it stopped and ends with the same files. By default whatever is fitted comes from the
    training subjects alone.
    """
    from facespot.cli.progress import RunProgress
    from facespot.experiments.plan import read_plan
    from facespot.experiments.run import Execution, run
    from facespot.features.cache import default_cache_folder

    if resume is not None:
        if dataset is not None or out is not None:
            raise SettingsError("--resume", "a data set or --out is given too", "give --resume RUN alone")
        plan, folder = read_plan(resume), resume
    else:
        plan = _plan(
            dataset, root, data_options or [], settings or [],
            choose=choose, method=method, protocol=protocol, published=paper, kinds=kinds, seed=seed, fps=fps,
            detector=detector, emotions=emotions,
            weights=None if weights is None else str(weights.absolute()),
        )  # fmt: skip
        folder = out or Path("runs") / f"{plan.method}-{plan.dataset}"
    try:
        with RunProgress(str(folder), shown=not as_json) as progress:
            execution = Execution(
                workers=(os.cpu_count() or 1) if workers is None else workers,
                cache=cache or default_cache_folder(),
                on_progress=progress,
            )
            outcome = run(plan, folder, execution)
    except KeyboardInterrupt:
        print(f"facespot: stopped; go on with 'facespot run --resume {folder}'", file=sys.stderr)
        raise typer.Exit(130) from None
    for name, reason in outcome.failed.items():
        print(f"facespot: {name}: {reason}", file=sys.stderr)
    if not outcome.folds:
        raise typer.Exit(2)
    if as_json:
        print((folder / "summary.json").read_text(encoding="utf-8"), end="")
    else:
        _print(outcome)
    if outcome.failed:
        raise typer.Exit(1)


def _plan(
    dataset: str | None,
    root: Path | None,
    data_options: list[str],
    settings: list[str],
    *,
    choose: str | None,
    method: str,
    kinds: str | None,
    **rest: Any,
) -> RunPlan:
    from facespot.cli.datasets import parse_options
    from facespot.cli.spot import parse_settings
    from facespot.experiments.plan import RunPlan
    from facespot.methods import new_method

    if dataset is None or root is None:
        raise SettingsError("DATASET ROOT", "no corpus is given", "give its name and its folder, or --resume RUN")
    changes = parse_settings(settings)
    tried = {} if choose is None else parse_settings([choose], "--choose")
    if kinds is None:
        chosen = tuple(new_method(method, changes).plan())
    else:
        chosen = cast("tuple[Kind, ...]", tuple(name.strip() for name in kinds.split(",") if name.strip()))
    return RunPlan(
        dataset,
        str(root.absolute()),
        method,
        options=parse_options(dataset, data_options),
        settings=changes,
        kinds=chosen,
        choose={name: values.split(",") for name, values in tried.items()},
        **rest,
    )


def _print(outcome: RunOutcome) -> None:
    from facespot.cli.evaluation_tables import print_summary

    plan = outcome.plan
    print(f"{plan.method} on {plan.dataset}, {plan.root}\n{plan.protocol_text()}\n")
    print_summary(outcome.summary(), outcome.truth, outcome.predicted())
    print(f"\nReport: {outcome.folder / 'report.html'}")
