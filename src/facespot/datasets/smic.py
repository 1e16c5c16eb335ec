"""SMIC-E: clips of one micro-expression each, filmed by three cameras: HS (100 frames per second), VIS, NIR (25).

Layout under the root, at any depth::

    SMIC-E_raw image/HS_long/SMIC-HS-E/s01/micro/s1_ne_01/image000125.jpg
    SMIC-HS-E_annotation.xlsx                        SMIC-VIS-E..., SMIC-NIR-E...

Columns, known by their names: Subject, Filename, Emotion (negative, positive, surprise), OnsetF, OffsetF, FirstF,
which is the number of the first frame on disk: frame OnsetF is the one at place OnsetF - FirstF. There is no apex. The
rows of text below the table are passed over and noted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from facespot.datasets.base import Corpus, Finding
from facespot.datasets.frames import folder_footage
from facespot.datasets.gathering import Gathering
from facespot.datasets.sheets import Row, find_header, number, read_sheets, text
from facespot.errors import FormatError
from facespot.values import Recording
from facespot.video.find import natural_key

_COLUMNS = {
    "subject": ("Subject",),
    "file": ("Filename", "File name"),
    "emotion": ("Emotion",),
    "onset": ("OnsetF", "Onset"),
    "offset": ("OffsetF", "Offset"),
    "first": ("FirstF", "First"),
}


def read(
    root: Path, findings: list[Finding], camera: str, frame_rate: float, *, annotation: str | None = None
) -> list[Recording]:
    """Recordings of one camera.

    Parameters
    ----------
    root : Path
        Folder of the corpus.
    findings : list of Finding
        Filled with what was skipped, repaired or noticed.
    camera : {"HS", "VIS", "NIR"}
        Which of the three.
    frame_rate : float
        Frames per second.
    annotation : str, optional
        Annotation file below the root, where there are several.

    Raises
    ------
    FormatError
        If the folder has not this layout, or the annotation cannot be read.
    """
    gathering = Gathering(findings)
    name = f"SMIC-{camera}-E"
    path = _annotation(root, name, annotation)
    folders = [one for one in sorted(root.rglob("*"), key=natural_key) if one.is_dir() and one.name == name]
    if not folders:
        raise FormatError(str(root), f"there is no folder {name}", "name the folder that holds SMIC-E_raw image")
    clips = {_plain(one.name): one for folder in folders for one in sorted(folder.rglob("*")) if one.is_dir()}
    sheets = read_sheets(path)
    columns, rows = find_header(
        sheets[0] if sheets else [], _COLUMNS, ("subject", "file", "emotion", "onset", "offset", "first"), path
    )
    known: set[str] = set()
    for row in rows:
        if not re.search(r"[0-9]+_[a-z]+_[0-9]+", text(row.cell(columns["file"])), re.IGNORECASE):
            words = " ".join(text(cell) for cell in row.cells if text(cell))
            gathering.report("noted", row.where, f"no annotation, passed over: {words!r}")
            continue
        _add(row, columns, clips, frame_rate, gathering, known)
    for plain, clip in clips.items():
        if plain not in known and re.fullmatch(r"s[0-9]+_[a-z]+_[0-9]+", plain):
            gathering.report("noted", str(clip), "no row annotates this clip: it is left out")
    return gathering.recordings()


def _annotation(root: Path, name: str, given: str | None) -> Path:
    if given is not None:
        return root / given
    found = [
        one
        for one in sorted(root.rglob(f"{name}_annotation*"), key=natural_key)
        if one.suffix.lower() in (".xlsx", ".csv") and not one.name.startswith("~$")
    ]
    if not found:
        raise FormatError(str(root), f"there is no {name}_annotation.xlsx", "put it into the root folder")
    if len(found) > 1:
        names = ", ".join(str(one.relative_to(root)) for one in found)
        raise FormatError(str(root), f"there are several annotations: {names}", "name one with annotation")
    return found[0]


def _plain(name: str) -> str:
    """Name without leading zeros in its numbers: folders say s01, tables s1.

    >>> _plain("s01_ne_10")
    's1_ne_10'
    """
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", name.lower())


def _add(
    row: Row,
    columns: dict[str, int],
    clips: dict[str, Path],
    frame_rate: float,
    gathering: Gathering,
    known: set[str],
) -> None:
    file = text(row.cell(columns["file"]))
    plain = _plain(file)
    try:
        onset, offset, first = (number(row.cell(columns[name])) for name in ("onset", "offset", "first"))
        subject = number(text(row.cell(columns["subject"])).lower().removeprefix("s"))
    except ValueError as error:
        gathering.report("dropped", row.where, str(error))
        return
    folder = clips.get(plain)
    if folder is None:
        gathering.miss_video(file, row.where)
        return
    if first is None or subject is None:
        gathering.report("dropped", row.where, "subject or first frame is unknown")
        return
    if plain not in known:
        known.add(plain)
        footage = folder_footage(folder, frame_rate, first)
        if footage is None:
            gathering.miss_video(file, row.where, "the folder holds no images")
            return
        if footage.first != first:
            # The table's rule, the place is the number minus FirstF, holds whatever the files are called.
            gathering.report("frame count", str(folder), f"its names begin at {footage.first}, not at FirstF, {first}")
            footage = folder_footage(folder, frame_rate, first, by_name=False) or footage
        gathering.add_video(file, f"s{subject}", footage)
    gathering.add(file, row.where, onset, None, offset, "micro", text(row.cell(columns["emotion"])))


def _corpus(camera: str, frame_rate: float, subjects: int, clips: int, half_length: int) -> Corpus:
    bound: Callable[..., list[Recording]] = partial(read, camera=camera, frame_rate=frame_rate)
    return Corpus(
        name=f"smic_{camera.lower()}",
        title=f"SMIC-E {camera}",
        citation="X. Li, T. Pfister, X. Huang, G. Zhao, M. Pietikainen: A Spontaneous Micro-expression Database: "
        "Inducement, Collection and Baseline. IEEE International Conference on Automatic Face and Gesture Recognition, "
        "2013",
        licence="licence agreement with the University of Oulu; research only",
        source="https://www.oulu.fi/cmvs/node/41319",
        layout=f"SMIC-E_raw image/{camera}_long/SMIC-{camera}-E/s01/micro/s1_ne_01/..., "
        f"SMIC-{camera}-E_annotation.xlsx",
        read=bound,
        published={
            "subjects": (subjects,),
            "videos": (clips,),
            "macro": (0,),
            "micro": (clips,),
            "half length micro": (half_length,),
        },
    )


HS = _corpus("HS", 100.0, 16, 157, 17)
VIS = _corpus("VIS", 25.0, 8, 71, 4)
NIR = _corpus("NIR", 25.0, 8, 71, 4)
