"""CAS(ME)2: macro- and micro-expressions of 22 people in long videos, 30 frames per second, 640x480.

Layout under the root (or one level below)::

    rawpic/s15/15_0401girlcrashing/img0001.jpg       or longVideoFaceCropped/s15/15_0401girlcrashing/...
    rawvideo/s15/15_0401girlcrashing.avi             used where there are no frame folders
    CAS(ME)^2code_final.xlsx                         or code_final.xlsx; or a flat .csv

The .xlsx has three sheets without headers: annotations (participant, code such as ``anger1_1``, onset, apex, offset,
action units, emotion, type, self-report); participant to folder; video code to name. ``anger1_1`` of participant 1 is
video 0401 of s15. The flat .csv has ``subject,video_name,start_frame,apex_frame,end_frame,type_idx,au``.

Frames count from 1. An offset of 0 was not coded: the apex takes its place. Folder names carry typing errors, so videos
are known by their subject and their four digits; where folder and file name disagree on the subject, the file counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facespot.datasets.base import Corpus, Finding
from facespot.datasets.frames import file_footage, find_file, find_folders, folder_footage
from facespot.datasets.gathering import Gathering
from facespot.datasets.sheets import Cell, Row, find_header, number, read_sheets, text
from facespot.errors import FormatError, VideoError
from facespot.export.kinds import parse_kind
from facespot.values import Kind, Recording
from facespot.video.find import VIDEO_ENDINGS, natural_key

FRAME_RATE = 30.0
FOOTAGE = ("rawpic", "longVideoFaceCropped", "rawvideo")
_VIDEO_NAME = re.compile(r"s?0*(?P<subject>[0-9]+)_(?P<code>[0-9]{4})(?![0-9])", re.IGNORECASE)
_FLAT_NAME = re.compile(r"casme_0*(?P<subject>[0-9]+)_(?P<code>[0-9]{4})", re.IGNORECASE)
_FLAT = {
    "video": ("video_name",),
    "onset": ("start_frame",),
    "apex": ("apex_frame",),
    "offset": ("end_frame",),
    "type": ("type_idx",),
    "units": ("au",),
}


@dataclass(frozen=True)
class _Annotation:
    """One row, whichever file it comes from."""

    where: str
    video: str
    onset: Cell
    apex: Cell
    offset: Cell
    kind: Kind | None
    kind_text: str
    emotion: str = ""
    units: str = ""


def read(
    root: Path, findings: list[Finding], *, annotation: str | None = None, footage: str | None = None
) -> list[Recording]:
    """Recordings of a copy.

    Parameters
    ----------
    root : Path
        Folder of the corpus.
    findings : list of Finding
        Filled with what was skipped, repaired or noticed.
    annotation : str, optional
        Annotation file below the root, where there are several.
    footage : {"rawpic", "longVideoFaceCropped", "rawvideo"}, optional
        Which frames to use; the first of these that is there by default.

    Raises
    ------
    FormatError
        If the folder has not this layout, or the annotation file cannot be read.
    """
    gathering = Gathering(findings)
    folder = _footage_folder(root, footage, gathering)
    path = find_file(root, r".*code_final.*\.xlsx", "annotation", "annotation", annotation)
    path = path or find_file(root, r".*\.csv", "annotation", "annotation")
    if path is None:
        raise FormatError(str(root), "there is no *code_final.xlsx and no flat .csv", "name the corpus's root folder")
    _add_videos(folder, gathering)
    sheets = read_sheets(path)
    # Three sheets make the authors' file, one the flat table that others made of it.
    annotations = _from_workbook(sheets, path, gathering) if len(sheets) >= 3 else _from_flat(sheets, path, gathering)
    for one in annotations:
        _add(one, gathering)
    return gathering.recordings()


def _footage_folder(root: Path, footage: str | None, gathering: Gathering) -> Path:
    if footage is not None and footage not in FOOTAGE:
        raise FormatError("footage", f"{footage!r} is not a choice", f"choose one of {', '.join(FOOTAGE)}")
    found = find_folders(root, FOOTAGE if footage is None else (footage,))
    if not found:
        wanted = footage or ", ".join(FOOTAGE)
        raise FormatError(str(root), f"there is no folder {wanted}", "name the folder that holds rawpic")
    if len(found) > 1:
        others = ", ".join(folder.name for folder in found[1:])
        gathering.report("noted", str(root), f"the frames of {found[0].name} are used, not those of {others}")
    return found[0]


def _add_videos(folder: Path, gathering: Gathering) -> None:
    places: dict[str, Path] = {}
    for subject_folder in sorted((one for one in folder.iterdir() if one.is_dir()), key=natural_key):
        for path in sorted(subject_folder.iterdir(), key=natural_key):
            if path.name.startswith(".") or not (path.is_dir() or path.suffix.lower() in VIDEO_ENDINGS):
                continue
            named = _VIDEO_NAME.match(path.name)
            if named is None:
                gathering.report(
                    "noted", str(path), "the name has no subject and four digits: not a video of this corpus"
                )
                continue
            subject = f"s{int(named['subject'])}"
            video = f"{subject}_{named['code']}"
            if video in places:
                gathering.report("noted", str(path), f"not used: {places[video]} is the same video")
                continue
            if subject_folder.name.lower() != subject:
                reason = f"it lies in {subject_folder.name}, its name says {subject}: the name is believed"
                gathering.report("noted", str(path), reason)
            try:
                found = folder_footage(path, FRAME_RATE) if path.is_dir() else file_footage(path, 1)
            except VideoError as error:
                gathering.report("missing video", str(path), str(error))
                continue
            if found is None:
                gathering.report("missing video", str(path), "the folder holds no images")
                continue
            places[video] = path
            gathering.add_video(video, subject, found)


def _from_workbook(sheets: list[list[Row]], path: Path, gathering: Gathering) -> Iterator[_Annotation]:
    folders = {text(row.cell(2)): text(row.cell(1)).lower() for row in sheets[1] if text(row.cell(2))}
    codes: dict[str, str] = {}
    for row in sheets[2]:
        code = text(row.cell(0))
        if code.isdigit() and len(code) < 4:
            gathering.report("noted", row.where, f"the video code {code} is read as {code.zfill(4)}")
        codes[text(row.cell(1)).lower()] = code.zfill(4)
    for row in sheets[0]:
        participant, name = text(row.cell(0)), text(row.cell(1))
        if not any(map(str.isdigit, text(row.cell(2)))) and "onset" in text(row.cell(2)).lower():
            gathering.report("noted", row.where, "a row of column names, passed over")
            continue
        stem = re.sub(r"_[0-9]+$", "", name).lower()
        if participant not in folders or stem not in codes:
            unknown = f"participant {participant!r}" if participant not in folders else f"video {stem!r}"
            gathering.report("dropped", row.where, f"{unknown} is not in the sheets of names")
            continue
        yield _Annotation(
            row.where,
            f"{folders[participant]}_{codes[stem]}",
            row.cell(2),
            row.cell(3),
            row.cell(4),
            parse_kind(text(row.cell(7))),
            text(row.cell(7)),
            text(row.cell(6)),
            text(row.cell(5)),
        )


def _from_flat(sheets: list[list[Row]], path: Path, gathering: Gathering) -> Iterator[_Annotation]:
    required = ("video", "onset", "apex", "offset", "type")
    columns, rows = find_header(sheets[0] if sheets else [], _FLAT, required, path)
    kinds: dict[str, Kind] = {"1": "macro", "2": "micro"}
    for row in rows:
        named = _FLAT_NAME.fullmatch(text(row.cell(columns["video"])))
        if named is None:
            name = text(row.cell(columns["video"]))
            gathering.report("dropped", row.where, f"the video {name!r} is not named as casme_015_0401")
            continue
        kind = text(row.cell(columns["type"]))
        yield _Annotation(
            row.where,
            f"s{int(named['subject'])}_{named['code']}",
            row.cell(columns["onset"]),
            row.cell(columns["apex"]),
            row.cell(columns["offset"]),
            kinds.get(kind),
            kind,
            units=text(row.cell(columns["units"])) if "units" in columns else "",
        )


def _add(one: _Annotation, gathering: Gathering) -> None:
    if one.kind is None:
        gathering.report("dropped", one.where, f"the type {one.kind_text!r} is unknown")
        return
    try:
        onset, apex, offset = number(one.onset), number(one.apex), number(one.offset)
    except ValueError as error:
        gathering.report("dropped", one.where, str(error))
        return
    if apex == 0:
        gathering.report("repaired", one.where, "apex 0: not coded, taken as unknown")
        apex = None
    if offset == 0 and apex is not None:
        gathering.report("repaired", one.where, f"offset 0: not coded, the apex {apex} takes its place")
        offset = apex
    elif offset == 0:
        gathering.report("dropped", one.where, "offset 0 and no apex: the end is unknown")
        return
    gathering.add(one.video, one.where, onset, apex, offset, one.kind, one.emotion, one.units)


CORPUS = Corpus(
    name="cas_me_2",
    title="CAS(ME)2",
    citation="F. Qu, S.-J. Wang, W.-J. Yan, H. Li, S. Wu, X. Fu: CAS(ME)2: A Database for Spontaneous Macro-Expression "
    "and Micro-Expression Spotting and Recognition. IEEE Transactions on Affective Computing 9(4), 2018",
    licence="licence agreement with the Institute of Psychology, Chinese Academy of Sciences; research only",
    source="http://casme.psych.ac.cn/casme/e3",
    layout="rawpic/s15/15_0401girlcrashing/img0001.jpg (or longVideoFaceCropped/, or rawvideo/), "
    "CAS(ME)^2code_final.xlsx",
    read=read,
    published={
        "subjects": (22,),
        "videos": tuple(range(87, 99)),
        "videos with an expression": (95,),
        "macro": (300,),
        "micro": (57,),
        "half length macro": (18,),
        "half length micro": (6,),
    },
)
