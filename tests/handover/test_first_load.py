"""What is written beside a model for the first load."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.samples import result

from tfjs_compat.artifact.tensors import Tensor, write_tensors
from tfjs_compat.handover import first_load
from tfjs_compat.outcomes.interface import Interface, Place

INTERFACE = Interface((Place("x", "x"),), (Place("zeta", "Identity_1:0"), Place("alpha", "Identity:0")), "execute")
CASE = result(route="graph", tfjs="4.22.0", interface=INTERFACE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    odd = np.array([[np.nan, np.inf, 0.1]], "float32")
    write_tensors(tmp_path / "inputs", [Tensor("x", np.ones((3, 2))), Tensor("x", np.array([[1, 2]]), 1)])
    write_tensors(tmp_path / "expected", [Tensor("zeta", odd, 1), Tensor("alpha", np.array([[True]]), 1)])
    return tmp_path


def test_the_smallest_batch_is_stored_with_its_numbers(folder: Path) -> None:
    written = first_load.first_load(CASE, folder)
    assert set(written) == {"predict.mjs", "predict.html", "predict.json"}
    example = json.loads(written["predict.json"])
    assert example["inputs"] == [{"name": "x", "shape": [1, 2], "dtype": "int32", "values": [1, 2]}]
    zeta, alpha = example["outputs"]
    assert [np.float32(value) for value in zeta["values"][1:]] == [np.inf, np.float32(0.1)]
    assert (zeta["values"][0], alpha["dtype"], alpha["values"]) == ("NaN", "bool", [1])


def test_the_program_knows_the_names_and_the_release(folder: Path) -> None:
    written = first_load.first_load(CASE, folder)
    program = written["predict.mjs"].decode()
    assert '"name": "zeta",\n      "at": "Identity_1:0"' in program
    assert "@tensorflow/tfjs@4.22.0" in program
    assert "@tensorflow/tfjs@4.22.0/dist/tf.min.js" in written["predict.html"].decode()


def test_names_cannot_end_the_program(folder: Path) -> None:
    hostile = Interface((Place("x'\n*/ </script>", 0),), (), "predict")
    program = first_load.first_load(result(route="layers", interface=hostile), folder)["predict.mjs"].decode()
    assert json.dumps("x'\n*/ </script>") in program


def test_nothing_is_written_where_names_or_numbers_are_missing(folder: Path, tmp_path: Path) -> None:
    assert first_load.first_load(result(), folder) == {}
    assert first_load.first_load(CASE, tmp_path / "other") == {}


def test_what_nobody_wants_as_json_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_load, "_MOST", 3)
    assert first_load.first_load(CASE, folder) == {}


def test_what_is_stored_is_read_again(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "predict.json"
    file.write_bytes(first_load.first_load(CASE, folder)["predict.json"])
    inputs, outputs = first_load.read_example(file)
    assert [(tensor.name, tensor.values.tolist()) for tensor in inputs] == [("x", [[1, 2]])]
    zeta, alpha = (tensor.values for tensor in outputs)
    assert np.array_equal(zeta, np.array([[np.nan, np.inf, 0.1]], "float32"), equal_nan=True)
    assert (alpha.dtype, alpha.tolist()) == (np.dtype(bool), [[True]])


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[1]",
        '{"inputs": [], "outputs": [{"name": "y", "shape": [2], "dtype": "float32", "values": [1]}]}',
        '{"inputs": [], "outputs": [{"name": "y", "shape": [1], "dtype": "float32", "values": ["x"]}]}',
        '{"inputs": [], "outputs": [{"name": "y", "shape": [1], "dtype": "int32", "values": [1e400]}]}',
        '{"inputs": [], "outputs": [{"name": "y", "shape": [1], "dtype": "object", "values": [1]}]}',
    ],
)
def test_what_was_not_written_here_is_said_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "predict.json").write_text(content)
    with pytest.raises((OSError, ValueError)):
        first_load.read_example(tmp_path / "predict.json")
