"""Tracks and results in, files for other programs out; and such files read back as tracks.

Formats: facespot CSV (`table`), facespot JSON (`document`), raw scores as .npz (`scores`). `atomic` writes all of them
so that a file is either whole or not there.
"""

from facespot.export.files import export, read_tracks, write_result

__all__ = ["export", "read_tracks", "write_result"]
