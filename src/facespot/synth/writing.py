"""Files of a corpus: videos, frame tables, annotation, checksums. Each is written under a temporary name, then renamed.

Layout under the root::

    corpus.json                    schema, preset, seed, versions, every video's settings
    annotation.csv                 subject,video,onset,apex,offset,type,emotion,aus,fps; frames from 1
    videos/s01_v1.mp4              or videos/s01_v1/000001.png, ...
    truth/s01_v1.json              what happens in the video, measured
    truth/s01_v1.parquet           landmarks and action units of every frame
    truth/distractors.csv          blinks, gaze shifts, ...; frames from 1
    truth/flow/s01_v1_100_106.npz  exact flow from one frame to another (frames from 0)
    datasheet.md, SHA256SUMS
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections.abc import Iterable, Sequence
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from facespot.errors import MissingDependencyError
from facespot.synth.plans import VideoPlan
from facespot.values import BoolArray, ByteImage, FloatArray

UNFINISHED = ".unfinished"
N_LANDMARKS = 68
ANNOTATION_COLUMNS = ("subject", "video", "onset", "apex", "offset", "type", "emotion", "aus", "fps")
DISTRACTOR_COLUMNS = ("subject", "video", "kind", "onset", "offset", "onset_s", "offset_s", "strength", "hides_face")


def unfinished(path: Path) -> Path:
    """Temporary name of a file or folder, hidden, in the same folder."""
    return path.with_name(f".{path.name}{UNFINISHED}")


def remove_unfinished(folder: Path) -> None:
    """Remove what a run that was killed left behind."""
    for path in sorted(folder.glob(f"**/.*{UNFINISHED}")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


class VideoWriter(Protocol):
    """Takes the frames of a video in order; the file appears when the block ends without an error."""

    def __enter__(self) -> VideoWriter: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, image: ByteImage) -> None:
        """Add a frame, (h, w, 3) uint8 RGB."""


class EncodedVideo:
    """An H.264 file: yuv420p, one encoder thread, no clock in its header, so that equal frames give equal bytes."""

    def __init__(self, path: Path, plan: VideoPlan) -> None:
        import av

        self._path, self._part, self._av = path, unfinished(path), av
        options = {"fflags": "+bitexact", "movflags": "+faststart"}
        self._container: Any = av.open(str(self._part), "w", format="mp4", options=options)
        # The macroblock tree of the x264 inside PyAV reads memory that nobody wrote (seen with MALLOC_PERTURB_).
        coding = {"crf": str(plan.crf), "preset": "veryfast", "threads": "1", "x264-params": "mbtree=0"}
        self._stream: Any = self._container.add_stream("libx264", rate=exact_rate(plan.fps), options=coding)
        self._stream.width, self._stream.height, self._stream.pix_fmt = plan.width, plan.height, "yuv420p"
        self._stream.thread_count = 1

    def __enter__(self) -> EncodedVideo:
        return self

    def write(self, image: ByteImage) -> None:
        """Add a frame, (h, w, 3) uint8 RGB."""
        frame = self._av.VideoFrame.from_ndarray(image, format="rgb24")
        self._container.mux(self._stream.encode(frame.reformat(format="yuv420p", threads=1)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode())
            self._container.close()
            if kind is None:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)


class FrameFolder:
    """A folder of PNG files, without loss."""

    def __init__(self, path: Path) -> None:
        self._path, self._part, self._count = path, unfinished(path), 0
        self._part.mkdir()

    def __enter__(self) -> FrameFolder:
        return self

    def write(self, image: ByteImage) -> None:
        """Add a frame, (h, w, 3) uint8 RGB."""
        import cv2

        self._count += 1
        done, data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])
        if not done:
            raise OSError(f"frame {self._count} cannot be encoded as PNG")
        (self._part / f"{self._count:06d}.png").write_bytes(data.tobytes())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._part.replace(self._path)
        else:
            shutil.rmtree(self._part, ignore_errors=True)


def exact_rate(fps: float) -> Fraction:
    """Frames per second as a fraction, 30000/1001 for 29.97.

    >>> exact_rate(30.0), exact_rate(29.97002997)
    (Fraction(30, 1), Fraction(30000, 1001))
    """
    return Fraction(fps).limit_denominator(1001)


def require_pyarrow() -> None:
    """Fail early where the tables of the frames could not be written.

    Raises
    ------
    MissingDependencyError
        If pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError("synth", str(error), 'pip install "facespot[synth]"') from error


def write_frame_table(
    path: Path, plan: VideoPlan, landmarks: FloatArray, units: dict[str, FloatArray], hidden: BoolArray
) -> None:
    """Write one row per frame: ``frame, time_s, face_hidden, x0..x67, y0..y67`` and the action units.

    Parameters
    ----------
    path : Path
        The .parquet file.
    plan : VideoPlan
        Whose frames they are.
    landmarks : (n, 68, 2) float32 array
        Pixels, exact, visible or not.
    units : mapping from str to (n,) float32 array
        Intensity of ``au12_left`` and so on, 0 to 5; units that do not occur are left out.
    hidden : (n,) bool array
        Whether a hand, a strong turn or the edge of the picture hides part of the face.
    """
    import pyarrow
    import pyarrow.parquet

    frames = np.arange(plan.n_frames, dtype=np.int32)
    columns: dict[str, Any] = {"frame": frames, "time_s": frames / plan.fps, "face_hidden": hidden}
    for axis, name in enumerate("xy"):
        columns |= {f"{name}{k}": np.ascontiguousarray(landmarks[:, k, axis]) for k in range(N_LANDMARKS)}
    table = pyarrow.table({**columns, **dict(sorted(units.items()))})
    part = unfinished(path)
    try:
        pyarrow.parquet.write_table(table, part, compression="zstd")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_flow(path: Path, flow: FloatArray, known: BoolArray) -> None:
    """Write exact flow, ``flow`` (h, w, 2) float16 pixels (0.05 per cent exact) and ``known`` (h, w) bool."""
    part = unfinished(path)
    try:
        with part.open("wb") as stream:
            np.savez_compressed(stream, flow=flow.astype(np.float16), known=known)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def format_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with a header and plain line ends."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(rows)
    return text.getvalue()


def checksums(root: Path) -> str:
    """SHA-256 of every file under a root but the list itself, as ``sha256sum -c`` reads it."""
    files = sorted(
        (path.relative_to(root).as_posix(), path)
        for path in root.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS" and not path.name.startswith(".")
    )
    return "".join(f"{digest(path)}  {name}\n" for name, path in files)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Libraries that decide over pixels."""
    return {name: version(name) for name in ("facespot", "numpy", "numba", "av")}
