"""Keep what libraries write to the error stream, from Python or from C++, off the user's screen."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Send file descriptor 2 of the whole process to nowhere, and restore it whatever happens.

    Everything that any thread writes to the error stream meanwhile is lost: keep the block short.
    """
    try:
        kept = os.dup(2)
    except OSError:
        # The process was started without an error stream: there is nothing to silence.
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
        finally:
            os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def no_protobuf_deprecation() -> Iterator[None]:
    """Ignore the warnings that MediaPipe 0.10.14 causes: in protobuf 4 at every result, in Python 3.12 at import.

    Its compiled parts cannot be imported where deprecation warnings are errors.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", message=r"SymbolDatabase\.GetPrototype", category=UserWarning)
        yield
