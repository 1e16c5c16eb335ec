"""``facespot synth``: make a labelled corpus that needs nobody's signature."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facespot.errors import SettingsError

if TYPE_CHECKING:
    from facespot.synth.presets import Preset

EXAMPLES = """\
Examples:

  facespot synth make tiny --preset tiny --face-model ICT-FaceKit

  facespot synth make bench --preset bench-v1 --face-model ict_facekit.npz --workers 2

  facespot synth make mine --preset tiny --face-model ict_facekit.npz --photos neutral_faces/ --seconds 20

  facespot synth make same --preset tiny --face-model ict_facekit.npz --carrier neutral.mp4 --videos 4

A run that was stopped goes on where it was when the same command is given again.
"""

DEGRADE_EXAMPLES = """\
Examples:

  facespot synth degrade bench bench_degraded

  facespot synth degrade train train_varied --quality varied --seed 3 --workers 2

  facespot synth degrade bench bench_25 --quality clean --fps 25

A run that was stopped goes on where it was when the same command is given again.
"""

synth_app = typer.Typer(
    name="synth",
    help="Make a corpus of synthetic faces with exact truth, for training, teaching and tests.",
    no_args_is_help=True,
)


@synth_app.command("make", no_args_is_help=True, epilog=EXAMPLES)
def make_command(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the corpus.")],
    face_model: Annotated[
        Path,
        typer.Option(metavar="PATH", help="ICT-FaceKit: its folder, or the .npz of pack-model.", show_default=False),
    ],
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="What to make; 'facespot synth list' shows all.")
    ] = "tiny",
    photos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Warp these neutral photographs, one subject each.", show_default=False),
    ] = None,
    carrier: Annotated[
        Path | None,
        typer.Option(metavar="VIDEO", help="Put the expressions into this neutral video.", show_default=False),
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Other than the preset's.", show_default=False)] = None,
    subjects: Annotated[int | None, typer.Option(metavar="N", help="Number of people.", show_default=False)] = None,
    videos: Annotated[int | None, typer.Option(metavar="N", help="Videos of each.", show_default=False)] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Length of a video.", show_default=False)
    ] = None,
    fps: Annotated[float | None, typer.Option(metavar="RATE", help="Frames per second.", show_default=False)] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WIDTHxHEIGHT", help="Size in pixels, 256 to 1920, even.", show_default=False)
    ] = None,
    crf: Annotated[
        int | None, typer.Option(metavar="N", help="Quality of H.264, 0 best to 51 worst.", show_default=False)
    ] = None,
    flow_pairs: Annotated[
        int | None, typer.Option(metavar="N", help="Pairs of frames with exact flow, per video.", show_default=False)
    ] = None,
    frames: Annotated[bool, typer.Option("--frames", help="Write PNG frames in place of H.264 videos.")] = False,
    workers: Annotated[int, typer.Option(metavar="N", help="Processes; the result does not depend on it.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Make a corpus: videos, annotation, exact landmarks, action units and flow, and a datasheet.

    The face model is not part of facespot: clone https://github.com/ICT-VGL/ICT-FaceKit (MIT licence).
    """
    from facespot.cli.progress import StageProgress
    from facespot.synth.casting import make_casting
    from facespot.synth.corpus import make_corpus
    from facespot.synth.presets import find_preset

    chosen = _changed(
        find_preset(preset),
        subjects=subjects,
        videos=videos,
        seconds=seconds,
        frame_rates=None if fps is None else {fps: 1.0},
        sizes=None if size is None else {_size(size): 1.0},
        crf=None if crf is None else (crf, crf),
        flow_pairs=flow_pairs,
    )
    casting = make_casting(face_model, photos=photos, carrier=carrier)
    if photos is not None and subjects is not None and casting.fit(chosen).subjects < subjects:
        count = casting.fit(chosen).subjects
        raise SettingsError("--subjects", f"{subjects} are asked for, and there are {count} photographs", "add some")
    with StageProgress(str(out), shown=not quiet) as progress:
        made = make_corpus(
            out,
            chosen,
            casting,
            seed=seed,
            workers=workers,
            frames=frames,
            on_progress=lambda done, total: progress("synth", done, total),
        )
    if made.kept:
        print(f"{made.kept} of {made.videos} videos were finished already", file=sys.stderr)
    counts = ", ".join(f"{count} {kind}" for kind, count in made.counts.items())
    print(f"{made.root}: {made.videos} videos, {counts}; see {made.root / 'datasheet.md'}")


