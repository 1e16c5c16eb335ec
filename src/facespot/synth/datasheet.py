"""The datasheet of a corpus: what it is, how it was made, what it cannot stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from facespot.synth import distributions


def datasheet(header: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> str:
    """Markdown of a corpus.

    Parameters
    ----------
    header : mapping
        As in corpus.json.
    documents : sequence of mapping
        Truth of each video.
    """
    videos = header["videos"]
    found = [(one, document["plan"]["fps"]) for document in documents for one in document["expressions"]]
    seconds = sum(one["n_frames"] / one["fps"] for one in videos)
    lines = [
        f"# Datasheet: facespot synth, preset {header['preset']}, seed {header['seed']}\n",
        "## What\n",
        f"{len(videos)} videos of {len({one['subject'] for one in videos})} synthetic subjects, "
        f"{seconds / 60:.1f} minutes, {sum(one['n_frames'] for one in videos)} frames. "
        f"Faces: {header['casting'].get('faces', 'unknown')}. The expressions are computed.\n",
        "| | Number | Mean length, s | Shortest | Longest | Published mean | Mean peak motion, % of eye distance |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in ("macro", "micro"):
        these = [(one, fps) for one, fps in found if one["type"] == kind]
        lengths = [(one["offset"] - one["onset"] + 1) / fps for one, fps in these]
        low, high = distributions.PUBLISHED_MEAN_S[kind]
        figures = (
            f"{np.mean(lengths):.2f} | {min(lengths):.2f} | {max(lengths):.2f} | {low} to {high} | "
            f"{100 * np.mean([one['peak'] for one, _ in these]):.1f}"
            if these
            else f"- | - | - | {low} to {high} | -"
        )
        lines.append(f"| {kind} | {len(these)} | {figures} |")
    emotions = Counter(one["emotion"] for one, _ in found)
    kinds = Counter(one["kind"] for document in documents for one in document["distractors"])
    rates = [f"{one['fps']:g}" for one in videos]
    sizes = [f"{one['width']}x{one['height']}" for one in videos]
    without = sum(not document["expressions"] for document in documents)
    lines += [
        "",
        f"Videos without any expression: {without}. Emotions: {_counts(emotions)}.",
        f"Distractors, with labels of their own: {_counts(kinds)}.",
        f"Frames in which something hides part of the face: {sum(one['hidden_frames'] for one in documents)}.",
        f"Frame rates: {_counts(Counter(rates))}. "
        f"Sizes: {_counts(Counter(sizes))}. "
        f"CRF {min(one['crf'] for one in videos)} to {max(one['crf'] for one in videos)}. "
        f"Noise {min(one['noise'] for one in videos):g} to {max(one['noise'] for one in videos):g} levels. "
        f"Grey videos: {sum(one['grey'] for one in videos)}.",
        "",
        "## How\n",
        "Expressions are FACS combinations on the blendshapes of the ICT face model (USC Institute for Creative "
        "Technologies, MIT licence; Li et al., CVPR 2020), with lags, asymmetric profiles and folds of the skin. "
        "The amplitude of a micro-expression is set in pixels of facial motion relative to the eye distance. Onset and "
        f"offset are the first and the last frame in which a point of the skin moves by "
        f"{100 * distributions.VISIBLE_AMPLITUDE:.2f} % of the eye distance, the apex is the frame of the largest "
        "motion; all three are measured on the exact motion, the head at rest. Durations, counts and blinks follow "
        "published figures, which `facespot.synth.distributions` lists with their sources.",
        "",
        "Frames count from 1 in annotation.csv and truth/distractors.csv, from 0 in the .parquet tables and the names "
        "of flow files. Action units run from 0 to 5. Made by "
        + ", ".join(f"{name} {number}" for name, number in header["versions"].items())
        + "; the same versions, seed and settings give the same bytes.",
        "",
        "## Limits\n",
        "- A method that works here has not been shown to work on people: skin, hair, muscles and light are "
        "simplified, and the timing of expressions is drawn, not felt.",
        "- Emotions are combinations of action units by rule. People mix, mask and vary them far more.",
        "- The truth is sharper than any coder's: real annotations differ between coders by some frames.",
        "- Faces come from one statistical model, whose training scans do not represent all people.",
        "- Amplitudes of micro-expressions are our choice: no corpus states them.",
        "",
        "Use it to try methods, to teach, to test, and to train; report results on it as results on synthetic data.",
    ]
    return "\n".join(lines) + "\n"


def _counts(counter: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in sorted(counter.items())) or "none"
