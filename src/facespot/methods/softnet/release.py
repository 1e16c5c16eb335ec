"""The authors' whole release -> one folder of checkpoints, one for each fold and type of one corpus.

The release names folds by number only: ``CASME_sq/micro-expression/s3.hdf5`` is the network that was not trained on the
third of those subjects that hold a micro-expression, because the authors' program leaves out every video without the
type in question (20 macro and 14 micro files for CAS(ME)2, 29 and 29 for SAMM-LV). So s3 of one type and s3 of the
other may be of two different subjects; `facespot.experiments.fold_weights` finds the subjects.

::

    softnet-CASME_sq/
    |-- weights.json       schema facespot.weights/1: method, corpus, folds, paths and digests of the checkpoints
    |-- s1/macro/          a checkpoint
    |-- s1/micro/
    `-- s2/macro/ ...
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from facespot.errors import OutputError, SettingsError, WeightsError
from facespot.methods.softnet.keras_import import (
    CORPORA,
    METHOD,
    import_keras_softnet,
    parse_released_name,
)
from facespot.models import Checkpoint
from facespot.values import KINDS, Kind

SCHEMA = "facespot.weights/1"
INDEX_FILE = "weights.json"
ENDINGS = (".hdf5", ".h5")
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class ReleasedFile:
    """One file of the release and what its name tells.

    Parameters
    ----------
    path : Path
        The file.
    corpus : str
        Corpus that the network was trained on.
    kind : {"macro", "micro"}
        Type of expression.
    fold : int
        Number of the fold, from 1, among the subjects that hold the type.
    """

    path: Path
    corpus: str
    kind: Kind
    fold: int


@dataclass(frozen=True)
class ImportedRelease:
    """What an import made.

    Parameters
    ----------
    path : Path
        The folder.
    corpus : str
        Corpus of all its folds.
    checkpoints : mapping from (fold number, type) to Checkpoint
        In order of fold and type.
    failures : tuple of WeightsError
        One for each file that could not be imported.
    """

    path: Path
    corpus: str
    checkpoints: Mapping[tuple[int, Kind], Checkpoint]
    failures: tuple[WeightsError, ...]


def find_release(
    folder: str | Path, *, corpus: str | None = None, kind: str | None = None
) -> tuple[list[ReleasedFile], list[WeightsError]]:
    """Weight files of one corpus in a folder and all folders below it, told by their names.

    Parameters
    ----------
    folder : str or Path
        Holds the files as published, or flat ones such as ``softnet_CASME_sq_macro_s1.hdf5``.
    corpus : {"CAS(ME)2", "SAMM-LV"}, optional
        Take only its files; the authors' names ``CASME_sq`` and ``SAMMLV`` are understood too.
    kind : {"macro", "micro"}, optional
        Take only the files of this type.

    Returns
    -------
    (list of ReleasedFile, list of WeightsError)
        Files in order of fold and type; an error for each HDF5 file whose name does not tell corpus, type and fold.

    Raises
    ------
    SettingsError
        The corpus or the type is unknown, several corpora are there and none is named, or two files are of the same
        corpus, type and fold.
    WeightsError
        There is no HDF5 file, or none of the corpus and type.
    """
    folder = Path(folder)
    wanted = None if corpus is None else _corpus_of(corpus)
    if kind is not None and kind not in KINDS:
        raise SettingsError("--kind", f"'{kind}' is not a type of expression", "give --kind macro or --kind micro")
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()
    )
    if not paths:
        raise WeightsError(str(folder), "there is no .hdf5 or .h5 file", "give the folder of the authors' weight files")
    files, failures = [], []
    for path in paths:
        named = parse_released_name(path)
        if named.corpus is None or named.kind is None or not named.fold:
            what = "the name does not tell corpus, type and fold"
            failures.append(WeightsError(str(path), what, "name it like CASME_sq/macro-expression/s1.hdf5"))
        elif wanted in (None, named.corpus) and kind in (None, named.kind):
            files.append(ReleasedFile(path, named.corpus, named.kind, named.fold))
    corpora = sorted({one.corpus for one in files})
    if len(corpora) > 1:
        what = f"it holds weights of {' and '.join(corpora)}"
        raise SettingsError(str(folder), what, "choose one with --corpus, or give the folder of one")
    if not files:
        sought = " ".join(filter(None, ("SOFTNet", wanted, kind)))
        first = f" ({failures[0].where}: {failures[0].what})" if failures else ""
        raise WeightsError(
            str(folder), f"none of its {len(paths)} HDF5 files is named as weights of {sought}{first}", _REMEDY
        )
    files.sort(key=lambda one: (one.fold, one.kind))
    for one, following in pairwise(files):
        if (one.fold, one.kind) == (following.fold, following.kind):
            what = f"{one.path} and {following.path} are both {one.corpus}, {one.kind}, fold {one.fold}"
            raise SettingsError(str(folder), what, "leave one of them out")
    return files, failures


_REMEDY = "give a folder such as SOFTNet_Weights/CASME_sq"


def import_release(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    corpus: str | None = None,
    kind: str | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> ImportedRelease:
    """Turn all weight files of one corpus into checkpoints: the folder is written completely, or not at all.

    Every checkpoint is what `import_keras_softnet` makes of the file, byte for byte.

    Parameters
    ----------
    folder, corpus, kind
        As for `find_release`.
    out : str or Path, optional
        Folder to make; ``softnet-CASME_sq`` or ``softnet-SAMMLV`` by default.
    overwrite : bool
        Replace an import that is there already. Anything else in the way is never touched.
    on_progress : callable, optional
        Called with the number of files done and their total.

    Raises
    ------
    SettingsError
        As `find_release`.
    WeightsError
        Not one file could be imported.
    MissingDependencyError
        h5py, torch, onnx or onnxscript is not installed.
    OutputError
        The folder exists, or cannot be written.
    """
    files, failures = find_release(folder, corpus=corpus, kind=kind)
    found_corpus = files[0].corpus
    label = next(label for label, title in CORPORA.items() if title == found_corpus)
    out = Path(f"softnet-{label}") if out is None else Path(out)
    # A link is replaced where it points to, and a rename needs source and target in one file system.
    target = out.resolve()
    _check_free(out, target, overwrite)
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}.partial")
    try:
        partial.mkdir(parents=True)
        made: dict[tuple[int, Kind], Checkpoint] = {}
        for done, one in enumerate(files):
            if on_progress is not None:
                on_progress(done, len(files))
            try:
                checkpoint = import_keras_softnet(one.path, partial / f"s{one.fold}" / one.kind)
            except WeightsError as error:
                failures.append(error)
            else:
                made[one.fold, one.kind] = checkpoint
        if on_progress is not None:
            on_progress(len(files), len(files))
        if not made:
            names = ", ".join(str(one.path.relative_to(folder)) for one in files)
            reason = f"{failures[-1].where}: {failures[-1].what}"
            raise WeightsError(str(folder), f"no file can be imported: {names} ({reason})", _REMEDY)
        (partial / INDEX_FILE).write_text(_index(found_corpus, made), encoding="utf-8", newline="\n")
        _put_in_place(partial, target)
    except (OSError, OutputError) as error:
        reason = (error.strerror or str(error)) if isinstance(error, OSError) else error.what
        raise OutputError(str(out), f"cannot write the checkpoints ({reason})", "choose another folder") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    moved = {key: replace(one, path=out / checkpoint_path(*key)) for key, one in made.items()}
    return ImportedRelease(out, found_corpus, moved, tuple(failures))


def checkpoint_path(fold: int, kind: Kind) -> str:
    """Where a checkpoint lies in the folder.

    >>> checkpoint_path(3, "micro")
    's3/micro'
    """
    return f"s{fold}/{kind}"


def _index(corpus: str, checkpoints: Mapping[tuple[int, Kind], Checkpoint]) -> str:
    folds = [
        {
            "number": number,
            "checkpoints": [
                {"kind": kind, "path": checkpoint_path(fold, kind), "digest": one.digest}
                for (fold, kind), one in checkpoints.items()
                if fold == number
            ],
        }
        for number in sorted({fold for fold, _ in checkpoints})
    ]
    return json.dumps({"schema": SCHEMA, "method": METHOD, "corpus": corpus, "folds": folds}, indent=1) + "\n"


def _corpus_of(name: str) -> str:
    for label, title in CORPORA.items():
        if name in (label, title):
            return title
    known = ", ".join(f"{title} ({label})" for label, title in CORPORA.items())
    raise SettingsError("--corpus", f"the authors released no weights of {name!r}", f"choose one of {known}")


def _check_free(out: Path, target: Path, overwrite: bool) -> None:
    if not target.exists():
        return
    if not overwrite:
        raise OutputError(str(out), "already exists", "choose another folder with --out, or give --overwrite")
    if not target.is_dir() or not (target / INDEX_FILE).is_file() or not _only_folds(list(target.iterdir())):
        raise OutputError(str(out), "is in the way and is no import of weights", "choose another folder with --out")


def _only_folds(entries: Sequence[Path]) -> bool:
    return all(
        entry.name == INDEX_FILE or (entry.is_dir() and entry.name[0] == "s" and entry.name[1:].isdecimal())
        for entry in entries
    )


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
