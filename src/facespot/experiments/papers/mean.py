"""MEAN's tables, from top to bottom: each is made from runs that the others use too.

``mean-micro-three``                       all tables, figures 4, 5 and 7 (short videos: ``...-one_peak-True-...``)
``mean-micro-distance_s-0.05-...``         table 6, and one with 0.15
``mean-micro-transfer-False-...``          table 9
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from facespot.experiments.outcome import RunOutcome
from facespot.experiments.papers.mean_findings import (
    KIND,
    WITH,
    WITHOUT,
    Findings,
    findings,
    grouped,
    has_short_videos,
    recognition_notes,
    run_mean,
)
from facespot.experiments.papers.reproduction import Reproduction
from facespot.experiments.papers.wording import difference_text, interval_text, spotting_details
from facespot.experiments.printed import Value
from facespot.experiments.table import ReproducedTable
from facespot.metrics import Resampling, compare
from facespot.metrics.apex import apex_spotting_rate_of_tracks
from facespot.metrics.bootstrap import (
    Measure,
    Values,
    f1_of_counts,
    paired_difference,
    permutation_test,
    pooled_statistic,
)
from facespot.metrics.emotions import strs_measure
from facespot.metrics.figures import interval_of
from facespot.metrics.recognition import SampleChoice, class_counts, f1_of_means, macro_recall, unweighted_f1

OURS = "MEAN"
DISTANCES_S = {"k = FPS x 0.05": 0.05, "k = FPS x 0.10": 0.1, "k = FPS x 0.15": 0.15}
SMOOTHINGS: Mapping[str, tuple[str, float]] = {
    "simple average": ("", 1.0),
    "Gaussian, sigma = 1": ("gaussian", 1.0),
    "Gaussian, sigma = 3": ("gaussian", 3.0),
    "exponential, tau = 1": ("exponential", 1.0),
    "exponential, tau = 3": ("exponential", 3.0),
}
CASES = {
    "case 1: onset to apex": "onset_to_apex",
    "case 2: apex": "apex",
    "case 3: onset to offset": "onset_to_offset",
}
NO_CHOICE = "these figures are of the test subjects: they show what a setting does, and are no way to choose it"


def table2(reproduction: Reproduction) -> ReproducedTable:
    """Apex spotting rate, and recognition over all spotted intervals, on short videos."""
    reproduction = grouped(reproduction)
    found = findings(run_mean(reproduction))
    ours = {OURS: {"ASR": _apex_spotting_rate(found), "F1_a, all spotted": found.figure("f1_a", "all")}}
    return _table(reproduction, "mean:table2", ours, [found], "all", notes=_asr_notes(found))


def table3(reproduction: Reproduction) -> ReproducedTable:
    """Accuracy over all spotted intervals and over the hits alone."""
    reproduction = grouped(reproduction)
    found = findings(run_mean(reproduction))
    columns: dict[str, SampleChoice] = {"all spotted": "all", "hits only": "tp"}
    ours = {OURS: {name: _times(100, found.figure("accuracy", choice)) for name, choice in columns.items()}}
    of = ", ".join(f"{len(found.samples[choice].truth)} {name}" for name, choice in columns.items())
    return _table(reproduction, "mean:table3", ours, [found], "all", notes=[f"samples: {of}"])


def table4(reproduction: Reproduction) -> ReproducedTable:
    """F1 of the spotting in long videos."""
    reproduction = grouped(reproduction)
    found = findings(run_mean(reproduction))
    ours = {OURS: {"F1": found.spotting.f1}}
    return _table(reproduction, "mean:table4", ours, [found], None, notes=[_intervals_note(found, ("F1 of spotting",))])


def table5(reproduction: Reproduction) -> ReproducedTable:
    """Spotting and recognition in detail."""
    reproduction = grouped(reproduction)
    outcome = run_mean(reproduction)
    found = findings(outcome)
    summary = outcome.summary()
    ap = summary.figures[KIND]["ap"]
    ours = {row: {"spotting": value} for row, value in spotting_details(found.spotting, ap.estimate).items()}
    ours["STRS"] = {"spotting": found.strs}
    for row, value in _recognition_details(found).items():
        ours.setdefault(row, {})["recognition"] = value
    notes = [_intervals_note(found, tuple(_measures(found))), f"AP with its interval: {interval_text(ap)}"]
    notes += _to_the_letter(found)
    return _table(reproduction, "mean:table5", ours, [found], "tp", notes=notes)


def table6(reproduction: Reproduction) -> ReproducedTable:
    """The distance between the two frames of a pair."""
    reproduction = grouped(reproduction)
    found = {row: findings(run_mean(reproduction, distance_s=seconds)) for row, seconds in DISTANCES_S.items()}
    ours = {row: _three_figures(one) for row, one in found.items()}
    return _table(reproduction, "mean:table6", ours, list(found.values()), "tp", notes=[NO_CHOICE])


def table7(reproduction: Reproduction) -> ReproducedTable:
    """The functions that smooth the scores; the scores are those of one run."""
    reproduction = grouped(reproduction)
    outcome = run_mean(reproduction)
    found = {}
    for row, (function, spread) in SMOOTHINGS.items():
        changes = {"smoothing": function, "spread": spread} if function else {"smoothing": _average(outcome)}
        found[row] = findings(outcome, **changes)
    ours = {row: _three_figures(one) for row, one in found.items()}
    return _table(reproduction, "mean:table7", ours, list(found.values()), "tp", notes=[NO_CHOICE])


def table8(reproduction: Reproduction) -> ReproducedTable:
    """Which frames of an interval vote for its emotion; intervals and scores are those of one run."""
    reproduction = grouped(reproduction)
    outcome = run_mean(reproduction)
    found = {row: findings(outcome, case=case) for row, case in CASES.items()}
    ours = {row: {"F1_a, hits only": one.figure("f1_a")} for row, one in found.items()}
    return _table(reproduction, "mean:table8", ours, list(found.values()), "tp", notes=[NO_CHOICE])


def table9(reproduction: Reproduction) -> ReproducedTable:
    """Recognition with the streams of the spotting network and without, and whether chance explains the difference."""
    reproduction = grouped(reproduction)
    outcomes = {row: run_mean(reproduction, transfer=row == WITH) for row in (WITHOUT, WITH)}
    found = {row: findings(outcome) for row, outcome in outcomes.items()}
    ours = {row: {"F1_a, hits only": one.figure("f1_a")} for row, one in found.items()}
    everywhere = ", ".join(f"{_number(one.figure('f1_a', 'all'))} {row}" for row, one in found.items())
    notes = [f"F1_a over all spotted intervals: {everywhere}", *_transfer_notes(*outcomes.values())]
    return _table(reproduction, "mean:table9", ours, list(found.values()), "tp", notes=notes)


def table10(reproduction: Reproduction) -> ReproducedTable:
    """In the wild: apex spotting rate, and recognition over all spotted intervals."""
    reproduction = grouped(reproduction)
    found = findings(run_mean(reproduction))
    figures = {"F1_a": "f1_a", "UF1": "uf1", "UAR": "uar"}
    ours = {OURS: {"ASR": _apex_spotting_rate(found)} | {c: found.figure(n, "all") for c, n in figures.items()}}
    return _table(reproduction, "mean:table10", ours, [found], "all", notes=_asr_notes(found))


def _table(
    reproduction: Reproduction,
    table_id: str,
    ours: Mapping[str, Mapping[str, Value | None]],
    found: Sequence[Findings],
    choice: SampleChoice | None,
    *,
    notes: Sequence[str] = (),
) -> ReproducedTable:
    """The table with what every one of MEAN's says of the videos and the classes."""
    outcomes = list({one.outcome.folder: one.outcome for one in found}.values())
    of_choice = [] if choice is None else recognition_notes(reproduction, found[0], choice)
    return reproduction.table(
        table_id, ours, outcomes, notes=[_mode_note(reproduction, outcomes[0]), *of_choice, *notes]
    )


