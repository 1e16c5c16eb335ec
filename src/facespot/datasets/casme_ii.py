"""CASME II: 247 clips of one micro-expression each, 26 people, 200 frames per second.

Layout under the root (or one level below)::

    CASME2_RAW/sub01/EP02_01f/img1.jpg
    CASME2-coding-20140508.xlsx                      or of another date

Columns, known by their names: Subject, Filename, OnsetFrame, ApexFrame, OffsetFrame, Action Units, Estimated Emotion.
Frames count from 1. An apex of ``/`` is unknown. The five-class task, table ``five``, scores 244 to 246 of the clips.
"""

from __future__ import annotations

from pathlib import Path

from facespot.datasets.base import Corpus, Finding
from facespot.datasets.frames import find_file, find_folders, folder_footage
from facespot.datasets.gathering import Gathering
from facespot.datasets.sheets import find_header, number, read_sheets, text
from facespot.errors import FormatError
from facespot.values import Recording
from facespot.video.find import natural_key

FRAME_RATE = 200.0
_COLUMNS = {
    "subject": ("Subject",),
    "file": ("Filename", "File name"),
    "onset": ("OnsetFrame",),
    "apex": ("ApexFrame", "ApexFrame1"),
    "offset": ("OffsetFrame",),
    "units": ("Action Units",),
    "emotion": ("Estimated Emotion", "Emotion"),
}


def read(root: Path, findings: list[Finding], *, annotation: str | None = None) -> list[Recording]:
    """Recordings of a copy.

    Parameters
    ----------
    root : Path
        Folder of the corpus.
    findings : list of Finding
        Filled with what was skipped, repaired or noticed.
    annotation : str, optional
        Annotation file below the root, where there are several.

    Raises
    ------
    FormatError
        If the folder has not this layout, or the annotation cannot be read.
    """
    gathering = Gathering(findings)
    folders = find_folders(root, ("CASME2_RAW", "CASME2-RAW"))
    if not folders:
        raise FormatError(str(root), "there is no folder CASME2_RAW", "name the folder that holds it")
    path = find_file(root, r"CASME2-coding.*\.(xlsx|csv)", "annotation", "annotation", annotation)
    if path is None:
        raise FormatError(str(root), "there is no CASME2-coding-....xlsx", "put it into the root folder")
    for subject in sorted((one for one in folders[0].iterdir() if one.is_dir()), key=natural_key):
        for clip in sorted((one for one in subject.iterdir() if one.is_dir()), key=natural_key):
            footage = folder_footage(clip, FRAME_RATE)
            if footage is None:
                gathering.report("missing video", str(clip), "the folder holds no images")
            else:
                gathering.add_video(f"{subject.name}_{clip.name}", subject.name, footage)
    sheets = read_sheets(path)
    required = ("subject", "file", "onset", "apex", "offset", "emotion")
    columns, rows = find_header(sheets[0] if sheets else [], _COLUMNS, required, path)
    for row in rows:
        values = {name: row.cell(column) for name, column in columns.items()}
        subject_number = text(values["subject"]).lower().removeprefix("sub")
        try:
            onset, apex, offset = number(values["onset"]), number(values["apex"]), number(values["offset"])
        except ValueError as error:
            gathering.report("dropped", row.where, str(error))
            continue
        video = f"sub{subject_number.zfill(2)}_{text(values['file'])}"
        kept = gathering.add(
            video, row.where, onset, apex, offset, "micro", text(values["emotion"]), text(values.get("units"))
        )
        if kept and apex is None:
            gathering.report("noted", row.where, f"apex {text(values['apex'])!r}: unknown")
    return gathering.recordings()


CORPUS = Corpus(
    name="casme_ii",
    title="CASME II",
    citation="W.-J. Yan, X. Li, S.-J. Wang, G. Zhao, Y.-J. Liu, Y.-H. Chen, X. Fu: CASME II: An Improved Spontaneous "
    "Micro-Expression Database and the Baseline Evaluation. PLoS ONE 9(1), 2014",
    licence="licence agreement with the Institute of Psychology, Chinese Academy of Sciences; research only",
    source="http://casme.psych.ac.cn/casme/e2",
    layout="CASME2_RAW/sub01/EP02_01f/img1.jpg, CASME2-coding-20140508.xlsx",
    read=read,
    published={
        "subjects": (26,),
        "videos": (247,),
        "macro": (0,),
        "micro": (247,),
        "half length micro": (34,),
    },
)
