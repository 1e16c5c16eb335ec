"""FESNet's figures 5, 7 and 8: what the LSDM sees, how far it tells the classes apart, and what becomes of it."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from facespot.errors import FormatError
from facespot.experiments.papers.fesnet_maps import shown_clip, stage_maps
from facespot.experiments.papers.fesnet_representation import (
    PERPLEXITY,
    draw_rows,
    represented,
    shown_fold,
    silhouettes,
    t_sne,
)
from facespot.experiments.papers.fesnet_segments import ANNOTATED, panel_of, segmentations
from facespot.experiments.papers.fesnet_stages import fold_config
from facespot.experiments.papers.pictures import shown_videos
from facespot.experiments.papers.reproduction import ReproducedFigure, Reproduction
from facespot.experiments.papers.spotgcn_representation import separation
from facespot.metrics.framewise import LABELS
from facespot.report.feature_maps import FeatureMapRow, write_feature_maps
from facespot.report.scatter import ScatterPanel, write_scatter
from facespot.report.segmentation_bars import write_segmentation_bars

CORPORA = {"cas_me_2": "CAS(ME)2", "samm_lv": "SAMM-LV"}
HEADINGS = {"X_init": "X_init: residual blocks", "X_Atten": "X_Atten: attention", "x'": "x': deeper",
            "x''": "x'': with discrepancy"}  # fmt: skip


def figure5(reproduction: Reproduction) -> ReproducedFigure:
    """Maps of the layers of the LSDM over the face, at the onset and at the apex of a micro-expression."""
    outcome = reproduction.run("fesnet")
    clip = shown_clip(outcome, reproduction)
    stages = stage_maps(clip)
    frames = [int(clip.features.frames[clip.rows[place]]) for place in (0, clip.apex)]
    whats = (
        "first frame of the clip, the onset",
        "apex" if clip.truth.apex is not None else "middle (no apex is given)",
    )
    rows = [
        FeatureMapRow(f"frame {frame}: {what}", face, tuple(stage.maps[number] for stage in stages))
        for number, (frame, what, face) in enumerate(zip(frames, whats, clip.faces, strict=True))
    ]
    path = reproduction.picture("fesnet:figure5")
    write_feature_maps([HEADINGS[stage.name] for stage in stages], rows, path)
    salient = ", ".join(f"{stage.name} {100 * stage.salient:.0f} %" for stage in stages)
    notes = [
        f"{clip.recording.id}, micro-expression from frame {clip.truth.onset} to {clip.truth.offset}; of the shown "
        "videos' micro-expressions the one whose aligned face changes most from onset to apex "
        f"({clip.change:.1f} grey levels in the mean); its network had not seen the video",
        f"the clip is the {len(clip.rows)} frames from the onset on, so that the discrepancy of its first frame is 0",
        "mean of the absolute values over the channels, upsampled to the face; each column has a scale of its own, "
        "from the lowest to the highest value of both frames",
        f"share of the face above the middle of the map's own range, at the apex: {salient}",
        "the paper shows three maps of residual blocks, x' and x'', and does not say of which data set they are",
    ]
    title = "FESNet, Figure 5: feature maps of the LSDM during a micro-expression"
    return reproduction.figure("fesnet:figure5", title, CORPORA, outcome, paths=[path], notes=notes)


def figure7(reproduction: Reproduction) -> ReproducedFigure:
    """Test frames of one fold in the plane of t-SNE: features of the residual blocks and of the LSDM."""
    outcome = reproduction.run("fesnet")
    fold, n_micro = shown_fold(outcome)
    seed = reproduction.plan.seed
    drawn = draw_rows(outcome, fold, seed=seed)
    values = represented(outcome, fold, drawn, reproduction)
    members = drawn.by_class()
    panels, apart = [], []
    for letter, symbol, (name, of_layer) in zip("ab", ("X_init", "x''"), values.items(), strict=True):
        found = silhouettes(of_layer, drawn)
        points = {label: of_layer[rows].astype(np.float64) for label, rows in members.items()}
        places = t_sne(of_layer, seed=seed)
        panels.append(
            ScatterPanel(
                f"({letter}) {name}, {symbol}",
                "silhouette: " + ", ".join(f"{label} {_number(value)}" for label, value in found.items()),
                {label: places[rows] for label, rows in members.items()},
                ("t-SNE 1", "t-SNE 2"),
            )
        )
        pairs = ", ".join(
            f"{one} and {other} {_number(separation(points[one], points[other]))}"
            for one, other in combinations(LABELS, 2)
        )
        apart.append(f"{name}: {pairs}")
    path = reproduction.picture("fesnet:figure7")
    write_scatter(panels, path)
    perplexity = min(PERPLEXITY, (len(drawn.classes) - 1) / 3)
    counts = ", ".join(f"{len(rows)} of {drawn.available[label]} {label}" for label, rows in members.items())
    notes = [
        f"{fold.name} is shown, of the folds the one with the most micro-expression frames ({n_micro}); its "
        "network had not seen its videos",
        f"frames, drawn by seed {seed}: {counts}; clips of {fold_config(fold).clip_frames} frames that do not overlap",
        f"t-SNE of scikit-learn on all values, perplexity {perplexity:.3g}, started from principal components, seed "
        f"{seed}; distances between far groups mean nothing",
        "silhouettes are means over the frames of a class, of all values, not of the plane: -1 among others to 1 apart",
        "separation is the variance between two classes over that within them, in all values, both classes counting "
        f"the same; {'; '.join(apart)}",
        "the paper does not say of which data set, videos and frames its figure is",
    ]
    title = "FESNet, Figure 7: test frames by type in the plane of t-SNE, before and after the LSDM's discrepancy"
    return reproduction.figure("fesnet:figure7", title, CORPORA, outcome, paths=[path], notes=notes)


def figure8(reproduction: Reproduction) -> ReproducedFigure:
    """Segments of test videos: annotated, proposals of the LSDM, final result, and after decoding."""
    outcome = reproduction.run("fesnet")
    tracks = {track.video: track for track in outcome.predicted()}
    parts = {
        one.id: segmentations(outcome, one, tracks[one.id]) for one in outcome.tested if outcome.scores(one) is not None
    }
    shown = shown_videos(outcome, reproduction.videos)
    if not shown:
        raise FormatError(str(outcome.folder), "no test video has scores", "run it on more videos")
    path = reproduction.picture("fesnet:figure8")
    write_segmentation_bars([panel_of(one, parts[one.id]) for one in shown], path)
    config = fold_config(outcome.folds[0])
    totals = []
    for of_all in zip(*parts.values(), strict=True):
        edits = [one.edit for one in of_all if np.isfinite(one.edit)]
        mean = f" (Edit {np.mean(edits):.3f})" if edits and of_all[0].name != ANNOTATED else ""
        totals.append(f"{of_all[0].name} {sum(one.n_expressions for one in of_all)}{mean}")
    chosen = "named" if reproduction.videos else "those with the most micro-expressions"
    notes = [
        f"the videos are {chosen}; their networks had not seen them",
        f"decoding closes gaps up to {config.close_s:.3g} s and drops runs below {config.least_s:.3g} s",
        f"expressions in all {len(parts)} test videos with scores: {', '.join(totals)}; Edit is of the frames with "
        "scores, neutral segments included",
    ]
    if not config.use_mtam:
        notes.append("without MTAM the proposals of the LSDM are the final result")
    title = "FESNet, Figure 8: segments of test videos"
    return reproduction.figure("fesnet:figure8", title, CORPORA, outcome, paths=[path], notes=notes)


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "unknown"
