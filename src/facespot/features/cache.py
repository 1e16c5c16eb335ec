"""Features on disk, found again by the content of the video and the settings.

Layout: ``CACHE/<video digest>/<spec digest>/`` holds ``spec.json`` and the arrays as ``.npy``. An entry is made in a
folder beside its place and renamed when it is complete, so that a process that is killed leaves nothing half-written,
and two processes that make the same entry do not disturb each other. Arrays are memory-mapped, never unpickled.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facespot.errors import OutputError
from facespot.values import ByteImage, FeatureSpec, FloatArray

SCHEMA = "facespot.features/1"


def default_cache_folder() -> Path:
    """Where features are kept unless told otherwise: ``FACESPOT_CACHE``, or ``~/.cache/facespot``."""
    named = os.environ.get("FACESPOT_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "facespot"


class FeatureCache:
    """Entries below one folder.

    Parameters
    ----------
    root : Path
        Made when the first entry is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, video_digest: str, spec: FeatureSpec) -> Path:
        """Folder of an entry, whether it exists or not."""
        return self.root / video_digest[:32] / f"{spec.kind}-{spec.digest()}"

    def find(self, video_digest: str, spec: FeatureSpec) -> Path | None:
        """Folder of a complete entry, or None."""
        place = self.place(video_digest, spec)
        try:
            record = json.loads((place / "spec.json").read_text())
        except (OSError, ValueError):
            return None
        return place if record == _record(spec) else None

    @contextmanager
    def create(self, video_digest: str, spec: FeatureSpec) -> Iterator[Path]:
        """A temporary folder that becomes the entry when the block ends without an error.

        Raises
        ------
        OutputError
            If the folder cannot be written.
        """
        place = self.place(video_digest, spec)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            unfinished = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        except OSError as error:
            remedy = "choose another folder with --cache, or use --no-cache"
            raise OutputError(str(self.root), f"the cache cannot be written ({error.strerror})", remedy) from error
        try:
            yield unfinished
            (unfinished / "spec.json").write_text(json.dumps(_record(spec), sort_keys=True, indent=1) + "\n")
            if self.find(video_digest, spec) is None:
                shutil.rmtree(place, ignore_errors=True)
                unfinished.replace(place)
        except OSError as error:
            remedy = "free some space, choose another folder with --cache, or use --no-cache"
            raise OutputError(str(self.root), f"the cache cannot be written ({error.strerror})", remedy) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _record(spec: FeatureSpec) -> dict[str, Any]:
    return {"schema": SCHEMA, "kind": spec.kind, "version": spec.version, "settings": dict(spec.settings)}


class RowWriter:
    """Writes an array of known length row by row into a ``.npy`` file, so that memory does not grow with the video.

    The file is complete when the ``with`` block ends without an error; too few rows then raise a ValueError.

    Parameters
    ----------
    path : Path
    n_rows : int
        How many rows will be written.
    row_shape : tuple of int
    row_type : str
        Type of the numbers, as NumPy's ``dtype.str``.
    """

    def __init__(self, path: Path, n_rows: int, row_shape: tuple[int, ...], row_type: str = "<f4") -> None:
        self._stream = path.open("wb")
        self._missing = n_rows
        self._type = row_type
        header = {"descr": row_type, "fortran_order": False, "shape": (n_rows, *row_shape)}
        np.lib.format.write_array_header_1_0(self._stream, header)

    def append(self, rows: FloatArray | ByteImage) -> None:
        """Add the next rows."""
        self._missing -= len(rows)
        self._stream.write(np.ascontiguousarray(rows, dtype=self._type).tobytes())

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._stream.close()
        if kind is None and self._missing:
            raise ValueError(f"{self._missing} rows were not written")


def write_arrays(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write each array to ``<name>.npy``."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def read_arrays(folder: Path) -> dict[str, NDArray[Any]]:
    """Every array of an entry, memory-mapped."""
    return {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in sorted(folder.glob("*.npy"))}
