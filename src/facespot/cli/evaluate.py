"""``facespot evaluate``: a prediction beside the truth, or two predictions beside each other, under a stated rule."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from facespot.errors import FormatError, SettingsError

if TYPE_CHECKING:
    from facespot.metrics import Resampling, Rule

EPILOG = """\
Examples:

  facespot evaluate examples/demo_truth.csv facespot_results/demo/expressions.csv

  facespot evaluate truth.csv predicted.csv --subjects subjects.csv --html evaluation.html

  facespot evaluate truth.csv predicted.csv --paper --json

  facespot evaluate truth.csv --compare softnet.csv mean.csv --subjects subjects.csv
"""


def evaluate_command(
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="File of annotated expressions.")],
    predicted: Annotated[
        Path | None, typer.Argument(metavar="PREDICTED", help="File of spotted expressions.", show_default=False)
    ] = None,
    compare_files: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--compare", metavar="A B", help="Test the difference of two predictions.", show_default=False),
    ] = None,
    iou: Annotated[float, typer.Option(help="Smallest intersection over union of a hit.")] = 0.5,
    strict: Annotated[bool, typer.Option("--strict", help="The IoU must exceed --iou, not only reach it.")] = False,
    matching: Annotated[
        str | None, typer.Option(help="optimal (default), or greedy as the published evaluators.", show_default=False)
    ] = None,
    videos: Annotated[
        str | None,
        typer.Option(
            help="all (default), or with_type: for each type only the videos that hold it.", show_default=False
        ),
    ] = None,
    paper: Annotated[
        bool,
        typer.Option(
            "--paper",
            help="The published evaluators' rule: greedy, with_type, AP not ranked, 1 FP for a silent video.",
        ),
    ] = False,
    subjects: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV with the columns video,subject[,frames].", show_default=False),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Emotions that are scored; default: those of TRUTH.", show_default=False),
    ] = None,
    absent: Annotated[
        str | None,
        typer.Option(help="Emotions without samples: zero (default), present or occurring.", show_default=False),
    ] = None,
    frame_rate: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="Frames per second, where the files do not tell.", show_default=False),
    ] = None,
    resamples: Annotated[int, typer.Option(metavar="N", help="Resampled data sets for the intervals.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the resampling.")] = 0,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one HTML page.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")] = False,
) -> None:
    """Count hits, false alarms and misses of a prediction, with intervals of confidence and kinds of mistakes.

    A spotted expression is a hit when it has the type of a true one, reaches the IoU with it, and no other one hit it.
    Intervals come from resampled subjects. The rules are described in docs/metrics.md.

    Example: facespot evaluate examples/demo_truth.csv facespot_results/demo/expressions.csv
    """
    from facespot.cli.evaluation_input import read_input
    from facespot.metrics import Resampling

    rule = _rule(paper, iou, strict, matching, videos, absent)
    if resamples < 1:
        raise SettingsError("--resamples", f"{resamples} is out of range", "give at least 1")
    if seed < 0:
        raise SettingsError("--seed", f"{seed} is out of range", "give 0 or more")
    if (predicted is None) == (compare_files is None):
        raise SettingsError("PREDICTED", "one prediction, or two to compare, are needed", "give PREDICTED or --compare")
    files = [predicted] if predicted is not None else list(compare_files or ())
    chosen = None if classes is None else tuple(name.strip() for name in classes.split(",") if name.strip())
    given = read_input(truth, files, subjects=subjects, classes=chosen, frame_rate=frame_rate)
    for note in given.notes:
        print(f"facespot: {note}", file=sys.stderr)
    resampling = Resampling(seed=seed, n_resamples=resamples)
    try:
        if predicted is not None:
            _evaluate(given, rule, resampling, html, as_json)
        else:
            _compare(given, [str(file) for file in files], rule, resampling, html, as_json)
    except ValueError as error:
        remedy = "the column 'video' of all files must hold the same names"
        raise FormatError(str(files[-1]), str(error), remedy) from error


def _rule(paper: bool, iou: float, strict: bool, matching: str | None, videos: str | None, absent: str | None) -> Rule:
    from facespot.metrics import PAPER_RULE, Rule
    from facespot.metrics.matching import Matching, Videos
    from facespot.metrics.recognition import ABSENT_CLASSES

    if not 0 < iou <= 1:
        raise SettingsError("--iou", f"{iou} is out of range", "give more than 0 and at most 1")
    changes: dict[str, Any] = {"iou": iou, "strict": strict}
    choices = {
        "matching": (matching, get_args(Matching)),
        "videos": (videos, get_args(Videos)),
        "absent": (absent, ABSENT_CLASSES),
    }
    for name, (value, known) in choices.items():
        if value is None:
            continue
        if value not in known:
            raise SettingsError(f"--{name}", f"{value!r} is not a choice", f"choose {' or '.join(known)}")
        changes[name] = value
    return replace(PAPER_RULE if paper else Rule(), **changes)


def _evaluate(given: Any, rule: Rule, resampling: Resampling, html: Path | None, as_json: bool) -> None:
    from facespot.cli.evaluation_tables import print_summary
    from facespot.metrics import summarize
    from facespot.report.evaluation import write_evaluation_page
    from facespot.report.evaluation_document import evaluation_document

    predicted = given.predicted[0]
    summary = summarize(given.truth, predicted, rule=rule, corpus=given.corpus, resampling=resampling)
    if html is not None:
        write_evaluation_page(summary, given.truth, predicted, html)
    if as_json:
        print(json.dumps(evaluation_document(summary), indent=1, allow_nan=False))
    else:
        print_summary(summary, given.truth, predicted)


def _compare(
    given: Any, names: list[str], rule: Rule, resampling: Resampling, html: Path | None, as_json: bool
) -> None:
    from facespot.cli.evaluation_tables import print_comparison
    from facespot.metrics import compare
    from facespot.report.evaluation import write_comparison_page
    from facespot.report.evaluation_document import comparison_document

    first, second = given.predicted
    comparison = compare(given.truth, first, second, rule=rule, corpus=given.corpus, resampling=resampling)
    if html is not None:
        write_comparison_page(comparison, names, html)
    if as_json:
        print(json.dumps(comparison_document(comparison, names), indent=1, allow_nan=False))
    else:
        print_comparison(comparison, names)
