"""``facespot models``: checkpoints and the import of other authors' weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facespot.errors import SettingsError

models_app = typer.Typer(name="models", help="Import weights and show checkpoints.", no_args_is_help=True)


@models_app.command("import", no_args_is_help=True)
def import_command(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Whose weights they are: softnet.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The authors' Keras file (.hdf5, .h5).")],
    kind: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="macro or micro; default: from the file name.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Checkpoint folder; default: the file's stem.", show_default=False),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing checkpoint.")] = False,
) -> None:
    """Turn the authors' Keras file into a checkpoint: network.onnx, weights.safetensors, method.json.

    Needs the extra [train]; the checkpoint then runs without it.

    Example: facespot models import softnet CASME_sq_macro_s1.hdf5 --kind macro --out softnet-macro
    """
    if method != "softnet":
        raise SettingsError("METHOD", f"weights of {method!r} cannot be imported", "choose softnet")
    from facespot.methods.softnet.keras_import import import_keras_softnet

    target = out or Path(file.stem)
    checkpoint = import_keras_softnet(file, target, kind=kind, overwrite=overwrite)
    print(f"{checkpoint.path}: {checkpoint.method} {checkpoint.kind}, sha256 {checkpoint.digest}")
