"""Your own recordings: videos or frame folders, and a table, or ELAN or Praat files, that annotate them.

Layout under the root::

    any/folders/talk.mp4                             or talk/0001.jpg, 0002.jpg, ...
    annotation.csv                                   or .xlsx

The table has the columns ``subject,video,onset,apex,offset,type``, and where you like ``emotion``, ``aus`` and ``fps``.
Frames count from 1 (``index_base=0`` for 0), whatever the frames' files are called. Instead of frames, ``onset_s``,
``apex_s`` and ``offset_s`` may give seconds: the times of those frames. A row with subject and video alone stands for a
video without expressions. The facespot CSV is not such a table: it names no subjects.

Without a table, each .eaf or .TextGrid annotates the video that it links to or that lies beside it under its name. Its
subject is the participant of its tiers, else the folder it lies in, else its name.
"""

from __future__ import annotations

from pathlib import Path

from facespot.datasets.base import Corpus, Finding
from facespot.datasets.frames import Footage, find_file
from facespot.datasets.gathering import Gathering
from facespot.datasets.sheets import Cell, find_header, number, read_sheets, seconds, text
from facespot.datasets.videos import VideoShelf, open_footage
from facespot.errors import FacespotError, FormatError, SettingsError
from facespot.export.elan import linked_media, parse_eaf
from facespot.export.files import read_bytes
from facespot.export.kinds import parse_kind
from facespot.export.textgrid import parse_textgrid
from facespot.export.tiers import join_action_units, read_tiers
from facespot.values import Recording, Timebase
from facespot.video.find import natural_key

_COLUMNS = {
    "subject": ("subject", "person", "participant"),
    "video": ("video", "file", "filename"),
    "onset": ("onset", "onset_frame"),
    "apex": ("apex", "apex_frame"),
    "offset": ("offset", "offset_frame"),
    "onset_s": ("onset_s",),
    "apex_s": ("apex_s",),
    "offset_s": ("offset_s",),
    "type": ("type", "kind"),
    "emotion": ("emotion",),
    "units": ("aus", "au", "action units"),
    "fps": ("fps", "frame rate"),
}


def read(
    root: Path,
    findings: list[Finding],
    *,
    annotation: str | None = None,
    index_base: int = 1,
    frame_rate: float | None = None,
) -> list[Recording]:
    """Recordings under a root folder.

    Parameters
    ----------
    root : Path
        Folder of the data.
    findings : list of Finding
        Filled with what was skipped, repaired or noticed.
    annotation : str, optional
        Table below the root, where there are several.
    index_base : {0, 1}
        Number of the first frame in the table.
    frame_rate : float, optional
        Frames per second of frame folders without an ``fps`` of their own. Video files have their own times, which a
        cell ``fps`` replaces.

    Raises
    ------
    FormatError
        If there are no annotations, or the table cannot be read.
    """
    if index_base not in (0, 1):
        raise SettingsError("index_base", f"frames cannot count from {index_base}", "choose 0 or 1")
    gathering, shelf = Gathering(findings), VideoShelf(root)
    path = find_file(root, r".*\.(xlsx|csv)", "annotation", "annotation", annotation, below=False)
    files = [
        one
        for one in sorted(root.rglob("*"), key=lambda one: natural_key(Path(one.relative_to(root).as_posix())))
        if one.suffix.lower() in (".eaf", ".textgrid") and not one.name.startswith(".")
    ]
    if path is not None:
        _read_table(path, gathering, shelf, index_base, frame_rate)
        for file in files:
            gathering.report("noted", str(file), f"not read: {path.name} is the annotation")
    elif files:
        for file in files:
            _read_tier_file(file, root, gathering, shelf, frame_rate)
    else:
        raise FormatError(str(root), "there is no .csv, .xlsx, .eaf or .TextGrid", "name the folder of your data")
    for video in shelf.paths:
        if gathering.footage(shelf.name(video)) is None:
            gathering.report("noted", str(video), "no annotation names this video: it is left out")
    return gathering.recordings()