def _mode_note(reproduction: Reproduction, outcome: RunOutcome) -> str:
    short = has_short_videos(reproduction)
    holds = "every video holds one micro-expression and nothing else" if short else "long videos"
    if outcome.folds[0].settings["one_peak"]:
        return f"{holds}: of each the one highest peak is spotted, without a threshold (section 4.3)"
    return f"{holds}: every peak above the threshold p is spotted (section 4.3)"


def _recognition_details(found: Findings) -> dict[str, Value | None]:
    """The printed rows of the recognition of the hits; a hit with the wrong class is an FP of one and an FN of one."""
    if not found.recognition:
        return {}
    one = found.recognition["tp"]
    counts = class_counts(one.confusion)
    figures = one.figures
    return {
        "total": int(one.confusion.sum()),
        "TP": int(counts.tp.sum()),
        "FP": int(counts.fp.sum()),
        "FN": int(counts.fn.sum()),
        "precision": figures["precision"],
        "recall": figures["recall"],
        "F1": figures["f1_a"],
        "UF1": figures["uf1"],
        "UAR": figures["uar"],
    }


def _to_the_letter(found: Findings) -> list[str]:
    """The figures of the hits with every class in the means, where the evaluation leaves some out."""
    if not found.recognition or found.outcome.plan.rule.absent == "zero":
        return []
    figures = replace(found.recognition["tp"], absent="zero").figures
    if not math.isfinite(figures["f1_a"]):
        return []
    named = {"F1_a": figures["f1_a"], "UF1": figures["uf1"], "UAR": figures["uar"]}
    named["STRS"] = found.spotting.f1 * figures["f1_a"]
    texts = ", ".join(f"{name} {value:.4f}" for name, value in named.items())
    return [f"with a class without samples counted as 0, as eqs. 19 to 23 are written: {texts}"]


