"""Operations that are written out, and drawn random numbers: what TensorFlow.js computes by them, beside NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.artifacts import FLOAT, graph, graph_node, put_artifact

from tfjs_compat.artifact.tensors import Tensor, read_tensors, write_tensors
from tfjs_compat.repairs.document import repair_document
from tfjs_compat.repairs.expansions import EXPANSIONS
from tfjs_compat.system import process
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.bundle import default_version, get_bundle
from tfjs_compat.trials.runtimes.job import TfjsJob, run_in_node
from tfjs_compat.trials.runtimes.node import find_node
from tfjs_compat.trials.runtimes.record import read_record

pytestmark = pytest.mark.real

INT = {"type": "DT_INT32"}
RANDOM = np.random.default_rng(4)


def numbers(*shape: int) -> np.ndarray:
    return RANDOM.normal(0, 2, shape).astype("float32")


def ints(*values: Any) -> np.ndarray:
    return np.array(values, "int32")


def added(start: np.ndarray, places: np.ndarray, values: np.ndarray, add: Any = np.add) -> np.ndarray:
    result = start.copy()
    add.at(result, places, values)
    return result


def blocks(x: np.ndarray, size: int) -> np.ndarray:
    n, h, w, c = x.shape
    apart = x.reshape(n, h // size, size, w // size, size, c).transpose(0, 1, 3, 2, 4, 5)
    return apart.reshape(n, h // size, w // size, size * size * c)


X, PICTURE, ROWS, MATRIX = numbers(3, 4), numbers(2, 6, 9, 2), numbers(6, 2, 3), numbers(4, 5)
SORTED, ANY = ints(0, 0, 1, 1, 1, 3), ints(3, 0, 1, 1, 0, 0)
PLACES, UPDATES = ints([1], [1], [2]), numbers(3, 4)
ENTRIES, VALUES = ints([0, 1], [2, 0], [2, 3]), numbers(3)
LOWEST = float(np.finfo("float32").min)
SUMS = added(np.zeros((4, 2, 3), "float32"), SORTED, ROWS)
SPARSE = added(np.zeros((3, 4), "float32"), (ENTRIES[:, 0], ENTRIES[:, 1]), VALUES)  # type: ignore[arg-type]

CASES: dict[str, tuple[list[np.ndarray], dict[str, Any], np.ndarray]] = {
    "Softsign": ([X], {}, X / (1 + np.abs(X))),
    "L2Loss": ([X], {}, (X**2).sum() / 2),
    "Rint": ([X], {}, np.rint(X)),
    "SpaceToDepth": ([PICTURE], {"block_size": {"i": "3"}}, blocks(PICTURE, 3)),
    "TensorScatterAdd": ([X, PLACES, UPDATES], {}, added(X, PLACES[:, 0], UPDATES)),
    "TensorScatterSub": ([X, PLACES, UPDATES], {}, added(X, PLACES[:, 0], UPDATES, np.subtract)),
    "SegmentSum": ([ROWS, SORTED], {}, SUMS),
    "SegmentMean": ([ROWS, SORTED], {}, SUMS / np.array([2, 3, 1, 1])[:, None, None]),
    "UnsortedSegmentMax": (
        [ROWS, ANY, ints(5)[0]],
        {},
        added(np.full((5, 2, 3), LOWEST, "float32"), ANY, ROWS, np.maximum),
    ),
    "UnsortedSegmentMin": (
        [ROWS, ANY, ints(5)[0]],
        {},
        added(np.full((5, 2, 3), -LOWEST, "float32"), ANY, ROWS, np.minimum),
    ),
    "FFT2D": ([PICTURE], {}, np.fft.fft2(PICTURE).real),
    "IFFT2D": ([PICTURE], {}, np.fft.ifft2(PICTURE).real),
    "SparseTensorDenseMatMul": ([ENTRIES, VALUES, ints(3, 4), MATRIX], {}, SPARSE @ MATRIX),
}


def nodes_of(op: str) -> list[dict[str, Any]]:
    """The placeholders of an operation's inputs, the operation, and what of it is compared."""
    given, attributes, _ = CASES[op]
    kinds = [FLOAT if array.dtype == np.float32 else INT for array in given]
    places = [
        graph_node(f"{op}_{index}", "Placeholder", dtype=kind, shape={"shape": {"unknownRank": True}})
        for index, kind in enumerate(kinds)
    ]
    names = [place["name"] for place in places]
    if "FFT" not in op:
        return [*places, graph_node(op, op, names, T=FLOAT, **attributes)]
    zeros, pair = graph_node(f"{op}_zero", "ZerosLike", names, T=FLOAT), [names[0], f"{op}_zero"]
    whole = [graph_node(f"{op}_pair", "Complex", pair), graph_node(f"{op}_whole", op, [f"{op}_pair"])]
    return [*places, zeros, *whole, graph_node(op, "Real", [f"{op}_whole"])]


