"""Records one video anew: picks its frames, resizes and disturbs them, codes them once or twice, moves its truth."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from facespot.errors import FormatError
from facespot.export.atomic import write_text
from facespot.synth.coding import CodedVideo, ending
from facespot.synth.qualities import Quality
from facespot.synth.retiming import frame_count, new_frame, picked_frames, repeat_dropped
from facespot.synth.writing import exact_rate, unfinished
from facespot.values import ByteImage, IntArray
from facespot.video import open_video

_POOL_MARGIN = 256  # pixels


def video_file(root: Path, plan: dict[str, Any]) -> Path:
    """Where a re-recorded video lies."""
    return root / "videos" / f"{plan['id']}{ending(plan['quality']['codec'])}"


def truth_file(root: Path, plan: dict[str, Any]) -> Path:
    """Where its truth lies; written last, so that a video with it is finished."""
    return root / "truth" / f"{plan['id']}.json"


def exact_ratio(old: dict[str, Any], new: dict[str, Any]) -> Fraction:
    """New over old frames per second of two plans."""
    return exact_rate(new["fps"]) / exact_rate(old["fps"])


def new_plan(old: dict[str, Any], quality: Quality) -> dict[str, Any]:
    """Entry of a video in corpus.json: true of the new file, with its quality.

    ``noise`` stays that of the first camera; the quality tells what was added. Where the source was re-recorded
    itself, ``earlier_qualities`` lists how.
    """
    short = min(old["width"], old["height"])
    scale = min(1.0, (quality.short_side or short) / short)
    width, height = (_even(old[side] * scale) for side in ("width", "height"))
    fps = old["fps"] if quality.fps is None else quality.fps
    new = {
        **old,
        "fps": fps,
        "n_frames": frame_count(old["n_frames"], exact_rate(fps) / exact_rate(old["fps"])),
        "width": width,
        "height": height,
        "crf": quality.crf,
        "grey": bool(old["grey"] or quality.grey),
        "quality": quality.document(),
    }
    if "quality" in old:
        new["earlier_qualities"] = [*old.get("earlier_qualities", []), old["quality"]]
    return new


def rerecord_video(
    source: Path, root: Path, old: dict[str, Any], new: dict[str, Any], quality: Quality, seed: int
) -> None:
    """Write a video and its truth.

    Parameters
    ----------
    source, root : Path
        Of the corpora; the folders of the second are there.
    old : dict
        Entry of the video in corpus.json of the source.
    new : dict
        That of `new_plan`.
    quality : Quality
    seed : int
        Of the noise and the dropped frames, together with the video's id.

    Raises
    ------
    FormatError
        If the video of the source is not as its corpus.json says.
    VideoError
        If it cannot be read.
    """
    rng = np.random.default_rng([seed, zlib.crc32(new["id"].encode()), 1])
    ratio = exact_ratio(old, new)
    dropped = dropped_frames(new["n_frames"], quality.dropped, rng)
    frames = repeat_dropped(picked_frames(old["n_frames"], ratio), dropped)
    path, size, rate = video_file(root, new), (new["width"], new["height"]), exact_rate(new["fps"])
    pictures = _disturbed(_video_of(source, old), frames, old, size, quality, rng)
    if quality.first_crf is None:
        with CodedVideo(path, size, rate, quality.codec, quality.crf) as video:
            for picture in pictures:
                video.write(picture)
    else:
        first = unfinished(path.with_suffix(".first.mp4"))
        try:
            with CodedVideo(first, size, rate, "h264", quality.first_crf) as video:
                for picture in pictures:
                    video.write(picture)
            _convert(first, path, size, rate, quality)
        finally:
            first.unlink(missing_ok=True)
    truth = json.loads(truth_file(source, old).read_text(encoding="utf-8"))
    write_text(truth_file(root, new), json.dumps(new_truth(truth, old, new, dropped), indent=1) + "\n")


def dropped_frames(n_frames: int, share: float, rng: np.random.Generator) -> IntArray:
    """Draw the frames that a recorder loses, sorted; never the first."""
    count = min(n_frames - 1, round(share * n_frames))
    return np.sort(1 + rng.choice(n_frames - 1, count, replace=False)).astype(np.int64) if count else np.zeros(0, int)


class Noise:
    """White Gaussian noise, rounded to levels.

    A window at a random place of one drawn sheet serves each frame: drawing every frame by itself would take longer
    than all else. Two frames share a window once in 66 049 times, and other windows are uncorrelated.

    Parameters
    ----------
    sigma : float
        Standard deviation in levels of 255.
    shape : tuple of int
        (h, w) or (h, w, 3).
    rng : numpy.random.Generator
    """

    def __init__(self, sigma: float, shape: tuple[int, ...], rng: np.random.Generator) -> None:
        sheet = (shape[0] + _POOL_MARGIN, shape[1] + _POOL_MARGIN, *shape[2:])
        self._sheet = np.rint(sigma * rng.standard_normal(sheet, dtype=np.float32)).astype(np.int16)
        self._shape, self._rng = shape, rng

    def add(self, image: ByteImage) -> ByteImage:
        """Picture with noise, cut at 0 and 255."""
        import cv2

        top, left = self._rng.integers(0, _POOL_MARGIN + 1, size=2)
        window = self._sheet[top : top + self._shape[0], left : left + self._shape[1]]
        return np.asarray(cv2.add(image, window, dtype=cv2.CV_8U), dtype=np.uint8)


def tone_curve(gamma: float, brightness: float) -> ByteImage:
    """Level out of level, (256,) uint8: ``255 * (level / 255) ** gamma + brightness``.

    >>> tone_curve(1.0, 10.0)[[0, 100, 255]].tolist(), tone_curve(0.5, 0.0)[[0, 64, 255]].tolist()
    ([10, 110, 255], [0, 128, 255])
    """
    levels = 255.0 * (np.arange(256) / 255.0) ** gamma + brightness
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _disturbed(
    path: Path, frames: IntArray, old: dict[str, Any], size: tuple[int, int], quality: Quality, rng: np.random.Generator
) -> Iterator[ByteImage]:
    """Pictures of the frames in order; a frame that is shown again is the same picture, noise and all."""
    import cv2

    video = open_video(path, **({"frame_rate": old["fps"]} if path.is_dir() else {}))
    found = (video.timebase.n_frames, video.width, video.height)
    if found != (old["n_frames"], old["width"], old["height"]):
        said = f"{found[0]} frames of {found[1]}x{found[2]}, not those of corpus.json"
        raise FormatError(str(path), f"it has {said}", "make the corpus anew")
    noise = None
    tone = None
    if (quality.gamma, quality.brightness) != (1.0, 0.0):
        tone = tone_curve(quality.gamma, quality.brightness)
    shown, counts = np.unique(frames, return_counts=True)
    for frame, count in zip(video.read(shown), counts.tolist(), strict=True):
        image = frame.gray() if quality.grey or old["grey"] else frame.rgb()
        if (image.shape[1], image.shape[0]) != size:
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        if tone is not None:
            image = np.asarray(cv2.LUT(image, tone), dtype=np.uint8)
        if quality.noise > 0:
            noise = noise or Noise(quality.noise, image.shape, rng)
            image = noise.add(image)
        for _ in range(count):
            yield image


def _convert(first: Path, path: Path, size: tuple[int, int], rate: Fraction, quality: Quality) -> None:
    """Code a recording again, as a program that converts files does."""
    import av

    with av.open(str(first)) as container, CodedVideo(path, size, rate, quality.codec, quality.crf) as video:
        container.streams.video[0].thread_type = "NONE"
        for picture in container.decode(video=0):
            video.write_picture(picture)


def new_truth(truth: dict[str, Any], old: dict[str, Any], new: dict[str, Any], dropped: IntArray) -> dict[str, Any]:
    """Truth of the new recording: frames moved, flow left out, dropped frames listed.

    ``hidden_frames`` is carried over by the length of a frame, not counted anew.
    """
    ratio = exact_ratio(old, new)

    def move(one: dict[str, Any]) -> dict[str, Any]:
        return one | {name: new_frame(one[name], ratio) for name in ("onset", "apex", "offset") if name in one}

    return {
        **truth,
        "plan": new,
        "expressions": [move(one) for one in truth["expressions"]],
        "distractors": [move(one) for one in truth["distractors"]],
        "hidden_frames": min(new["n_frames"], new_frame(truth["hidden_frames"], ratio)),
        "flow": [],
        "dropped_frames": dropped.tolist(),
    }


def _video_of(source: Path, plan: dict[str, Any]) -> Path:
    """Path of the file, or of the folder of frames."""
    folder = source / "videos" / str(plan["id"])
    for path in (folder.with_suffix(".mp4"), folder.with_suffix(".webm"), folder):
        if path.exists():
            return path
    raise FormatError(str(folder), "the video is not there", "make the corpus anew")


def _even(length: float) -> int:
    """Nearest even number, for the halved chroma planes."""
    return max(2, 2 * round(length / 2))