def _three_figures(found: Findings) -> dict[str, Value | None]:
    return {"spotting, F1": found.spotting.f1, "recognition, F1_a": found.figure("f1_a"), "STRS": found.strs}


def _average(outcome: RunOutcome) -> str:
    """The simple average of the run: the code's window, unless the user chose the paper's."""
    return "paper" if outcome.folds[0].settings["smoothing"] == "paper" else "code"


def _apex_spotting_rate(found: Findings) -> float | None:
    if any(len(track.of_kind(KIND).expressions) != 1 for track in found.truth):
        return None
    return apex_spotting_rate_of_tracks(found.truth, found.predicted, KIND)


def _asr_notes(found: Findings) -> list[str]:
    if _apex_spotting_rate(found) is None:
        return ["ASR is defined only where every video holds exactly one micro-expression (eq. 13)"]
    return ["ASR: the spotted apex lies between onset and offset, both excluded (eq. 13)"]


def _measures(found: Findings) -> dict[str, Measure]:
    """The figures that get an interval, each from sums of what the subjects contribute."""
    n, absent = len(found.classes), found.outcome.plan.rule.absent

    def confusion(pooled: Values) -> Values:
        return pooled[..., 3:].reshape(*pooled.shape[:-1], n, n + 1)

    def of_hits(figure: Callable[..., Values]) -> Measure:
        return lambda pooled: figure(confusion(pooled), absent=absent)

    measures: dict[str, Measure] = {"F1 of spotting": lambda pooled: f1_of_counts(pooled[..., :3])}
    if found.recognition:
        measures |= {"F1_a": of_hits(f1_of_means), "UF1": of_hits(unweighted_f1), "UAR": of_hits(macro_recall)}
        measures["STRS"] = strs_measure(n, absent)
    return measures


def _intervals_note(found: Findings, names: Sequence[str]) -> str:
    resampling, measures = Resampling(seed=found.outcome.plan.seed), _measures(found)
    texts = []
    for name in names:
        statistic = pooled_statistic(found.amounts, measures[name])
        one = interval_of(statistic, found.truth, found.outcome.corpus, resampling)
        texts.append(f"{name} {interval_text(one)}" if math.isfinite(one.estimate) else f"{name} none")
    return f"with {100 * resampling.level:g} % intervals over subjects: {', '.join(texts)}"


def _transfer_notes(without: RunOutcome, with_transfer: RunOutcome) -> list[str]:
    """With transfer less without, on the videos that both have."""
    common = {one.id for one in without.tested} & {one.id for one in with_transfer.tested}
    before, after = (findings(outcome, videos=common) for outcome in (without, with_transfer))
    if not (before.recognition and after.recognition):
        return []
    resampling = Resampling(seed=after.outcome.plan.seed)
    found = compare(
        after.truth, before.predicted, after.predicted,
        rule=after.outcome.plan.rule, corpus=after.outcome.corpus, resampling=resampling,
    )  # fmt: skip
    measure = _measures(after)["F1_a"]
    f1_a = paired_difference(
        pooled_statistic(before.amounts, measure),
        pooled_statistic(after.amounts, measure),
        found.n_subjects,
        seed=resampling.seed,
        n_resamples=resampling.n_resamples,
        level=resampling.level,
        p_permutation=permutation_test(
            before.amounts, after.amounts, measure, seed=resampling.seed, n_permutations=resampling.n_resamples
        ),
    )
    how = (
        f"with transfer less without, paired over {found.n_subjects} subjects ({resampling.n_resamples} resamplings, "
        f"{100 * resampling.level:g} % intervals, two-sided p values)"
    )
    differences = {"F1_a of the hits": f1_a, "F1 of spotting": found.differences[KIND]["f1"]}
    differences["STRS"] = found.differences[KIND]["strs"]
    tests = (
        difference_text(one) if math.isfinite(one.interval.estimate) else "none: one of them has no samples"
        for one in differences.values()
    )
    return [how, *(f"{name}: {text}" for name, text in zip(differences, tests, strict=True))]


def _times(factor: float, value: float | None) -> float | None:
    return None if value is None else factor * value


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