def _read_table(path: Path, gathering: Gathering, shelf: VideoShelf, index_base: int, frame_rate: float | None) -> None:
    sheets = read_sheets(path)
    rows = sheets[0] if sheets else []
    columns, below = find_header(rows, _COLUMNS, ("subject", "video", "type"), path)
    timed = "onset" not in columns
    names = ("onset_s", "apex_s", "offset_s") if timed else ("onset", "apex", "offset")
    # The two bounds must be there; asking again names what is missing as the documentation calls it.
    find_header(rows, _COLUMNS, ("subject", "video", *(name for name in names if "apex" not in name), "type"), path)
    if not timed and "onset_s" in columns:
        gathering.report("noted", path.name, "frames and seconds are given: the frames are used")
    opened: dict[str, tuple[str, float | None]] = {}
    for row in below:
        values = {name: row.cell(column) for name, column in columns.items()}
        subject, video_text = text(values["subject"]), text(values["video"])
        if not subject or not video_text:
            gathering.report("dropped", row.where, f"no {'video' if subject else 'subject'} is named")
            continue
        try:
            rate = seconds(values.get("fps"))
            video = shelf.find(video_text)
            name = shelf.name(video)
            if name not in opened:
                footage = open_footage(video, index_base, rate or (frame_rate if video.is_dir() else None))
                gathering.add_video(name, subject, footage)
                opened[name] = (subject, rate)
        except FacespotError as error:
            if any(text(values.get(one)) for one in names):
                gathering.miss_video(video_text, row.where, error.what)
            else:
                gathering.report("missing video", video_text, f"named in {row.where}, {error.what}")
            continue
        except ValueError as error:
            gathering.report("dropped", row.where, f"fps: {error}")
            continue
        if opened[name][0] != subject or (rate is not None and opened[name][1] != rate):
            gathering.report("dropped", row.where, "subject or fps differ from those of the video's first row")
            continue
        _add_row(name, row.where, values, names, gathering)


def _add_row(
    video: str, where: str, values: dict[str, Cell], names: tuple[str, str, str], gathering: Gathering
) -> None:
    cells = [values.get(name) for name in names]
    said = text(values["type"])
    if not any(text(cell) for cell in cells) and not said:
        return
    kind = parse_kind(said)
    if kind is None:
        gathering.report("dropped", where, f"the type {said!r} is unknown")
        return
    footage = gathering.footage(video)
    try:
        if names[0] == "onset_s" and footage is not None:
            onset, apex, offset = (_number_at(seconds(cell), footage) for cell in cells)
        else:
            onset, apex, offset = (number(cell) for cell in cells)
    except ValueError as error:
        gathering.report("dropped", where, str(error))
        return
    emotion, units = text(values.get("emotion")), text(values.get("units"))
    gathering.add(video, where, onset, apex, offset, kind, emotion, units)


def _number_at(time_s: float | None, footage: Footage) -> int | None:
    """Number of the frame at a time."""
    if time_s is None:
        return None
    timebase = footage.timebase
    if not -0.5 / timebase.fps <= time_s <= timebase.duration_s:
        raise ValueError(f"{time_s:g} s is outside the video, which ends at {timebase.duration_s:.3f} s")
    return footage.first + timebase.frame_at(time_s)


def _read_tier_file(file: Path, root: Path, gathering: Gathering, shelf: VideoShelf, frame_rate: float | None) -> None:
    where = str(file.relative_to(root))
    try:
        data = read_bytes(file)
        timed = parse_eaf(data, file) if file.suffix.lower() == ".eaf" else parse_textgrid(data, file)
        linked = linked_media(timed, file)
        path = None if linked is None else shelf.place(linked)
        if path is None:
            path = shelf.find(file.relative_to(root).with_suffix("").as_posix())
        footage = open_footage(path, 0, frame_rate if path.is_dir() else None)
        video = shelf.name(path)
        track, notes = read_tiers(timed, footage.timebase, file, video)
    except FacespotError as error:
        gathering.report("dropped", where, f"the whole file: {error.what}")
        return
    if gathering.footage(video) is not None:
        gathering.report("dropped", where, f"the whole file: {video} is annotated already")
        return
    for note in notes:
        gathering.report("noted", where, note)
    if len(timed.participants) > 1:
        gathering.report("noted", where, f"several participants, {timed.participants[0]} is taken")
    if timed.participants:
        subject = timed.participants[0]
    else:
        subject = file.parent.name if file.parent != root else file.stem
        gathering.report("noted", where, f"no participant is named: the subject is taken to be {subject!r}")
    gathering.add_video(video, subject, footage)
    for one in track.expressions:
        units = join_action_units(one.action_units)
        at = f"{where}, {_seconds(footage.timebase, one.onset)} s"
        gathering.add(video, at, one.onset, one.apex, one.offset, one.kind, one.emotion or "", units)


def _seconds(timebase: Timebase, frame: int) -> str:
    return f"{timebase.seconds(frame):.3f}"


CORPUS = Corpus(
    name="own_data",
    title="own data",
    citation="none: your own",
    licence="yours; ask the people in the videos for their consent",
    source="none",
    layout="videos or frame folders, and a .csv or .xlsx with the columns subject,video,onset,apex,offset,type",
    read=read,
)
