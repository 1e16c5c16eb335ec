"""What the measures of video quality say of corpora recorded under known conditions, and how long they take.

    python benchmarks/video_quality.py clean/ noisy/ small/          one line per corpus folder
    python benchmarks/video_quality.py train/ --known                also: do they follow what corpus.json says?
    python benchmarks/video_quality.py clean/ --videos 8 --json quality.json

Each folder holds its videos in ``videos/`` or by itself; `facespot synth degrade` makes such folders. Printed are the
median and the range over videos, and how many of them `QualityRule` doubts. Milliseconds are processor time of the
measuring alone, without the search for the face.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from facespot.faces import FaceSettings
from facespot.faces.quality import VideoQuality, measure_quality
from facespot.faces.quality_rule import MICRO_RULE, quality_findings
from facespot.features import FeatureCache
from facespot.pipeline import RunSettings, prepare
from facespot.pipeline.stages import cache_folder
from facespot.video import find_videos, open_video, select

MEASURES = tuple(field.name for field in fields(VideoQuality))
FOLLOWED_UP_TO_CRF = 18
"""Above it compression takes most of the noise out of the picture before anything can measure it."""


def measured(folder: Path, cache: FeatureCache, most: int | None) -> tuple[dict[str, VideoQuality], list[float]]:
    """Quality of each video of a corpus folder by its name, and the seconds that each took."""
    inside = folder / "videos"
    found, seconds = {}, []
    for path in find_videos([inside if inside.is_dir() else folder])[:most]:
        video = open_video(path)
        selection = select(video)
        faces = prepare(video, selection, face=FaceSettings(), cache=cache, run=RunSettings()).faces
        started = time.process_time()
        found[video.name] = measure_quality(video, selection, faces)
        seconds.append(time.process_time() - started)
    return found, seconds


def known(folder: Path, name: str) -> dict[str, float]:
    """Setting of each video that corpus.json holds under a name."""
    return {one["id"]: one[name] for one in json.loads((folder / "corpus.json").read_text())["videos"]}


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's."""
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)


def print_known(folder: Path, found: dict[str, VideoQuality]) -> None:
    """How the measures follow the noise and the compression that the videos were made with."""
    noise, crf = known(folder, "noise"), known(folder, "crf")
    light = [name for name in found if crf[name] <= FOLLOWED_UP_TO_CRF]
    for measure in MEASURES[2:]:
        values = {name: getattr(one, measure) for name, one in found.items()}
        if len(set(values.values())) == 1:
            continue
        alone, overall = (rank_correlation(*_columns(values, noise, names)) for names in (light, list(found)))
        print(
            f"  {measure:13} rank correlation with noise {alone:+.2f} ({len(light)} videos up to CRF "
            f"{FOLLOWED_UP_TO_CRF}), {overall:+.2f} (all {len(found)}), with CRF "
            f"{rank_correlation(*_columns(values, crf, list(found))):+.2f}"
        )


def _columns(first: dict[str, float], second: dict[str, float], names: Sequence[str]) -> list[list[float]]:
    return [[first[name] for name in names], [second[name] for name in names]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--videos", type=int, help="only so many of each folder, in order of name")
    parser.add_argument("--cache", type=Path, help="where found faces are kept")
    parser.add_argument("--known", action="store_true", help="compare with the noise and CRF in corpus.json")
    parser.add_argument("--json", type=Path, help="also write every video's measures here")
    arguments = parser.parse_args()
    everything = {}
    print(f"{MICRO_RULE}")
    print(f"{'':20}{'':>7}" + "".join(f"{name:>23}" for name in MEASURES) + f"{'doubted':>9}{'ms':>6}")
    with cache_folder(arguments.cache) as root:
        for folder in arguments.folders:
            found, seconds = measured(folder, FeatureCache(root), arguments.videos)
            cells = []
            for name in MEASURES:
                values = [value for one in found.values() if (value := getattr(one, name)) is not None]
                cells.append(f"{statistics.median(values):9.3g} ({min(values):.3g}-{max(values):.3g})".rjust(23))
            doubted = sum(bool(quality_findings(one)) for one in found.values())
            print(
                f"{folder.name:20}{len(found):7}{''.join(cells)}{doubted:6}/{len(found):<2}"
                f"{1000 * statistics.median(seconds):6.0f}",
                flush=True,
            )
            if arguments.known:
                print_known(folder, found)
            everything[folder.name] = {name: asdict(one) for name, one in found.items()}
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
