"""Whatever stands in model.json: checks and repairs end with a value or with an error of the package."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.artifacts import GRAPH_WEIGHTS, WEIGHTS, graph_node, one_dense, one_product, put_artifact

from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.examine import examine
from tfjs_compat.errors import RequestError
from tfjs_compat.repairs.folder import repair_folder

CLASSES = """InputLayer Dense Functional Model Sequential RNN LSTM GRU Bidirectional TimeDistributed StackedRNNCells
    Reshape Conv2D SeparableConv2D Embedding Masking Activation Resizing Dot MultiHeadAttention Lambda"""
OPS = "MatMul BiasAdd Const Placeholder Switch Merge Enter Exit NextIteration LoopCond _FusedMatMul If While"
VOCABULARY = Vocabulary("4.22.0", frozenset(CLASSES.split()), frozenset(OPS.split()))
WORDS = f"{CLASSES} {OPS} x d d/kernel product:1 ^sum keras_history float32 string \ud800 ../x".split()
KEYS = """class_name config name layers layer cell cells units inbound_nodes args kwargs keras_history input_layers
    output_layers batch_input_shape batch_shape dtype quantization min scale shape paths weights node input attr op
    library function signature outputs inputs list s fused_ops model_config activation kernel_size axis"""
FUSED = graph_node("fused", "_FusedMatMul", ["x", "w"], fused_ops={"list": {"s": ["Qmlhc0FkZA=="]}})
keys = st.sampled_from(KEYS.split())
NUMBERS = [0, -1, 1.5, 1e308, 10**400, 10**4200, -(10**30), True]
leaves = st.none() | st.sampled_from(NUMBERS) | st.sampled_from(WORDS) | st.integers(-3, 5) | st.text(max_size=3)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every place below a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in ((*way, key), *places(item, (*way, key)))]


def change(document: dict[str, Any], draw: st.DataObject) -> None:
    """Put something else in a place, take it away, put it there twice, or the whole document into itself."""
    *way, last = draw.draw(st.sampled_from(places(document)))
    holder: Any = document
    for key in way:
        holder = holder[key]
    what = draw.draw(st.sampled_from(["put", "put", "remove", "twice", "nest", "key"]))
    if what == "remove":
        del holder[last]
    elif what == "twice" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[last]))
    elif what == "nest":
        holder[last] = copy.deepcopy(document["modelTopology"]) if "modelTopology" in document else []
    elif what == "key" and isinstance(holder, dict):
        holder[draw.draw(keys)] = draw.draw(values)
    else:
        holder[last] = draw.draw(values)


@settings(max_examples=150)
@given(st.booleans(), st.integers(1, 3), st.data())
def test_a_changed_artifact_is_examined_and_repaired_or_refused(
    layers: bool, changes: int, draw: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "in")
        put_artifact(folder, *((one_dense(), WEIGHTS) if layers else (one_product(), GRAPH_WEIGHTS)))
        document = json.loads((folder / "model.json").read_text())
        if not layers:
            document["modelTopology"]["node"].append(copy.deepcopy(FUSED))
        for _ in range(changes):
            if document:
                change(document, draw)
        (folder / "model.json").write_text(json.dumps(document))
        for finding in examine(folder, VOCABULARY):
            assert finding.path.startswith("$")
            assert len(finding.message) < 2000
            finding.message.encode()
        with contextlib.suppress(RequestError):
            repair_folder(folder, Path(name, "out"))


@pytest.mark.parametrize("wrapper", ["TimeDistributed", "Bidirectional", "RNN", "StackedRNNCells"])
def test_wrappers_in_wrappers_cost_no_power_of_their_number(tmp_path: Path, wrapper: str) -> None:
    put_artifact(tmp_path / "in", one_dense(), WEIGHTS)
    document = json.loads((tmp_path / "in" / "model.json").read_text())
    layer: dict[str, Any] = {"class_name": "Dense", "config": {"name": "d", "units": 3}}
    for number in range(60):
        held = {"RNN": {"cell": layer}, "StackedRNNCells": {"cells": [layer, layer] if number < 2 else [layer]}}
        config = {"name": f"w{number}", **held.get(wrapper, {"layer": layer})}
        layer = {"class_name": wrapper, "config": config}
    model = {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
    document["modelTopology"]["model_config"] = model
    (tmp_path / "in" / "model.json").write_text(json.dumps(document))
    assert isinstance(list(examine(tmp_path / "in", VOCABULARY)), list)