@synth_app.command("degrade", no_args_is_help=True, epilog=DEGRADE_EXAMPLES)
def degrade_command(
    corpus: Annotated[Path, typer.Argument(metavar="CORPUS", help="Finished corpus.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the re-recorded one.")],
    quality: Annotated[
        str, typer.Option(metavar="NAME", help="How it is recorded; 'facespot synth list' shows all.")
    ] = "degraded",
    seed: Annotated[int, typer.Option(metavar="N", help="Of noise, lost frames and what 'varied' draws.")] = 0,
    fps: Annotated[
        float | None, typer.Option(metavar="RATE", help="Frames per second, of all videos.", show_default=False)
    ] = None,
    short_side: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="Shorter side, where it is larger.", show_default=False)
    ] = None,
    noise: Annotated[
        float | None, typer.Option(metavar="LEVELS", help="Standard deviation, of 255.", show_default=False)
    ] = None,
    crf: Annotated[
        int | None, typer.Option(metavar="N", help="Quality of H.264, 0 best to 51 worst.", show_default=False)
    ] = None,
    workers: Annotated[int, typer.Option(metavar="N", help="Processes; the result does not depend on it.")] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Record a corpus anew as a worse camera or recorder would: size, noise, colour, light, coding, lost frames.

    Annotation, emotions and distractors move with the frames; exact landmarks and flow stay with the source.
    """
    from facespot.cli.progress import StageProgress
    from facespot.synth.rerecording import degrade_corpus

    given = {"fps": fps, "short_side": short_side, "noise": noise, "crf": crf}
    with StageProgress(str(out), shown=not quiet) as progress:
        made = degrade_corpus(
            corpus,
            out,
            quality,
            seed=seed,
            changes={name: value for name, value in given.items() if value is not None},
            workers=workers,
            on_progress=lambda done, total: progress("rerecord", done, total),
        )
    if made.kept:
        print(f"{made.kept} of {made.videos} videos were finished already", file=sys.stderr)
    print(f"{made.root}: {made.videos} videos as {quality}; see {made.root / 'datasheet.md'}")


@synth_app.command("pack-model", no_args_is_help=True)
def pack_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Checkout of ICT-FaceKit.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The .npz file to write.")],
) -> None:
    """Pack the OBJ files of ICT-FaceKit into one small file that loads at once.

    Example: facespot synth pack-model ICT-FaceKit ict_facekit.npz
    """
    from facespot.synth.face_model import pack_model

    pack_model(folder, out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB; keep the licence of ICT-FaceKit with every copy")


@synth_app.command("list")
def list_command() -> None:
    """List the presets, the emotions and the qualities.

    Example: facespot synth list
    """
    from facespot.synth.emotions import EMOTIONS
    from facespot.synth.presets import PRESETS
    from facespot.synth.qualities import QUALITIES, VARIED, Quality

    for one in PRESETS.values():
        rates = ", ".join(f"{rate:g}" for rate in one.frame_rates)
        sizes = ", ".join(f"{width}x{height}" for width, height in one.sizes)
        print(
            f"{one.name}  {one.purpose}\n"
            f"  {one.subjects} subjects, {one.videos} videos of {one.seconds:g} s each, seed {one.seed}\n"
            f"  frames per second: {rates}\n  sizes: {sizes}\n"
        )
    print("Emotions as FACS action units:")
    for emotion in EMOTIONS.values():
        combinations = ", ".join("+".join(map(str, units)) for units in emotion.combinations)
        print(f"  {emotion.name}: {combinations}{' on one side' if emotion.one_sided else ''}")
    print("\nQualities of 'synth degrade':")
    plain = Quality().document()
    for name, quality in QUALITIES.items():
        settings = {key: value for key, value in quality.document().items() if key == "crf" or value != plain[key]}
        print(f"  {name}: {', '.join(f'{key} {value}' for key, value in settings.items())}")
    print(f"  {VARIED}: drawn at random for each video")


def _changed(preset: Preset, **changes: Any) -> Preset:
    return replace(preset, **{name: value for name, value in changes.items() if value is not None})


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,5})[xX]([0-9]{1,5})", text)
    if found is None:
        raise SettingsError("--size", f"{text!r} is no size", "write 320x320")
    return int(found[1]), int(found[2])
