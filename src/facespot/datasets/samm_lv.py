"""SAMM Long Videos: macro- and micro-expressions of 30 people in 147 videos, 200 frames per second, 2040x1088, grey.

Layout under the root (or one level below)::

    SAMM_longvideos/006_1/006_1_0001.jpg
    SAMM_LongVideos_V1_Release.xlsx                  V2 and V3 too
    SAMM_20181215_Micro_FACS_Codes_v2.xlsx           emotions of the micro-expressions; optional

The first sheet begins with rows of notes in some copies and with the header in others: the header row is known by its
names. ``006_1_1`` is an expression of video ``006_1``. The emotions are joined on file name and type.

Frames count from 1. Twelve macro-expressions begin before the video: their onset is 0 in V1 and V2 and 1 in V3. The
papers leave them out (331 of 343, or 333), and so does `read` unless told otherwise. An apex of -1 is unknown.
"""

from __future__ import annotations

import re
from pathlib import Path

from facespot.datasets.base import Corpus, Finding
from facespot.datasets.frames import find_file, find_folders, folder_footage
from facespot.datasets.gathering import Gathering
from facespot.datasets.sheets import Row, find_header, number, read_sheets, text
from facespot.errors import FormatError
from facespot.export.kinds import parse_kind
from facespot.values import Kind, Recording
from facespot.video.find import natural_key

FRAME_RATE = 200.0
_COLUMNS = {
    "subject": ("Subject",),
    "file": ("Filename", "File name"),
    "onset": ("Onset", "Onset Frame"),
    "apex": ("Apex", "Apex Frame"),
    "offset": ("Offset", "Offset Frame"),
    "duration": ("Duration",),
    "type": ("Type", "Micro", "Micro/Macro"),
    "units": ("Action Units", "AUs"),
    "emotion": ("Emotion", "Estimated Emotion"),
}
_FILE_NAME = re.compile(r"(?P<subject>[0-9]+)_(?P<video>[0-9]+)_[0-9]+")


def read(
    root: Path,
    findings: list[Finding],
    *,
    drop_unknown_onset: bool = True,
    annotation: str | None = None,
    emotion_file: str | None = None,
) -> list[Recording]:
    """Recordings of a copy.

    Parameters
    ----------
    root : Path
        Folder of the corpus.
    findings : list of Finding
        Filled with what was skipped, repaired or noticed.
    drop_unknown_onset : bool
        Leave out expressions that begin before the video; else they begin with its first frame.
    annotation, emotion_file : str, optional
        The two tables below the root, where there are several.

    Raises
    ------
    FormatError
        If the folder has not this layout, or a table cannot be read.
    """
    gathering = Gathering(findings)
    folders = find_folders(root, ("SAMM_longvideos",))
    if not folders:
        raise FormatError(str(root), "there is no folder SAMM_longvideos", "name the folder that holds it")
    path = find_file(root, r"SAMM_LongVideos.*\.(xlsx|csv)", "annotation", "annotation", annotation)
    if path is None:
        raise FormatError(str(root), "there is no SAMM_LongVideos_V..._Release.xlsx", "put it into the root folder")
    for folder in sorted((one for one in folders[0].iterdir() if one.is_dir()), key=natural_key):
        found = re.fullmatch(r"([0-9]+)_([0-9]+)", folder.name)
        footage = folder_footage(folder, FRAME_RATE) if found else None
        if found is None or footage is None:
            reason = "the folder holds no images" if found else "the name is not that of a video, such as 006_1"
            gathering.report("missing video" if found else "noted", str(folder), reason)
            continue
        gathering.add_video(_video(found[1], found[2]), found[1].zfill(3), footage)
    sheets = read_sheets(path)
    required = ("file", "onset", "apex", "offset", "type")
    columns, rows = find_header(sheets[0] if sheets else [], _COLUMNS, required, path)
    emotions = _emotions(root, emotion_file, gathering)
    for row in rows:
        _add(row, columns, emotions, drop_unknown_onset, gathering)
    return gathering.recordings()


def _video(subject: str, video: str) -> str:
    return f"{subject.zfill(3)}_{int(video)}"


