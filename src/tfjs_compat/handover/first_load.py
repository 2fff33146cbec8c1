"""What makes a user's first load a success: a program beside the model that feeds it by name and shows known numbers.

``predict.mjs`` and ``predict.html`` are the files beside this module with the model's interface written in; their
``predict.json`` holds one input and Python's predictions for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from tfjs_compat.artifact.tensors import DamagedTensorsError, Tensor, read_tensors
from tfjs_compat.inside.tfjs_case.judgement import NOISE_TIMES, allowed_for
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.outcomes.parity import Tolerance
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.system.decoding import DamagedFileError, Reader

_HERE = Path(__file__).parent
_MOST = 2_000_000
"""Numbers in the stored input and its predictions, above which nobody wants them as JSON."""

PROGRAM, PAGE, EXAMPLE = "predict.mjs", "predict.html", "predict.json"


def first_load(case: CaseResult, folder: Path) -> dict[str, bytes]:
    """The files, name → content, of a case that works and left its tensors in ``folder``. Empty where an input is too
    large to be stored, or where it is not known which output is which. Raises OSError."""
    interface = case.interface
    if interface is None:
        return {}
    try:
        inputs, outputs = (_last_batch(read_tensors(folder / name)) for name in ("inputs", "expected"))
    except DamagedTensorsError:
        return {}
    if sum(tensor.values.size for tensor in (*inputs, *outputs)) > _MOST:
        return {}
    rows = {row.name: row.allowed for row in case.parity.outputs} if case.parity is not None else {}
    example = {
        "inputs": [_entry(tensor) for tensor in inputs],
        "outputs": [
            {**_entry(tensor), "allowed": rows.get(tensor.name, 0.0), "random": tensor.random} for tensor in outputs
        ],
    }
    model = {"format": find_route(case.route).format, **msgspec.to_builtins(interface)}
    return {
        PROGRAM: _filled(PROGRAM, case, model),
        PAGE: _filled(PAGE, case, model),
        EXAMPLE: msgspec.json.encode(example),
    }


class _Stored(msgspec.Struct):
    """A tensor in predict.json; ``allowed``: what TensorFlow.js may give instead is so far from it."""

    name: str
    shape: list[int]
    dtype: Literal["float32", "int32", "bool", "complex64", "string"]
    values: list[float | int | str]
    allowed: float = 0.0
    random: bool = False


class _Example(msgspec.Struct):
    inputs: list[_Stored]
    outputs: list[_Stored]


_EXAMPLES = Reader[_Example](_Example)


def read_example(file: Path) -> tuple[list[Tensor], list[Tensor]]:
    """The stored input and Python's predictions for it, as ``first_load`` wrote them.

    Raises ValueError for a file that is no such thing, or damaged; OSError.
    """
    try:
        example = _EXAMPLES.read(file)
        return [_tensor(each) for each in example.inputs], [_tensor(each) for each in example.outputs]
    except (DamagedFileError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _tensor(stored: _Stored) -> Tensor:
    if stored.dtype == "string":
        values = np.array([str(value) for value in stored.values], dtype=object)
    elif stored.dtype == "complex64":
        values = np.array([float(value) for value in stored.values], "float32").view("complex64")
    else:
        values = np.array([float(value) for value in stored.values]).astype(stored.dtype)
    return Tensor(stored.name, values.reshape(stored.shape), random=stored.random, noise=_noise(stored, values))


def _noise(stored: _Stored, values: npt.NDArray[Any]) -> float | None:
    """How far rounding moved the output when it was proven: what it was allowed beyond its scale."""
    beyond = stored.allowed - allowed_for(values, 0.0, Tolerance().relative)
    return max(0.0, beyond) / NOISE_TIMES if values.dtype.kind in "fc" else None


def _filled(name: str, case: CaseResult, model: dict[str, Any]) -> bytes:
    text = (_HERE / name).read_text("utf-8").replace("TFJS_VERSION", case.tfjs or "latest")
    literal = msgspec.json.format(msgspec.json.encode(model), indent=2).decode()
    return text.replace("'MODEL_INTERFACE'", literal).encode()


def _last_batch(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The smallest: what was taken last has a row or two. Without logits, which are no outputs."""
    last = max((tensor.batch for tensor in tensors), default=0)
    return [tensor for tensor in tensors if tensor.batch == last and not tensor.logits]


def _entry(tensor: Tensor) -> dict[str, Any]:
    values = tensor.values
    entry: dict[str, Any] = {"name": tensor.name, "shape": list(values.shape), "dtype": _tfjs_dtype(values.dtype)}
    if entry["dtype"] == "string":
        return {**entry, "values": [str(text) for text in values.ravel()]}
    if values.dtype.kind == "c":
        values = np.stack([values.real, values.imag], axis=-1)
    return {**entry, "values": [_number(value) for value in values.ravel().tolist()]}


def _number(value: float | bool) -> float | int | str:
    """A number that is read back as the same float32. JSON has no NaN: JavaScript reads it from its name."""
    if isinstance(value, (bool, int)):
        return int(value)
    if not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return float(f"{value:.9g}")


def _tfjs_dtype(dtype: np.dtype[Any]) -> str:
    kinds = {"f": "float32", "i": "int32", "u": "int32", "b": "bool", "c": "complex64"}
    return kinds.get(dtype.kind, "string")
