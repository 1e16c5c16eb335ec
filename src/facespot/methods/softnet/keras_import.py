"""The SOFTNet authors' released weights (Keras HDF5) -> a checkpoint.

The authors publish one file per corpus, type and fold (https://github.com/genbing99/SoftNet-SpotME, folder
``SOFTNet_Weights/CASME_sq/macro-expression/s1.hdf5``). The fold is the position of the held-out subject among the
corpus's subjects, not the subject's own number.

The layout of such a file is told in `facespot.models.keras_files`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from facespot.errors import SettingsError, WeightsError
from facespot.models import Checkpoint, write_checkpoint
from facespot.models.keras_files import KerasLayer, check_finite, in_torch_order, missing_library, read_keras_layers
from facespot.values import KINDS, FloatArray, Kind, Setting

METHOD = "softnet"
LAYER_SHAPES: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = (
    ("streams.0.0", (5, 5, 1, 3), (3,)),
    ("streams.1.0", (5, 5, 1, 5), (5,)),
    ("streams.2.0", (5, 5, 1, 8), (8,)),
    ("dense", (784, 400), (400,)),
    ("score", (400, 1), (1,)),
)
"""Layer of `SOFTNet`, shape of its Keras kernel, shape of its bias; in the order of the file."""

# The released weights were trained on both brows as one strip and on absolute flow, as the authors' code makes them.
RELEASED_CONFIG: Mapping[str, Setting] = {"reading": "code", "roi_layout": "joined"}
CORPORA: Mapping[str, str] = {"CASME_sq": "CAS(ME)2", "SAMMLV": "SAMM-LV"}
DISTANCES_S: Mapping[tuple[str, Kind], float] = {
    ("CAS(ME)2", "micro"): 0.2,
    ("CAS(ME)2", "macro"): 0.6,
    ("SAMM-LV", "micro"): 0.185,
    ("SAMM-LV", "macro"): 0.87,
}
"""Seconds between the two frames of a flow: k = 6, 18 at 30 frames/s and 37, 174 at 200 frames/s (section 3.1)."""

_REMEDY = "give a weight file of the SOFTNet authors, such as SOFTNet_Weights/CASME_sq/macro-expression/s1.hdf5"


@dataclass(frozen=True)
class ReleasedName:
    """What the name of an authors' file tells; None where it does not.

    Parameters
    ----------
    corpus : str or None
        Corpus it was trained on.
    kind : {"macro", "micro"} or None
        Type of expression.
    fold : int or None
        Number of the fold, from 1.
    """

    corpus: str | None = None
    kind: Kind | None = None
    fold: int | None = None


def parse_released_name(file: Path) -> ReleasedName:
    """Read corpus, type and fold from the name of a file, or from its folders where they are the authors' own.

    >>> parse_released_name(Path("softnet_CASME_sq_macro_s1.hdf5"))
    ReleasedName(corpus='CAS(ME)2', kind='macro', fold=1)
    >>> parse_released_name(Path("SOFTNet_Weights/SAMMLV/micro-expression/s12.hdf5"))
    ReleasedName(corpus='SAMM-LV', kind='micro', fold=12)
    >>> parse_released_name(Path("micro/weights.hdf5"))
    ReleasedName(corpus=None, kind=None, fold=None)
    """
    name = file.stem
    parents = file.absolute().parts[-3:-1]
    if len(parents) == 2 and parents[0] in CORPORA and parents[1] in ("macro-expression", "micro-expression"):
        name = "_".join((*parents, name))
    corpora = [corpus for label, corpus in CORPORA.items() if re.search(rf"(^|_){label}(_|$)", name)]
    kinds = {kind for kind in KINDS if re.search(rf"(^|[_-]){kind}([_-]|$)", name)}
    fold = re.search(r"(^|_)s(\d+)$", name)
    return ReleasedName(
        corpora[0] if len(corpora) == 1 else None,
        kinds.pop() if len(kinds) == 1 else None,
        int(fold[2]) if fold else None,
    )


def read_keras_softnet(file: str | Path) -> dict[str, FloatArray]:
    """Weights in a Keras HDF5 file, by the parameter names of `SOFTNet` and in PyTorch's axis order.

    Raises
    ------
    WeightsError
        No such file, not HDF5, damaged, of another network, or with weights that are not finite.
    MissingDependencyError
        h5py is not installed.
    """
    known = {(kernel, bias) for _, kernel, bias in LAYER_SHAPES}
    layers = read_keras_layers(file, network="SOFTNet", fits=known.__contains__, remedy=_REMEDY)
    return _as_softnet(layers, str(file))


def import_keras_softnet(
    file: str | Path, out: str | Path, *, kind: str | None = None, overwrite: bool = False
) -> Checkpoint:
    """Turn a weight file of the SOFTNet authors into a checkpoint.

    Parameters
    ----------
    file : str or Path
        Keras HDF5, weights only or a whole model.
    out : str or Path
        Folder to make.
    kind : {"macro", "micro"}, optional
        Type of expression that the weights spot; may be left out where the file's name tells it.
    overwrite : bool
        Replace a checkpoint that is there already.

    Returns
    -------
    Checkpoint
        config: ``reading`` "code" and ``roi_layout`` "joined", the input that the weights were trained on. fitted:
        ``distance_s``, where the file's name tells the corpus. origin: corpus, fold, licence, file and its hash.

    Raises
    ------
    WeightsError
        The file is missing, not HDF5, damaged, or of another network.
    SettingsError
        The type is neither given nor in the file's name, or the two differ.
    MissingDependencyError
        h5py, torch, onnx or onnxscript is not installed.
    OutputError
        The folder exists, or cannot be written.
    """
    file = Path(file)
    weights = read_keras_softnet(file)
    named = parse_released_name(file)
    agreed = _agreed_kind(file, kind, named.kind)
    distance_s = DISTANCES_S.get((named.corpus, agreed)) if named.corpus else None
    return write_checkpoint(
        out,
        method=METHOD,
        kind=agreed,
        config=RELEASED_CONFIG,
        fitted={} if distance_s is None else {"distance_s": distance_s},
        origin={
            "corpus": named.corpus,
            "held_out_subject": None if named.fold is None else f"fold {named.fold}",
            "licence": "none stated by the authors",
            "source_file": file.name,
            "source_sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        },
        onnx_bytes=_onnx_bytes(weights),
        weights=weights,
        overwrite=overwrite,
    )


def _as_softnet(layers: list[KerasLayer], where: str) -> dict[str, FloatArray]:
    if len(layers) != len(LAYER_SHAPES):
        raise WeightsError(where, f"has {len(layers)} layers with weights, SOFTNet has {len(LAYER_SHAPES)}", _REMEDY)
    weights: dict[str, FloatArray] = {}
    for layer, (name, kernel_shape, _) in zip(layers, LAYER_SHAPES, strict=True):
        kernel, bias = layer.arrays
        if kernel.shape != kernel_shape:
            found = f"the layer '{layer.name}' has the kernel {kernel.shape} where SOFTNet has {kernel_shape}"
            raise WeightsError(where, found, _REMEDY)
        check_finite(layer, where)
        weights[f"{name}.weight"] = in_torch_order(kernel)
        weights[f"{name}.bias"] = bias
    return weights


def _agreed_kind(file: Path, given: str | None, named: Kind | None) -> Kind:
    if given is not None and given not in KINDS:
        raise SettingsError("--kind", f"'{given}' is not a type of expression", "give --kind macro or --kind micro")
    if given is not None and named is not None and given != named:
        raise SettingsError(str(file), f"the name says {named}, --kind says {given}", "correct --kind or the name")
    if given is None and named is None:
        raise SettingsError(
            str(file), "the name does not tell the type of expression", "give --kind macro or --kind micro"
        )
    return cast(Kind, given or named)


def _onnx_bytes(weights: Mapping[str, FloatArray]) -> bytes:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
        import torch
    except ImportError as error:
        raise missing_library(error, "SOFTNet") from None
    from facespot.methods.softnet.network import MAP_SHAPE, SOFTNet
    from facespot.training.onnx_export import to_onnx

    network = SOFTNet()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return to_onnx(network, MAP_SHAPE)