def _emotions(root: Path, given: str | None, gathering: Gathering) -> dict[tuple[str, Kind], str] | None:
    """Emotion by file name and type; None without the file."""
    path = find_file(root, r"SAMM.*Micro_FACS_Codes.*\.(xlsx|csv)", "table of emotions", "emotion_file", given)
    if path is None:
        gathering.report("noted", str(root), "there is no SAMM_..._Micro_FACS_Codes_v2.xlsx: no emotions are known")
        return None
    sheets = read_sheets(path)
    columns, rows = find_header(sheets[0] if sheets else [], _COLUMNS, ("file", "type", "emotion"), path)
    emotions: dict[tuple[str, Kind], str] = {}
    for row in rows:
        kind = parse_kind(text(row.cell(columns["type"])))
        file, emotion = text(row.cell(columns["file"])), text(row.cell(columns["emotion"]))
        if kind is None or not emotion:
            gathering.report("noted", row.where, "no emotion and type: not joined")
        elif emotions.setdefault((file, kind), emotion) != emotion:
            gathering.report("noted", row.where, f"a second emotion for {file}: {emotions[file, kind]} is kept")
    return emotions


def _add(
    row: Row,
    columns: dict[str, int],
    emotions: dict[tuple[str, Kind], str] | None,
    drop_unknown_onset: bool,
    gathering: Gathering,
) -> None:
    file, type_text = text(row.cell(columns["file"])), text(row.cell(columns["type"]))
    named, kind = _FILE_NAME.fullmatch(file), parse_kind(type_text)
    if named is None or kind is None:
        reason = f"the type {type_text!r} is unknown" if named else f"the file name {file!r} is not like 006_1_1"
        gathering.report("dropped", row.where, reason)
        return
    video = _video(named["subject"], named["video"])
    try:
        onset, apex, offset = (number(row.cell(columns[name])) for name in ("onset", "apex", "offset"))
        duration = number(row.cell(columns["duration"])) if "duration" in columns else None
        subject = number(row.cell(columns["subject"])) if "subject" in columns else None
    except ValueError as error:
        gathering.report("dropped", row.where, str(error))
        return
    if subject is not None and subject != int(named["subject"]):
        gathering.report("noted", row.where, f"subject {subject}, the file name says {file}: the name is believed")
    if apex is not None and apex < 1:
        gathering.report("repaired", row.where, f"apex {apex}: taken as unknown")
        apex = None
    if onset is not None and onset <= 1 and gathering.footage(video) is not None:
        if drop_unknown_onset:
            gathering.report("dropped", row.where, f"onset {onset}: it begins before the video (drop_unknown_onset)")
            return
        gathering.report("repaired", row.where, f"onset {onset}: it begins before the video, frame 1 is taken")
        onset = 1
    elif duration is not None and None not in (onset, offset) and duration != (offset or 0) - (onset or 0) + 1:
        gathering.report("noted", row.where, f"the duration {duration} is not offset - onset + 1")
    emotion = "" if emotions is None else emotions.get((file, kind), "")
    if kind == "micro" and emotions is not None and not emotion:
        gathering.report("noted", row.where, f"{file} is not in the table of emotions")
    units = text(row.cell(columns["units"])) if "units" in columns else ""
    gathering.add(video, row.where, onset, apex, offset, kind, emotion, units)


CORPUS = Corpus(
    name="samm_lv",
    title="SAMM Long Videos",
    citation="C. H. Yap, C. Kendrick, M. H. Yap: SAMM Long Videos: A Spontaneous Facial Micro- and Macro-Expressions "
    "Dataset. IEEE International Conference on Automatic Face and Gesture Recognition, 2020",
    licence="licence agreement with Manchester Metropolitan University; research only",
    source="http://www2.docm.mmu.ac.uk/STAFF/M.Yap/dataset.php",
    layout="SAMM_longvideos/006_1/006_1_0001.jpg, SAMM_LongVideos_V1_Release.xlsx, "
    "SAMM_20181215_Micro_FACS_Codes_v2.xlsx",
    read=read,
    published={
        "subjects": (30, 32),
        "videos": (147,),
        "macro": (331, 333, 343),
        "micro": (159,),
        "half length macro": (169, 174, 216),
        "half length micro": (37,),
    },
)
