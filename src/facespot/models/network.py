"""Running ``network.onnx`` on the processor with onnxruntime; no PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facespot.errors import WeightsError
from facespot.values import FloatArray

_AGAIN = "copy the checkpoint again, or import or train the weights again"


class OnnxNetwork:
    """A network with one float32 input and one output, opened at first use.

    Parameters
    ----------
    path : str or Path
        The ``.onnx`` file, self-contained; its first axis is the batch.
    threads : int
        Threads within one run. One by default: several videos are spotted in parallel, one process each.
    """

    def __init__(self, path: str | Path, *, threads: int = 1) -> None:
        self.path = Path(path)
        self.threads = threads
        self._session: Any = None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape of one sample, without the batch axis; None where the network leaves a length open.

        Raises
        ------
        WeightsError
            The file is missing, damaged, or no network of this form.
        """
        shape = self._open().get_inputs()[0].shape
        return tuple(length if isinstance(length, int) else None for length in shape[1:])

    def run(self, inputs: NDArray[Any], *, batch_size: int = 64) -> FloatArray:
        """Run the network on each sample.

        Parameters
        ----------
        inputs : (n, ...) array
            Samples; may be memory-mapped: only one batch at a time is copied, to float32.
        batch_size : int
            Samples per run, >= 1. It bounds the memory and changes no value beyond rounding.

        Returns
        -------
        (n, ...) float32 array

        Raises
        ------
        WeightsError
            The samples do not have the network's input shape, or the file is not usable.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        session = self._open()
        self._check_samples(inputs.shape)
        name = session.get_inputs()[0].name
        outputs: list[FloatArray] = []
        # An empty video still runs one empty batch: the outputs keep their shape.
        for start in range(0, max(len(inputs), 1), batch_size):
            batch = np.ascontiguousarray(inputs[start : start + batch_size], dtype=np.float32)
            outputs.append(session.run(None, {name: batch})[0])
        return np.concatenate(outputs)

    def _check_samples(self, shape: tuple[int, ...]) -> None:
        expected = self.input_shape
        fits = len(shape) == len(expected) + 1 and all(
            wanted is None or wanted == given for wanted, given in zip(expected, shape[1:], strict=True)
        )
        if not fits:
            wanted = " x ".join("any" if length is None else str(length) for length in expected)
            given = " x ".join(str(length) for length in shape[1:])
            raise WeightsError(
                str(self.path),
                f"the network takes {wanted or 'single numbers'} per frame, the features have {given or 'one number'}",
                "use weights that belong to these features",
            )

    def _open(self) -> Any:
        if self._session is None:
            self._session = _open_session(self.path, self.threads)
        return self._session


def _open_session(path: Path, threads: int) -> Any:
    import onnxruntime

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(str(path), "the file does not exist", _AGAIN) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise WeightsError(str(path), f"cannot be read ({reason})", "check the file and its permissions") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Level 3 is errors only, and those are raised.
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no base class but Exception
        # Its messages run over several lines and name C++ functions.
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise WeightsError(str(path), f"is not a network that can be run ({reason})", _AGAIN) from None
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1 or inputs[0].type != "tensor(float)":
        raise WeightsError(
            str(path),
            f"has {len(inputs)} inputs and {len(outputs)} outputs, not one float32 input and one output",
            _AGAIN,
        )
    return session
