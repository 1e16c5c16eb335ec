"""Weights that come with facespot: checkpoint folders and cards below ``facespot/weights``.

::

    weights/
    `-- softnet/
        |-- facts.toml    what the card says besides figures
        |-- card.md       what the weights are, and their figures
        |-- macro/        a checkpoint folder, see `facespot.models.checkpoint`
        `-- micro/        or one folder ``both`` where one network serves both types
"""

from __future__ import annotations

from pathlib import Path

WEIGHTS = Path(__file__).parent.parent / "weights"
FOLDERS = ("both", "macro", "micro")
CARD_FILE = "card.md"
FACTS_FILE = "facts.toml"


def shipped_folder(method: str, root: Path | None = None) -> Path:
    """Where the weights, the facts and the card of a method lie, if it has any.

    Parameters
    ----------
    method : str
        Name of the method.
    root : Path, optional
        Folder with one folder per method; default: the one that is installed with facespot.
    """
    return (WEIGHTS if root is None else root) / method


def shipped_methods(root: Path | None = None) -> tuple[str, ...]:
    """Methods that come with weights, sorted.

    Parameters
    ----------
    root : Path, optional
        As in `shipped_folder`.
    """
    folder = WEIGHTS if root is None else root
    if not folder.is_dir():
        return ()
    return tuple(sorted(path.name for path in folder.iterdir() if shipped_weights(path.name, folder)))


def shipped_weights(method: str, root: Path | None = None) -> tuple[Path, ...]:
    """Checkpoint folders of the weights that come with a method, sorted; none where there are none.

    Whether they are whole is seen when `read_checkpoint` reads them.

    Parameters
    ----------
    method, root
        As in `shipped_folder`.
    """
    folder = shipped_folder(method, root)
    return tuple(folder / name for name in FOLDERS if (folder / name).is_dir())


def shipped_card(method: str, root: Path | None = None) -> str | None:
    """The card of the weights that come with a method, as Markdown; None where there is none.

    Parameters
    ----------
    method, root
        As in `shipped_folder`.
    """
    path = shipped_folder(method, root) / CARD_FILE
    return path.read_text(encoding="utf-8") if path.is_file() else None
