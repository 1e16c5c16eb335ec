"""A corpus made by ``facespot synth make``: faces that nobody had to sign a form for, with exact truth.

Layout under the root::

    corpus.json
    annotation.csv                                   subject,video,onset,apex,offset,type,emotion,aus,fps
    videos/s01_v1.mp4                                or videos/s01_v1/000001.png, ...
    truth/                                           landmarks, action units, distractors, flow; not read here

Frames of the table count from 1. A corpus that is not finished is refused.
"""

from __future__ import annotations

import json
from pathlib import Path

from facespot.datasets import own_data
from facespot.datasets.base import Corpus, Finding
from facespot.errors import FormatError
from facespot.values import Recording

SCHEMA = "facespot.synth/1"
ANNOTATION = "annotation.csv"


def read(root: Path, findings: list[Finding], *, annotation: str = ANNOTATION) -> list[Recording]:
    """Recordings of a corpus.

    Parameters
    ----------
    root : Path
        Folder of the corpus.
    findings : list of Finding
        Filled with what was skipped, repaired or noticed; nothing in a corpus that was not altered.
    annotation : str
        Table below the root, such as one with a coder's errors added.

    Raises
    ------
    FormatError
        If it is no corpus of this kind, or not finished.
    """
    index = root / "corpus.json"
    try:
        header = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FormatError(
            str(index), "it is missing or no JSON", "name a folder made by facespot synth make"
        ) from error
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        found = header.get("schema") if isinstance(header, dict) else None
        raise FormatError(str(index), f"its schema is {found!r}, not {SCHEMA!r}", "make the corpus anew")
    if header.get("complete") is not True:
        raise FormatError(str(root), "the corpus is not finished", "run the same facespot synth make again to go on")
    return own_data.read(root, findings, annotation=annotation)


CORPUS = Corpus(
    name="synth",
    title="facespot synthetic corpus",
    citation="facespot; faces: Li et al., Learning Formation of Physically-Based Face Attributes, CVPR 2020",
    licence="yours; keep the licence of the face model (ICT-FaceKit, MIT), or of your photographs",
    source="facespot synth make OUT --preset bench-v1 --face-model ICT-FaceKit",
    layout="corpus.json, annotation.csv and videos/, as facespot synth make writes them",
    read=read,
)
