"""What makes a user's first load a success: a program beside the model that feeds it by name and shows known numbers.

``predict.mjs`` and ``predict.html`` are the files beside this module with the model's interface written in; their
``predict.json`` holds one input and Python's predictions for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tfjs_compat.artifact.tensors import DamagedTensorsError, Tensor, read_tensors
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.results.case_result import CaseResult

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
