"""Copies of corpora -> the recordings of all of them, each video under a name of its own, each person under one name.

A corpus of synthetic people may be there several times: recorded again in worse quality, or made again at another frame
rate. Whoever plays in several of them is one subject, so that who is held back is new in all. Of other corpora nobody
knows whether they share people: each has its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from facespot.datasets import Dataset, load_dataset
from facespot.errors import FormatError, SettingsError
from facespot.values import Recording

SYNTHETIC = "synth"
INDEX = "corpus.json"
RENDERED = "rendered"
LICENCE_OF_RENDERED = "MIT; trained on synthetic faces"


@dataclass(frozen=True)
class SeveralCorpora:
    """Copies of corpora, read as one.

    Parameters
    ----------
    datasets : mapping from str to Dataset
        By the name of the folder, or as much of its path as tells it from the others.
    recordings : tuple of Recording
        Of all of them, in order; ids are ``FOLDER/VIDEO``, subjects are people, see `person`.
    """

    datasets: Mapping[str, Dataset]
    recordings: tuple[Recording, ...]

    @property
    def missing(self) -> dict[str, str]:
        """Annotated videos that are not there or cannot be opened, and why."""
        return {
            f"{name}/{one.where}": one.reason
            for name, dataset in self.datasets.items()
            for one in dataset.report.of("missing video")
        }

    @property
    def licence(self) -> str:
        """Of weights that are trained on them: MIT where all faces are rendered, else what the corpus asks for."""
        datasets = list(self.datasets.values())
        if all(one.name == SYNTHETIC and _casting(_header(one.root))["faces"] == RENDERED for one in datasets):
            return LICENCE_OF_RENDERED
        return datasets[0].licence

    def documents(self) -> list[dict[str, str | None]]:
        """Name and digest of ``corpus.json`` of each, None where there is none."""
        return [{"name": name, "corpus_sha256": _digest(one.root / INDEX)} for name, one in self.datasets.items()]

    def truth_digest(self) -> str:
        """SHA-256 of who is in which video, how long it is, and what is annotated; hexadecimal."""
        content = [
            [one.id, one.subject, one.timebase.fps, one.timebase.n_frames]
            + [[found.kind, found.onset, found.apex, found.offset, found.emotion] for found in one.truth.expressions]
            for one in self.recordings
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def load_corpora(
    name: str, roots: Sequence[Path], *, emotions: str | None = None, options: Mapping[str, Any] | None = None
) -> SeveralCorpora:
    """Read several copies of corpora of one kind.

    Parameters
    ----------
    name : str
        As in `facespot.datasets.load_dataset`.
    roots : sequence of Path
        Folders, at least one, none twice.
    emotions, options
        As in `load_dataset`, the same for all.

    Raises
    ------
    SettingsError
        If a folder is given twice, or none.
    FormatError
        If one cannot be read.
    """
    if not roots:
        raise SettingsError("--data", "no corpus is given", "give the folder of one, or several")
    resolved = [root.resolve() for root in roots]
    for number, root in enumerate(resolved):
        if root in resolved[:number]:
            raise SettingsError("--data", f"{roots[number]} is given twice", "give each folder once")
    loaded = [load_dataset(name, root, emotions=emotions, **(options or {})) for root in roots]
    datasets = dict(zip(folder_names(resolved), loaded, strict=True))
    recordings = []
    for folder, dataset in datasets.items():
        header = _header(dataset.root) if name == SYNTHETIC else None
        for one in dataset.recordings:
            subject = f"{folder}/{one.subject}" if header is None else person(header, one.subject, dataset.root)
            video = f"{folder}/{one.id}"
            recordings.append(replace(one, id=video, subject=subject, truth=replace(one.truth, video=video)))
    return SeveralCorpora(datasets, tuple(recordings))


def person(header: Mapping[str, Any], subject: str, root: Path) -> str:
    """Who plays a subject of a synthetic corpus: the same text in every corpus in which it is the same person.

    A rendered person follows from preset, seed and number of the subject; a warped one is that of the photograph or of
    the carrier video.

    Parameters
    ----------
    header : mapping
        Content of ``corpus.json``.
    subject : str
        Name in the corpus, ``s`` and its number.
    root : Path
        Folder of the corpus, for messages.

    Raises
    ------
    FormatError
        If the header does not tell.

    Examples
    --------
    >>> person({"preset": "train-v1", "seed": 1000, "casting": {"faces": "rendered"}}, "s07", Path("train"))
    'train-v1-1000/s7'
    """
    casting = _casting(header)
    try:
        # A larger corpus has more digits in the names of the same people.
        number = int(subject.removeprefix("s"))
        if "photos" in casting:
            return f"photo-{casting['photos'][number - 1]['sha256'][:16]}"
        if "carrier" in casting:
            return f"carrier-{casting['carrier']['sha256'][:16]}"
        return f"{header['preset']}-{header['seed']}/s{number}"
    except (KeyError, IndexError, TypeError, ValueError) as error:
        what = f"it does not tell who {subject!r} is ({type(error).__name__}: {error})"
        raise FormatError(str(root / INDEX), what, "make the corpus anew with facespot synth make") from None


def folder_names(folders: Sequence[Path]) -> list[str]:
    """The last part of each path, or as many as it takes to tell all of them apart.

    >>> folder_names([Path("/a/train30"), Path("/a/train60")])
    ['train30', 'train60']
    >>> folder_names([Path("/a/faces"), Path("/b/faces")])
    ['a/faces', 'b/faces']
    """
    longest = max(len(folder.parts) for folder in folders)
    for count in range(1, longest + 1):
        names = ["/".join(folder.parts[-count:]) for folder in folders]
        if len(set(names)) == len(names):
            break
    return [name.lstrip("/") for name in names]


def _casting(header: Mapping[str, Any]) -> Mapping[str, Any]:
    casting = header.get("casting")
    return casting if isinstance(casting, dict) and "faces" in casting else {"faces": None}


def _header(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / INDEX).read_text(encoding="utf-8"))
    return content


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