def run(
    tmp_path: Path,
    store: Store,
    nodes: list[dict[str, Any]],
    inputs: list[Tensor],
    outputs: dict[str, str],
    weights: dict[str, np.ndarray] = {},  # noqa: B006
) -> Any:
    """What TensorFlow.js computes of a repaired graph, by output."""
    takes = {node["name"]: f"{node['name']}:0" for node in nodes if node["op"] == "Placeholder"}
    repaired = repair_document({**graph(nodes, takes, outputs), "weightsManifest": []})
    assert repair_document(repaired.model_json).applied == ()
    put_artifact(tmp_path / "model", repaired.model_json, weights)
    write_tensors(tmp_path / "inputs", inputs)
    node, places = find_node(), {name: tmp_path / name for name in ("inputs", "outputs")}
    job = TfjsJob(model=tmp_path / "model", format="graph", record=tmp_path / "record.jsonl", **places)
    bundle = get_bundle(default_version(), Context(store), node)
    ended = run_in_node(job, bundle, node, limits=process.Limits(seconds=60), scratch=tmp_path, log=tmp_path / "log")
    assert ended.status.exit_code == 0, read_record(job.record)
    return {tensor.name: tensor.values for tensor in read_tensors(job.outputs)}


def test_every_operation_that_is_written_out_computes_the_same(tmp_path: Path, store: Store) -> None:
    assert set(CASES) == set(EXPANSIONS)
    nodes = [node for op in CASES for node in nodes_of(op)]
    inputs = [Tensor(f"{op}_{index}", array) for op in CASES for index, array in enumerate(CASES[op][0])]
    found = run(tmp_path, store, nodes, inputs, {op: f"{op}:0" for op in CASES})
    for op, (_, _, expected) in CASES.items():
        assert found[op].shape == expected.shape, op
        np.testing.assert_allclose(found[op], expected, rtol=1e-5, atol=1e-5, err_msg=op)


def test_both_parts_of_complex_numbers_are_computed(tmp_path: Path, store: Store) -> None:
    real, imaginary = numbers(3, 4), numbers(3, 4)
    whole, other = real + 1j * imaginary, (imaginary - 2j * real).T
    typed = {"T": {"type": "DT_COMPLEX64"}}
    places = [
        graph_node(name, "Placeholder", dtype=kind, shape={"shape": {"unknownRank": True}})
        for name, kind in (("a", FLOAT), ("b", FLOAT), ("c", FLOAT), ("d", FLOAT), ("axis", INT), ("two", INT))
    ]
    nodes = [
        *places,
        graph_node("x", "Complex", ["a", "b"]),
        graph_node("y", "Complex", ["c", "d"]),
        graph_node("sum", "Sum", ["x", "axis"], keep_dims={"b": False}, **typed),
        graph_node("mean", "Mean", ["x", "axis"], keep_dims={"b": False}, **typed),
        graph_node("gather", "GatherV2", ["x", "two", "axis"], batch_dims={"i": "0"}, Tparams=typed["T"]),
        graph_node("matmul", "MatMul", ["x", "y"], transpose_a={"b": False}, transpose_b={"b": False}, **typed),
    ]
    nodes += [
        # Spread over the rows.
        graph_node("row", "Const", dtype=typed["T"]),
        graph_node("mul", "Mul", ["x", "row"], **typed),
        graph_node("sub", "Sub", ["row", "x"], **typed),
    ]
    row = np.array([1 + 2j, 3, -1j, 0.5 - 1j], "complex64")
    every = ("sum", "mean", "gather", "matmul", "mul", "sub")
    for name in every:
        nodes += [graph_node(f"{name}_r", "Real", [name]), graph_node(f"{name}_i", "Imag", [name])]
    given = {"a": real, "b": imaginary, "c": other.real, "d": other.imag, "axis": ints(0)[0], "two": ints(2, 0)}
    inputs = [Tensor(name, np.ascontiguousarray(array)) for name, array in given.items()]
    outputs = {f"{name}_{part}": f"{name}_{part}:0" for name in every for part in "ri"}
    found = run(tmp_path, store, nodes, inputs, outputs, {"row": row})
    expected = {
        "mul": whole * row,
        "sub": row - whole,
        "sum": whole.sum(0),
        "mean": whole.mean(0),
        "gather": whole[[2, 0]],
        "matmul": whole @ other,
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[f"{name}_r"] + 1j * found[f"{name}_i"], values, rtol=1e-4, atol=1e-5)


def test_random_numbers_are_drawn_as_they_were_spread(tmp_path: Path, store: Store) -> None:
    ops = {
        "StatelessRandomNormalV2": [],
        "StatelessRandomUniformV2": [],
        "StatelessTruncatedNormalV2": [],
        "StatelessRandomUniformIntV2": ["low", "high"],
    }
    names = ["shape", "key", "counter", "alg", "low", "high"]
    places = [graph_node(name, "Placeholder", dtype=INT, shape={"shape": {"unknownRank": True}}) for name in names]
    drawn = [graph_node(op, op, [*names[:4], *more], dtype=INT if more else FLOAT, T=INT) for op, more in ops.items()]
    inputs = [Tensor("shape", ints(40, 50)), *(Tensor(name, ints(0)) for name in names[1:4])]
    inputs += [Tensor("low", ints(-3)[0]), Tensor("high", ints(5)[0])]
    found = run(tmp_path, store, [*places, *drawn], inputs, {op: f"{op}:0" for op in ops})
    normal, uniform, cut, whole = (found[op] for op in ops)
    assert {array.shape for array in found.values()} == {(40, 50)}
    assert abs(normal.mean()) < 0.2
    assert 0.8 < normal.std() < 1.2
    assert normal.max() > 2.0
    assert 0 <= uniform.min() < 0.1 < 0.9 < uniform.max() <= 1
    assert 1.0 < np.abs(cut).max() <= 2.0
    assert set(whole.ravel().tolist()) == set(range(-3, 5))
    assert whole.dtype == np.int32
