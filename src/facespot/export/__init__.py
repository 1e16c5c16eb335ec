"""Tracks and results in, files for other programs out; and such files read back as tracks.

Formats: facespot CSV (`table`), facespot JSON (`document`), ELAN (`elan`), Praat TextGrid (`textgrid`), BIDS events
(`bids`), the submission table of the grand challenge (`challenge`), raw scores as .npz (`results`). `atomic` writes all
of them so that a file is either whole or not there.
"""

from facespot.export.files import Content, read_content, read_tracks, write_tracks
from facespot.export.results import write_result

__all__ = ["Content", "read_content", "read_tracks", "write_result", "write_tracks"]
