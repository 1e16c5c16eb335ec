"""MEVIEW: micro-expressions in the wild, mostly poker games on television, 25 frames per second, 1280x720.

Layout under the root::

    <any folder>/<video>.mp4                         or .avi, ...
    <any name>.xlsx or .csv

One table with the columns, known by their names: person, video, onset, offset, emotion, AUs; perhaps apex and type.
Without a type column all are micro-expressions. The release does not say where frames count from: 1 is assumed, as in
the other corpora (``index_base=0`` for 0).
"""

from __future__ import annotations

from pathlib import Path

from facespot.datasets.base import Corpus, Finding
from facespot.datasets.frames import find_file
from facespot.datasets.gathering import Gathering
from facespot.datasets.sheets import find_header, number, read_sheets, text
from facespot.datasets.videos import VideoShelf, open_footage
from facespot.errors import FacespotError, FormatError, SettingsError
from facespot.export.kinds import parse_kind
from facespot.values import Recording

FRAME_RATE = 25.0
_COLUMNS = {
    "subject": ("person", "subject", "name", "player"),
    "video": ("video", "filename", "file", "clip"),
    "onset": ("onset", "onset frame", "start"),
    "apex": ("apex", "apex frame"),
    "offset": ("offset", "offset frame", "end"),
    "emotion": ("emotion", "emotion label"),
    "units": ("aus", "au", "action units"),
    "type": ("type", "expression type"),
}


def read(root: Path, findings: list[Finding], *, annotation: str | None = None, index_base: int = 1) -> list[Recording]:
    """Recordings of a copy.

    Parameters
    ----------
    root : Path
        Folder of the corpus.
    findings : list of Finding
        Filled with what was skipped, repaired or noticed.
    annotation : str, optional
        Annotation file below the root, where there are several.
    index_base : {0, 1}
        Number of the first frame in the table.

    Raises
    ------
    FormatError
        If there is no table, or it cannot be read.
    """
    if index_base not in (0, 1):
        raise SettingsError("index_base", f"frames cannot count from {index_base}", "choose 0 or 1")
    gathering, shelf = Gathering(findings), VideoShelf(root)
    path = find_file(root, r".*\.(xlsx|csv)", "annotation", "annotation", annotation)
    if path is None:
        raise FormatError(str(root), "there is no .xlsx or .csv with annotations", "name the corpus's root folder")
    sheets = read_sheets(path)
    required = ("subject", "video", "onset", "offset", "emotion")
    columns, rows = find_header(sheets[0] if sheets else [], _COLUMNS, required, path)
    gathering.report("noted", path.name, f"frames are taken to count from {index_base}; the release does not say")
    used: dict[str, str] = {}
    for row in rows:
        values = {name: row.cell(column) for name, column in columns.items()}
        try:
            onset, offset, apex = number(values["onset"]), number(values["offset"]), number(values.get("apex"))
        except ValueError as error:
            gathering.report("dropped", row.where, str(error))
            continue
        said = text(values["type"]) if "type" in columns else "micro"
        kind, subject = parse_kind(said), text(values["subject"])
        if kind is None or not subject:
            reason = "no person is named" if kind else f"the type {said!r} is unknown"
            gathering.report("dropped", row.where, reason)
            continue
        try:
            video = shelf.find(text(values["video"]))
            name = shelf.name(video)
            if gathering.footage(name) is None:
                footage = open_footage(video, index_base, None if video.is_file() else FRAME_RATE)
                if abs(footage.timebase.fps - FRAME_RATE) > 0.01 * FRAME_RATE:
                    reason = f"{footage.timebase.fps:.4g} frames per second, {FRAME_RATE:g} are published"
                    gathering.report("frame count", str(video), reason)
                gathering.add_video(name, subject, footage)
                used[name] = subject
        except FacespotError as error:
            gathering.miss_video(text(values["video"]), row.where, error.what)
            continue
        if used[name] != subject:
            reason = f"the person {subject!r} is another than that of the video's first row, {used[name]!r}"
            gathering.report("dropped", row.where, reason)
            continue
        units = text(values["units"]) if "units" in columns else ""
        gathering.add(name, row.where, onset, apex, offset, kind, text(values["emotion"]), units)
    for video in shelf.paths:
        if gathering.footage(shelf.name(video)) is None:
            gathering.report("noted", str(video), "no row names this video: its person is unknown, it is left out")
    return gathering.recordings()


CORPUS = Corpus(
    name="meview",
    title="MEVIEW",
    citation="P. Husak, J. Cech, J. Matas: Spotting Facial Micro-Expressions 'In the Wild'. Computer Vision Winter "
    "Workshop, 2017",
    licence="the videos belong to their broadcasters; research only",
    source="https://cmp.felk.cvut.cz/~cechj/ME/",
    layout="videos in any folder, one .xlsx or .csv with the columns person, video, onset, offset, emotion, AUs",
    read=read,
    published={"subjects": (14,), "micro": (21,), "half length micro": (6,)},
)
