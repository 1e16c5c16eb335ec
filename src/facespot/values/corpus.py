"""Videos of a corpus and how they are split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facespot.values.time import Timebase, Track


@dataclass(frozen=True)
class Recording:
    """One video of a corpus with its annotation.

    Parameters
    ----------
    id : str
        Name of the video, different from all others of the corpus.
    subject : str
        Who is in it; leave-one-subject-out folds are made of this.
    path : Path
        Video file or frame folder.
    truth : Track
        Annotated expressions; its timebase is that of the video.
    """

    id: str
    subject: str
    path: Path
    truth: Track

    @property
    def timebase(self) -> Timebase:
        """Frames and seconds of the video."""
        return self.truth.timebase


@dataclass(frozen=True)
class Fold:
    """One split of a corpus.

    Parameters
    ----------
    name : str
        What is held out, such as the subject.
    train, test : tuple of Recording
        Disjoint.
    """

    name: str
    train: tuple[Recording, ...]
    test: tuple[Recording, ...]
