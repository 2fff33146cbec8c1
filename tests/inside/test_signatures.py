"""What a model takes, before it is converted: which signature of a SavedModel, which function of a module."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from support.inside import given, signatures


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "it has: none; its functions: encode: save it again with tf.saved_model.save"),
        (("train", "predict"), "it has: predict, train; choose one of them"),
    ],
)
def test_a_saved_model_without_its_signature_says_what_it_has(names: tuple[str, ...], said: str) -> None:
    loaded = SimpleNamespace(signatures=dict.fromkeys(names), encode=SimpleNamespace(get_concrete_function=None))
    with pytest.raises(signatures.NoSignature, match="has no signature 'serving_default'") as raised:
        signatures.saved_function(loaded, "")
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("names", "wanted", "chosen"),
    [
        (("serving_default", "encode"), "", "serving_default"),
        (("serving_default", "encode"), "encode", "encode"),
        (("encode",), "", "encode"),
    ],
)
def test_the_signature_that_is_converted(names: tuple[str, ...], wanted: str, chosen: str) -> None:
    loaded = SimpleNamespace(signatures={name: name.upper() for name in names})
    assert signatures.saved_function(loaded, wanted) == (chosen, chosen.upper())


def test_a_signature_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(signatures.NoSignature, match=r"no signature 'x' \(it has: a, b\)"):
        signatures.saved_function(SimpleNamespace(signatures={"b": 1, "a": 2}), "x")


def test_a_misspelt_signature_is_told_the_nearest() -> None:
    with pytest.raises(signatures.UnknownSignature, match="'encod'; did you mean 'encode'"):
        signatures.saved_function(SimpleNamespace(signatures={"decode": 1, "encode": 2}), "encod")


def test_given_inputs_are_matched_by_name_or_by_number() -> None:
    specs = [signatures.Spec("a", [None, 2], "float32"), signatures.Spec("b", [None], "int64")]
    for inputs in ({"b": [1], "a": [[1, 2]]}, {0: [[1, 2]], 1: [1]}, {"arr_0": [[1, 2]], "arr_1": [1]}):
        found = given.matched(inputs, specs)
        assert [(name, str(array.dtype)) for name, array in found] == [("a", "float32"), ("b", "int64")]
    with pytest.raises(ValueError, match="unknown of c"):
        given.matched({"c": [1]}, specs)


def a_layer(called: dict[str, Any], default: bool | None) -> SimpleNamespace:
    def call(self: object, inputs: object, training: bool | None = default) -> None: ...

    node = SimpleNamespace(arguments=SimpleNamespace(kwargs=called))
    return SimpleNamespace(call=call, _inbound_nodes=[node])


@pytest.mark.parametrize(
    ("layer", "on"),
    [
        (a_layer({}, None), False),
        (a_layer({"training": True}, None), True),
        (a_layer({"training": False}, None), False),
        # A layer that augments: nobody said it.
        (a_layer({"training": True}, True), False),
    ],
)
def test_a_layer_that_is_switched_on_for_good(layer: SimpleNamespace, on: bool) -> None:
    assert signatures._is_switched_on(SimpleNamespace(layers=[layer])) == on
    assert signatures._is_switched_on(SimpleNamespace(layers=[SimpleNamespace(layers=[layer])])) == on
