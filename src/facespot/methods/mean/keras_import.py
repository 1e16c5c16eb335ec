"""The MEAN authors' released weights (Keras HDF5) -> a checkpoint.

The authors publish three files per corpus and fold (https://github.com/genbing99/MEAN_Spot-then-recognize, folders
``MEAN_Weights/CASME2/{spot,recog,spot_recog}/s1.hdf5``): streams with the spotting head, streams with the recognition
head, and all together. The fold is the position of the held-out subject among the corpus's subjects, not the subject's
own number. A subject without a scored emotion has no ``recog`` file.

The layout of such a file is told in `facespot.models.keras_files`. Here layers are sorted by shape, and by order among
equal shapes: the streams come as u, v, strain, and where there are two heads the spotting head comes first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facespot.errors import SettingsError, WeightsError
from facespot.models import Checkpoint, write_checkpoint
from facespot.models.keras_files import (
    KerasLayer,
    Shapes,
    check_finite,
    in_torch_order,
    missing_library,
    read_keras_layers,
)
from facespot.values import KINDS, FloatArray, Setting

METHOD = "mean"
MAP_SHAPE = (42, 42, 3)
STREAM_FILTERS = (3, 3, 8)
FLAT_NODES = 392
HEAD_SHAPES: Shapes = ((5, 5, 14, 8), (8,))
HEADS = ("spotting", "recognition")

# The released weights were trained on what the authors' code makes of a video.
RELEASED_CONFIG: Mapping[str, Setting] = {"reading": "code", "roi_layout": "joined"}
DISTANCE_S = 0.1
"""Seconds between the two frames of a flow, section 5.4."""


@dataclass(frozen=True)
class ReleasedCorpus:
    """A corpus that the authors published weights for.

    Parameters
    ----------
    name : str
        Its name.
    half_length_s : float
        k' in seconds: half the mean length of a micro-expression (Table 1, at the corpus's frame rate).
    classes : tuple of str
        What the outputs of the recognition head stand for.
    """

    name: str
    half_length_s: float
    classes: tuple[str, ...]


THREE_CLASSES = ("negative", "positive", "surprise")
FIVE_CLASSES = ("disgust", "happiness", "others", "surprise", "repression")
CORPORA: Mapping[str, ReleasedCorpus] = {
    "CASME2": ReleasedCorpus("CASME II", 34 / 200, FIVE_CLASSES),
    "SMIC_HS": ReleasedCorpus("SMIC-HS", 17 / 100, THREE_CLASSES),
    "SMIC_VIS": ReleasedCorpus("SMIC-VIS", 4 / 25, THREE_CLASSES),
    "SMIC_NIR": ReleasedCorpus("SMIC-NIR", 4 / 25, THREE_CLASSES),
    "CASME_sq": ReleasedCorpus("CAS(ME)2", 6 / 30, THREE_CLASSES),
    "SAMMLV": ReleasedCorpus("SAMM-LV", 37 / 200, THREE_CLASSES),
}
"""The authors' name of a corpus, as in folders and files, and what belongs to it."""

_REMEDY = "give a weight file of the MEAN authors, such as MEAN_Weights/CASME2/spot_recog/s1.hdf5"


@dataclass(frozen=True)
class ReleasedName:
    """What the name of an authors' file tells; None where it does not.

    Parameters
    ----------
    corpus : str or None
        Key of `CORPORA`.
    fold : int or None
        Number of the fold, from 1.
    """

    corpus: str | None = None
    fold: int | None = None


def parse_released_name(file: Path) -> ReleasedName:
    """Read corpus and fold from the name of a file, or from its folders where they are the authors' own.

    >>> parse_released_name(Path("MEAN_Weights/SMIC_HS/spot/s12.hdf5"))
    ReleasedName(corpus='SMIC_HS', fold=12)
    >>> parse_released_name(Path("mean_CASME2_s1_spot_recog.hdf5"))
    ReleasedName(corpus='CASME2', fold=1)
    >>> parse_released_name(Path("spot/weights.hdf5"))
    ReleasedName(corpus=None, fold=None)
    """
    name = file.stem
    parents = file.absolute().parts[-3:-1]
    if len(parents) == 2 and parents[0] in CORPORA and parents[1] in ("spot", "recog", "spot_recog"):
        name = f"{parents[0]}_{name}"
    corpora = [label for label in CORPORA if re.search(rf"(^|_){label}(_|$)", name)]
    fold = re.search(r"(^|_)s(\d+)(_(spot|recog|spot_recog))?$", name)
    return ReleasedName(corpora[0] if len(corpora) == 1 else None, int(fold[2]) if fold else None)


