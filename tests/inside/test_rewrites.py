"""Rewrites without a Keras: which layers they are for, that docs name each, and that they stand alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.inside import catalogue, walk
from support.samples import ROOT

FOLDER = ROOT / "src" / "tfjs_compat" / "inside" / "tfjs_case" / "rewrites"


def layer(kind: str, module: str = "keras.src.layers", **attributes: Any) -> Any:
    return type(kind, (), {"__module__": module, **attributes})()


def fitting(format: str, *layers: Any) -> list[str]:
    model = layer("Functional", layers=list(layers))
    found: list[str] = walk.fitting(model, format)
    return found


@pytest.mark.parametrize(
    ("found", "on_layers", "on_graph"),
    [
        (layer("Conv2D", groups=4), ["grouped-convolution"], ["grouped-convolution"]),
        (layer("Conv2D", groups=1, padding="same"), [], []),
        (layer("Conv1D", groups=1, padding="causal"), ["causal-padding"], []),
        (layer("Conv1D", groups=2, padding="causal"), ["grouped-convolution"], ["grouped-convolution"]),
        (layer("Normalization", module="tf_keras.src.layers"), ["normalization"], []),
        (layer("RandomFlip", generator=None), [], ["idle-layer"]),
        (layer("RandomFlip", module="tf_keras.src.layers"), [], []),
        (layer("GRU", reset_after=True), ["gru-reset-after"], []),
        (layer("GRU", reset_after=False), [], []),
        (layer("SeparableConv1D", strides=(1,)), ["convolution-of-steps"], []),
        (layer("DepthwiseConv2D", dilation_rate=(2, 1)), ["dilated-depthwise"], []),
        (layer("DepthwiseConv2D", dilation_rate=(1, 1)), [], []),
        (layer("MultiHeadAttention", _num_heads=2), ["multi-head-attention"], []),
        (layer("Resizing", interpolation="bilinear"), ["resizing"], []),
        (layer("Resizing", interpolation="bicubic"), ["resizing"], ["resizing"]),
        (layer("UpSampling2D", interpolation="nearest"), [], []),
        (layer("UpSampling2D", interpolation="bilinear"), ["up-sampling"], []),
        # Of somebody else, or of a Keras that has no such setting.
        (layer("Conv2D", module="mine.layers", groups=4), [], []),
        (layer("Conv2D"), [], []),
    ],
)
def test_a_rewrite_is_for_layers_of_keras_itself(found: Any, on_layers: list[str], on_graph: list[str]) -> None:
    assert fitting("layers", found) == on_layers
    assert fitting("graph", found) == on_graph


def test_layers_are_found_wherever_they_are() -> None:
    nested = layer("Functional", layers=[layer("TimeDistributed", layer=layer("Conv2D", groups=2))])
    assert fitting("graph", nested, layer("Discretization")) == ["grouped-convolution", "discretization"]


def test_what_holds_no_layers_has_nothing_to_rewrite() -> None:
    assert walk.fitting(object(), "graph") == []


def test_docs_name_every_rewrite() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs" / "rewrites.md").read_text("utf-8"), re.MULTILINE)
    assert rows == [*(rewrite.id for rewrite in catalogue.REWRITES), *walk.WHOLE]


SEEDED = {"_seed_generators": [object()]}


@pytest.mark.parametrize(
    ("found", "may_assign"),
    [
        # Somebody's own, with seeds or with a variable that no training changes.
        (layer("Sampling", module="mine", **SEEDED), True),
        (layer("Count", module="mine", _non_trainable_variables=[type("V", (), {"trainable": False})()]), True),
        (layer("Scale", module="mine", _non_trainable_variables=[]), False),
        # Keras's own: what keeps a state, and what drops out inside a loop, or always.
        (layer("LSTM", stateful=True), True),
        (layer("GRU", cell=None, dropout=0.2), True),
        (layer("GRU", cell=None, dropout=0.0), False),
        (layer("Dropout", dropout=0.2, **SEEDED), False),
    ],
)
def test_a_call_that_may_assign_is_known_by_its_layers(found: Any, may_assign: bool) -> None:
    found.name = "one"
    model = layer("Functional", layers=[], _flatten_layers=lambda _: [found])
    assert walk.fitting(model, "graph") == ([walk.HELD_STATE] if may_assign else [])
    assert walk.fitting(model, "layers") == []


class Loops:
    def call(self, x: Any) -> Any:
        for step in tf.range(3):  # type: ignore[name-defined]  # noqa: F821
            x = x + step
        return x


class Asks:
    def call(self, x: Any) -> Any:
        return x if self and tf.reduce_sum(x) > 0 else -x  # type: ignore[name-defined]  # noqa: F821


class AsksPython:
    def call(self, x: Any, training: bool = False) -> Any:
        for _ in range(3):
            x = x + x
        if training:
            return -x
        return x


@pytest.mark.parametrize(("kind", "converted"), [(Loops, True), (Asks, True), (AsksPython, False)])
def test_a_call_that_asks_tensors_is_known_by_its_source(kind: Any, converted: bool) -> None:
    model = layer("Functional", layers=[], _flatten_layers=lambda _: [kind()])
    assert walk.fitting(model, "graph") == ([walk.CONVERTED_CALL] if converted else [])


def test_what_computes_in_bfloat16_is_made_again() -> None:
    policy = type("Policy", (), {"name": "mixed_bfloat16"})()
    assert fitting("graph", layer("Dense", dtype_policy=policy)) == [walk.FLOAT32_TWIN]
    assert fitting("layers", layer("Dense", dtype_policy=policy)) == []


def test_tensors_are_replaced_wherever_they_stand() -> None:
    old, new = type("KerasTensor", (), {})(), type("KerasTensor", (), {})()
    structure = {"a": [old, 3], "b": (slice(None, old), None)}
    assert [id(tensor) for tensor in walk._tensors(structure)] == [id(old), id(old)]
    mapped = walk._mapped(structure, {id(old): new})
    assert [id(tensor) for tensor in walk._tensors(mapped)] == [id(new), id(new)]
    assert mapped["a"][1] == 3
    assert isinstance(mapped["b"], tuple)


def test_the_folder_can_be_taken_elsewhere(tmp_path: Path) -> None:
    target = tmp_path / "other_name"
    target.mkdir()
    for path in FOLDER.glob("*.py"):
        (target / path.name).write_text(path.read_text("utf-8"), "utf-8")
    program = "import sys; sys.path.insert(0, sys.argv[1]); from other_name.walk import rewritten"
    subprocess.run([sys.executable, "-I", "-c", program, str(tmp_path)], check=True)
