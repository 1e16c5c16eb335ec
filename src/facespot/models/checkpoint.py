"""A checkpoint: one trained network as a folder of three files.

::

    softnet-macro/
    |-- network.onnx           what scoring runs
    |-- weights.safetensors    what training goes on from
    `-- method.json            method, settings, fitted values, origin, hashes of the two others

Nothing in it is code or a pickle, and both hashes are checked whenever it is read.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facespot.errors import OutputError, WeightsError
from facespot.models.description import ORIGIN_FIELDS, Description, parse_description
from facespot.values import Kind, Setting

NETWORK_FILE = "network.onnx"
WEIGHTS_FILE = "weights.safetensors"
DESCRIPTION_FILE = "method.json"
FILES = (NETWORK_FILE, WEIGHTS_FILE, DESCRIPTION_FILE)
_AGAIN = "copy it again, or import or train the weights again"


@dataclass(frozen=True)
class Checkpoint:
    """A checked checkpoint folder.

    Parameters
    ----------
    path : Path
        The folder.
    method : str
        Name of the method that the weights belong to.
    kind : {"macro", "micro"} or None
        Type of expression that the network spots; None where one network serves both.
    config : mapping of str to str, int, float, bool or None
        Settings of the method that the weights need.
    fitted : mapping of str to JSON value
        What fit learned besides the network.
    origin : mapping of str to str, int or None
        corpus, held_out_subject, licence, source_file, source_sha256, seed, facespot_version; None where unknown.
    digest : str
        SHA-256 over the three files' contents, in the order network, weights, description; hexadecimal.
    """

    path: Path
    method: str
    kind: Kind | None
    config: Mapping[str, Setting]
    fitted: Mapping[str, Any]
    origin: Mapping[str, str | int | None]
    digest: str

    @property
    def network_path(self) -> Path:
        """The network, for `OnnxNetwork`."""
        return self.path / NETWORK_FILE


def read_checkpoint(path: str | Path, *, method: str | None = None) -> Checkpoint:
    """Read and check a checkpoint folder.

    Parameters
    ----------
    path : str or Path
        The folder.
    method : str, optional
        Name of the method that the weights must belong to.

    Raises
    ------
    WeightsError
        No such folder, a file missing, damaged or changed, or weights of another method.
    """
    folder = Path(path)
    if not folder.exists():
        raise WeightsError(str(folder), "the checkpoint folder does not exist", "check the path")
    if not folder.is_dir():
        raise WeightsError(
            str(folder),
            "this is a file, not a checkpoint folder",
            "give the folder, or turn another author's file into one with `facespot models import`",
        )
    description_bytes = _read_file(folder / DESCRIPTION_FILE)
    description = parse_description(description_bytes, str(folder / DESCRIPTION_FILE))
    if method is not None and description.method != method:
        raise WeightsError(
            str(folder),
            f"these are weights of '{description.method}', not of '{method}'",
            f"use --method {description.method}, or give weights of '{method}'",
        )
    network_bytes = _read_file(folder / NETWORK_FILE)
    _check_hash(folder / NETWORK_FILE, network_bytes, description.network_sha256)
    weights_bytes = _read_file(folder / WEIGHTS_FILE)
    _check_hash(folder / WEIGHTS_FILE, weights_bytes, description.weights_sha256)
    digest = hashlib.sha256(network_bytes)
    digest.update(weights_bytes)
    digest.update(description_bytes)
    return Checkpoint(
        path=folder,
        method=description.method,
        kind=description.kind,
        config=description.config,
        fitted=description.fitted,
        origin=description.origin,
        digest=digest.hexdigest(),
    )


def read_weights(checkpoint: Checkpoint) -> dict[str, NDArray[Any]]:
    """Weights of a checkpoint, by parameter name.

    Raises
    ------
    WeightsError
        ``weights.safetensors`` is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = checkpoint.path / WEIGHTS_FILE
    try:
        weights: dict[str, NDArray[Any]] = load(_read_file(path))
    except (SafetensorError, ValueError, KeyError) as error:
        raise WeightsError(str(path), f"the file is damaged ({error})", _AGAIN) from None
    return weights


def write_checkpoint(
    path: str | Path,
    *,
    method: str,
    kind: Kind | None,
    config: Mapping[str, Setting],
    fitted: Mapping[str, Any],
    origin: Mapping[str, str | int | None],
    onnx_bytes: bytes,
    weights: Mapping[str, NDArray[Any]],
    overwrite: bool = False,
) -> Checkpoint:
    """Write a checkpoint folder: completely, or not at all.

    Parameters
    ----------
    path : str or Path
        The folder to make; its parents are made too.
    method, kind, config, fitted
        As in `Checkpoint`.
    origin : mapping of str to str, int or None
        Any of the keys named in `Checkpoint`; what is left out is unknown (the version is filled in).
    onnx_bytes : bytes
        The network, self-contained.
    weights : mapping of str to array
        The parameters by name.
    overwrite : bool
        Replace an existing checkpoint. Anything else in the way is never touched.

    Raises
    ------
    WeightsError
        A value that ``method.json`` cannot hold.
    OutputError
        The folder exists, or cannot be written.
    """
    from safetensors.numpy import save

    folder = Path(path)
    # A link is replaced where it points to, and a rename needs source and target in one file system.
    target = folder.resolve()
    _check_free(folder, target, overwrite)
    weights_bytes = save({name: np.asarray(array, order="C") for name, array in weights.items()})
    contents = {NETWORK_FILE: onnx_bytes, WEIGHTS_FILE: weights_bytes}
    filled: dict[str, str | int | None] = dict.fromkeys(ORIGIN_FIELDS)
    filled["facespot_version"] = _own_version()
    filled.update(origin)
    description = Description(
        method, kind, config, fitted, filled, _sha256(contents[NETWORK_FILE]), _sha256(contents[WEIGHTS_FILE])
    )
    try:
        contents[DESCRIPTION_FILE] = description.to_bytes()
    except (TypeError, ValueError) as error:
        raise WeightsError(str(folder), f"a value cannot be written as JSON ({error})", "use plain values") from None
    parse_description(contents[DESCRIPTION_FILE], str(folder / DESCRIPTION_FILE))
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}.partial")
    try:
        partial.mkdir(parents=True)
        for name in FILES:
            (partial / name).write_bytes(contents[name])
        _put_in_place(partial, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(str(folder), f"cannot write the checkpoint ({reason})", "choose another folder") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return read_checkpoint(folder, method=method)


def _check_free(folder: Path, target: Path, overwrite: bool) -> None:
    if not target.exists():
        return
    if not overwrite:
        raise OutputError(str(folder), "already exists", "choose another folder, or allow it to be overwritten")
    if not target.is_dir() or any(entry.name not in FILES for entry in target.iterdir()):
        raise OutputError(str(folder), "is in the way and is not a checkpoint", "choose another folder")


def _put_in_place(partial: Path, target: Path) -> None:
    if not target.exists():
        partial.rename(target)
        return
    # A folder that holds files cannot be replaced by a rename: the old one steps aside until the new one stands.
    aside = partial.with_suffix(".old")
    target.rename(aside)
    try:
        partial.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(str(path.parent), f"the checkpoint has no {path.name}", _AGAIN) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise WeightsError(str(path), f"cannot be read ({reason})", "check the file and its permissions") from None


def _check_hash(path: Path, content: bytes, expected: str) -> None:
    if _sha256(content) != expected:
        raise WeightsError(str(path), "the file is cut short or was changed after it was written", _AGAIN)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _own_version() -> str | None:
    try:
        return version("facespot")
    except PackageNotFoundError:
        return None