def read_keras_mean(file: str | Path) -> dict[str, FloatArray]:
    """Weights in a Keras HDF5 file, by the names of `MEAN` and in PyTorch's axis order.

    Returns
    -------
    dict of str to float32 array
        ``streams.*``, and ``spotting.*``, ``recognition.*`` or both, whichever heads the file holds.

    Raises
    ------
    WeightsError
        No such file, not HDF5, damaged, of another network, or with weights that are not finite.
    MissingDependencyError
        h5py is not installed.
    """
    layers = read_keras_layers(file, network="MEAN", fits=_fits, remedy=_REMEDY)
    where = str(file)
    convolutions = [layer for layer in layers if len(layer.shapes[0]) == 4 and layer.shapes != HEAD_SHAPES]
    norms = [layer for layer in layers if len(layer.arrays) == 4]
    heads = [layer for layer in layers if layer.shapes == HEAD_SHAPES]
    outputs = [layer for layer in layers if layer.shapes[0][0] == FLAT_NODES]
    filters = tuple(layer.shapes[-1][0] for layer in convolutions)
    if filters != STREAM_FILTERS or tuple(layer.shapes[0][0] for layer in norms) != STREAM_FILTERS:
        found = f"has {filters} filters in its streams, or other batch normalisation than MEAN's {STREAM_FILTERS}"
        raise WeightsError(where, found, _REMEDY)
    scores = [layer.shapes[0][1] == 1 for layer in outputs]
    if len(heads) != len(outputs) or scores not in ([True], [False], [True, False]):
        raise WeightsError(where, f"has {len(heads)} heads and {len(outputs)} outputs, which MEAN has not", _REMEDY)
    weights: dict[str, FloatArray] = {}
    for number, (convolution, norm) in enumerate(zip(convolutions, norms, strict=True)):
        weights |= _kernel_and_bias(f"streams.{number}.0", convolution, where)
        check_finite(norm, where)
        names = ("weight", "bias", "running_mean", "running_var")
        weights |= {f"streams.{number}.2.{name}": array for name, array in zip(names, norm.arrays, strict=True)}
    for head, output, is_score in zip(heads, outputs, scores, strict=True):
        task = HEADS[0] if is_score else HEADS[1]
        weights |= _kernel_and_bias(f"{task}.conv", head, where)
        weights |= _kernel_and_bias(f"{task}.output", output, where)
    return weights


def merge(parts: Sequence[Mapping[str, FloatArray]]) -> dict[str, FloatArray]:
    """One network of the weights of several files, each head once.

    Where the streams of both heads are the same numbers, the heads share them; else they are the two independent
    networks of Table 9, and the recognition head's streams are named ``recognition_streams.*``.

    Raises
    ------
    ValueError
        If two parts hold the same head.
    """
    merged: dict[str, FloatArray] = {}
    # The part with the spotting head first: its streams are the network's own.
    for part in sorted(parts, key=lambda one: "spotting.conv.weight" not in one):
        heads = {name: array for name, array in part.items() if not name.startswith("streams.")}
        if heads.keys() & merged.keys():
            raise ValueError("two files hold the same head")
        streams = {name: array for name, array in part.items() if name.startswith("streams.")}
        if not merged:
            merged |= streams
        elif any(not np.array_equal(array, merged[name]) for name, array in streams.items()):
            merged |= {f"recognition_{name}": array for name, array in streams.items()}
        merged |= heads
    return merged


