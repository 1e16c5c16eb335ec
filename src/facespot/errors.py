"""What can go wrong, drawn as one tree.

    FacespotError                 one clear line, exit code 2
    |-- VideoError                a file or frame folder that cannot be read as asked
    |-- FaceError                 no usable face, or not the face that was asked for
    |-- TooShortError             fewer frames than the method needs
    |-- WeightsError              a checkpoint or weight file that does not fit
    |-- FormatError               a table, JSON or annotation file that cannot be read
    |-- SettingsError             a setting outside its range, or unknown
    |-- OutputError               a result that cannot be written
    `-- MissingDependencyError    an optional library that is not installed

Every message says where it happened, what is wrong, and what to do about it.

>>> print(VideoError("talk.mp4", "the file does not exist", "check the path"))
talk.mp4: the file does not exist; check the path
"""


class FacespotError(Exception):
    """A failure that the user can understand and mend.

    Parameters
    ----------
    where : str
        The file, option or stage in which it happened.
    what : str
        What is wrong, in one clause.
    remedy : str
        What the user can do about it, in one clause.
    """

    def __init__(self, where: str, what: str, remedy: str) -> None:
        super().__init__(where, what, remedy)
        self.where = where
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}; {self.remedy}"
        return " ".join(line.split())


class VideoError(FacespotError):
    """A video file or frame folder cannot be read as asked."""


class FaceError(FacespotError):
    """No usable face was found, or not the face that was asked for."""


class TooShortError(FacespotError):
    """The video has fewer frames than the method needs."""


class WeightsError(FacespotError):
    """A checkpoint or weight file does not fit the method, or is damaged."""


class FormatError(FacespotError):
    """A table, JSON or annotation file cannot be read."""


class SettingsError(FacespotError):
    """A setting is unknown or outside its range."""


class OutputError(FacespotError):
    """A result cannot be written."""


class MissingDependencyError(FacespotError):
    """An optional library is needed and not installed."""
