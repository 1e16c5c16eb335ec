"""Tells from the outer structure of a file whether its end is missing.

Container formats state how long their parts are. Where the last part reaches beyond the end of the file, the file was
cut: a copy that broke off, a card pulled out too early. Formats: ISO base media (mp4, mov), Matroska (mkv, webm), RIFF
(avi).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

EBML_MAGIC = b"\x1a\x45\xdf\xa3"
ISO_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})


@dataclass(frozen=True)
class Structure:
    """What the outer structure of a file says.

    Parameters
    ----------
    missing_bytes : int
        Bytes that the stated lengths promise beyond the end of the file; 0 where it is whole or states nothing.
    lacks_index : bool
        An mp4 or mov file without the box (moov) that says where its frames are; it is written last by cameras.
    """

    missing_bytes: int = 0
    lacks_index: bool = False


def read_structure(path: Path) -> Structure:
    """Walk over the outermost parts of a file, reading their headers only.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        file.seek(0)
        if start[4:8] in ISO_FIRST_BOXES:
            return _iso(file, size)
        if start[:4] == EBML_MAGIC:
            return Structure(_beyond(_matroska_end(file, size), size))
        if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
            return Structure(_beyond(_riff_end(file, size), size))
    return Structure()


def _beyond(end: int, size: int) -> int:
    return max(0, end - size)


def _iso(file: BinaryIO, size: int) -> Structure:
    position, has_index = 0, False
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - position
        has_index = has_index or kind == b"moov"
        if length < 8:
            break
        position += length
    return Structure(_beyond(position, size), lacks_index=not has_index)


def _matroska_end(file: BinaryIO, size: int) -> int:
    position = 0
    while position < size:
        file.seek(position)
        header = file.read(12)
        identifier_length = _leading_zeros(header[0]) + 1
        field = header[identifier_length:]
        if identifier_length > 4 or not field:
            break
        length_bytes = _leading_zeros(field[0]) + 1
        if length_bytes > 8 or len(field) < length_bytes:
            break
        ones = (1 << (7 * length_bytes)) - 1
        length = int.from_bytes(field[:length_bytes], "big") & ones
        if length == ones:
            return 0
        position += identifier_length + length_bytes + length
    return position


def _leading_zeros(byte: int) -> int:
    return 8 - byte.bit_length()


def _riff_end(file: BinaryIO, size: int) -> int:
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(8)
        length = int.from_bytes(header[4:8], "little")
        # A recorder that was stopped hard leaves the length unset.
        if header[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):
            return 0
        position += 8 + length + length % 2
    # The last chunk's padding byte is often left out.
    return position - 1