def import_keras_mean(
    files: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    kind: str | None = None,
    classes: Sequence[str] | None = None,
    overwrite: bool = False,
) -> Checkpoint:
    """Turn weight files of the MEAN authors into one checkpoint.

    Parameters
    ----------
    files : path, or sequence of them
        One file, or a ``spot`` and a ``recog`` file of the same fold.
    out : str or Path
        Folder to make.
    kind : {"macro", "micro"}, optional
        Type of expression that the weights spot; micro by default, as all that the authors published.
    classes : sequence of str, optional
        What the outputs of the recognition head stand for. Default: the classes of the corpus that the file's name
        tells; without it those of CASME II where there are five, and negative, positive, surprise where there are
        three.
    overwrite : bool
        Replace a checkpoint that is there already.

    Returns
    -------
    Checkpoint
        config: ``reading`` "code" and ``roi_layout`` "joined", the input that the weights were trained on. fitted:
        ``distance_s``, ``classes`` where there is a recognition head, and ``half_length_s`` where the name tells the
        corpus. origin: corpus, fold, licence, files and their hashes. The network's outputs are the score, where there
        is a spotting head, then one probability per class.

    Raises
    ------
    WeightsError
        A file is missing, not HDF5, damaged, or of another network, or two files do not belong together.
    SettingsError
        The type is unknown, or the classes are not known or do not fit.
    MissingDependencyError
        h5py, torch, onnx or onnxscript is not installed.
    OutputError
        The folder exists, or cannot be written.
    """
    paths = [Path(files)] if isinstance(files, str | Path) else [Path(file) for file in files]
    kind = kind or "micro"
    if kind not in KINDS:
        raise SettingsError("--kind", f"'{kind}' is not a type of expression", "give --kind macro or --kind micro")
    parts = [read_keras_mean(path) for path in paths]
    named = _common_name(paths)
    try:
        weights = merge(parts)
    except ValueError as error:
        raise WeightsError(
            str(paths[-1]), str(error), "give one spot and one recog file, or spot_recog alone"
        ) from None
    corpus = CORPORA[named.corpus] if named.corpus else None
    fitted: dict[str, object] = {"distance_s": DISTANCE_S}
    if corpus is not None:
        fitted["half_length_s"] = corpus.half_length_s
    if "recognition.output.bias" in weights:
        fitted["classes"] = list(_agreed_classes(classes, corpus, len(weights["recognition.output.bias"]), paths[-1]))
    return write_checkpoint(
        out,
        method=METHOD,
        kind=kind,
        config=RELEASED_CONFIG,
        fitted=fitted,
        origin={
            "corpus": None if corpus is None else corpus.name,
            "held_out_subject": None if named.fold is None else f"fold {named.fold}",
            "licence": "none stated by the authors",
            "source_file": ", ".join(path.name for path in paths),
            "source_sha256": ", ".join(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths),
        },
        onnx_bytes=_onnx_bytes(weights),
        weights=weights,
        overwrite=overwrite,
    )


def _fits(shapes: Shapes) -> bool:
    """Whether MEAN has a layer with arrays of these shapes."""
    streams = [((5, 5, 1, filters), (filters,)) for filters in STREAM_FILTERS]
    norms = [((filters,),) * 4 for filters in STREAM_FILTERS]
    if shapes in (*streams, *norms, HEAD_SHAPES):
        return True
    return len(shapes) == 2 and shapes[0] == (FLAT_NODES, *shapes[1]) and 1 <= shapes[1][0] <= 64


def _kernel_and_bias(name: str, layer: KerasLayer, where: str) -> dict[str, FloatArray]:
    check_finite(layer, where)
    kernel, bias = layer.arrays
    return {f"{name}.weight": in_torch_order(kernel), f"{name}.bias": bias}


def _common_name(paths: Sequence[Path]) -> ReleasedName:
    """What the names of all files tell; two that contradict each other are not of one network."""
    if not paths:
        raise WeightsError("weights", "no file is given", _REMEDY)
    names = [parse_released_name(path) for path in paths]
    corpora = {name.corpus for name in names} - {None}
    folds = {name.fold for name in names} - {None}
    if len(corpora) > 1 or len(folds) > 1:
        raise WeightsError(str(paths[-1]), "its corpus or fold is not that of the other file", "give files of one fold")
    return ReleasedName(next(iter(corpora), None), next(iter(folds), None))


def _agreed_classes(
    given: Sequence[str] | None, corpus: ReleasedCorpus | None, count: int, file: Path
) -> tuple[str, ...]:
    if given is None and corpus is not None and len(corpus.classes) == count:
        return corpus.classes
    if given is None and corpus is None:
        given = {3: THREE_CLASSES, 5: FIVE_CLASSES}.get(count)
    if given is None:
        raise SettingsError(str(file), f"the names of its {count} classes are not known", "name the classes")
    if len(given) != count or len(set(given)) != count:
        raise SettingsError(str(file), f"it has {count} classes, not {', '.join(given)}", "name each class once")
    return tuple(given)


def _onnx_bytes(weights: Mapping[str, FloatArray]) -> bytes:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise missing_library(error, "MEAN") from None
    from facespot.methods.mean.network import MEAN
    from facespot.training.onnx_export import to_onnx

    return to_onnx(MEAN.of_weights(weights), MAP_SHAPE, output_names=("outputs",))
