"""A network → Python code that builds it, as a person would write it. Pure."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfjs_compat.search.reduction.network import Input, Layer, Network, Node, Ref

_OPERATORS = {
    "__operators__.add": "+",
    "__operators__.sub": "-",
    "__operators__.mul": "*",
    "__operators__.truediv": "/",
    "__operators__.floordiv": "//",
    "__operators__.mod": "%",
    "__operators__.pow": "**",
    "__operators__.matmul": "@",
}
"""As Keras 2 calls what Python writes between two tensors."""

_MOST_IN_A_LINE = 2
"""Items of a Sequential model, its input among them."""

_NAMESPACES = {
    "initializer": "keras.initializers",
    "regularizer": "keras.regularizers",
    "constraint": "keras.constraints",
    "layer": "layers",
    "cell": "layers",
    "cells": "layers",
}
"""By the last word of an argument's name, where a configuration does not say the module."""

_RANDOM = """
    random = np.random.RandomState(0)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            values = random.uniform(-1.0, 1.0, tuple(weight.shape)).astype("float32")
            weight.assign(abs(values) + 0.5 if "variance" in weight.name else values)
"""


class NotExpressibleError(Exception):
    """A layer that cannot be written as code: which, in words."""


def code_of(network: Network, keras_import: str = "from tensorflow import keras") -> str:
    """A module with a function ``build`` that gives the model. Raises NotExpressibleError.

    ``keras_import`` decides which Keras it is of.
    """
    writer = _Writer()
    body = writer.model(network, "model")
    if network.random_weights:
        body += [*_RANDOM.strip("\n").split("\n"), "    return model"]
    else:
        bound = max(number for number, line in enumerate(body) if line.startswith("    model = "))
        body[bound] = body[bound].replace("    model = ", "    return ", 1)
    text = "\n".join(body)
    lines = list(writer.imports(keras_import, with_numpy=network.random_weights))
    if "layers." in text.replace("keras.layers.", ""):
        lines += ["", "layers = keras.layers"]
    return "\n".join([*lines, "", "", "def build():", text]) + "\n"


class _Writer:
    def __init__(self) -> None:
        self._classes: dict[tuple[str, str], None] = {}
        self._uses_tf = False

    def imports(self, keras_import: str, *, with_numpy: bool) -> Iterator[str]:
        if with_numpy:
            yield "import numpy as np"
        if self._uses_tf:
            yield "import tensorflow as tf"
        yield keras_import
        for module, kind in sorted(self._classes):
            yield f"from {module} import {kind}"

    def model(self, network: Network, variable: str) -> list[str]:
        """Lines that bind a model to a variable, indented."""
        if network.sequential:
            return self._sequential(network, variable)
        names = _Names(network)
        lines: list[str] = []
        for each in network.inputs:
            lines.append(f"    {names.of(each.id, 'inputs')} = {_input(each)}")
        calls: dict[str, int] = {}
        for node in network.nodes:
            calls[node.layer] = calls.get(node.layer, 0) + 1
        shared: dict[str, str] = {}
        for node in network.nodes:
            layer = network.layers[node.layer]
            called = shared.get(node.layer)
            if called is None and (layer.inner is not None or calls[node.layer] > 1):
                called = names.new(_identifier(node.layer, layer.kind.lower()))
                shared[node.layer] = called
                if layer.inner is not None:
                    lines += self.model(layer.inner, called)
                else:
                    lines.append(f"    {called} = {self._constructed(layer)}")
            value = self._call(layer, called, node, names)
            lines.append(f"    {names.of(node.id, 'x')} = {value}")
        outputs = _listed([names.ref(ref) for ref in network.outputs])
        inputs = _listed([names.ref(Ref(each.id)) for each in network.inputs])
        return [*lines, f"    {variable} = keras.Model({inputs}, {outputs})"]

    def _sequential(self, network: Network, variable: str) -> list[str]:
        before: list[str] = []
        items = [_input(network.inputs[0])]
        for number, node in enumerate(network.nodes):
            layer = network.layers[node.layer]
            if layer.inner is not None:
                name = f"{variable}_{number}"
                before += self.model(layer.inner, name)
                items.append(name)
            else:
                items.append(self._constructed(layer))
        if len(items) <= _MOST_IN_A_LINE:
            return [*before, f"    {variable} = keras.Sequential([{', '.join(items)}])"]
        listed = (f"            {item}," for item in items)
        return [*before, f"    {variable} = keras.Sequential(", "        [", *listed, "        ]", "    )"]

    def _call(self, layer: Layer, called: str | None, node: Node, names: _Names) -> str:
        if layer.kind in ("GetItem", "SlicingOpLambda"):
            return _sliced(node, names)
        words = [_argument(argument, names) for argument in node.args]
        words += [f"{name}={_argument(argument, names)}" for name, argument in node.kwargs.items()]
        if layer.kind == "TFOpLambda":
            function = str(layer.config.get("function", ""))
            if (operator := _OPERATORS.get(function)) is not None and len(words) == 2:
                return f"{words[0]} {operator} {words[1].rpartition('=')[2]}"
            if not re.fullmatch(r"[a-z]\w*(\.[a-z]\w*)*", function):
                raise NotExpressibleError(f"the TensorFlow operation {function or 'without a name'}")
            self._uses_tf = True
            return f"tf.{function}({', '.join(words)})"
        if layer.kind in ("ClassMethod", "InstanceMethod", "InstanceProperty"):
            raise NotExpressibleError(f"a {layer.kind}")
        return f"{called or self._constructed(layer)}({', '.join(words)})"

    def _constructed(self, layer: Layer) -> str:
        if layer.kind == "Lambda":
            return "layers.Lambda(lambda x: x)"
        arguments = ", ".join(f"{key}={self._value(key, value)}" for key, value in layer.config.items())
        return f"{self._class(layer.module, layer.kind)}({arguments})"

    def _class(self, module: str, kind: str) -> str:
        if not kind.isidentifier():
            raise NotExpressibleError(f"a layer of the class {kind}")
        if module == "keras.layers":
            return f"layers.{kind}"
        if module.startswith("keras.") and ".src" not in module:
            return f"{module}.{kind}"
        self._classes[(module, kind)] = None
        return kind

    def _value(self, key: str, value: Any) -> str:
        if isinstance(value, dict) and isinstance(value.get("config"), dict) and "class_name" in value:
            return self._nested(key, value)
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k!r}: {self._value(key, v)}" for k, v in value.items()) + "}"
        if isinstance(value, (list, tuple)):
            inner = [self._value(key, each) for each in value]
            if all(isinstance(each, (int, type(None))) for each in value) and value:
                return f"({', '.join(inner)}{',' if len(inner) == 1 else ''})"
            return f"[{', '.join(inner)}]"
        return json.dumps(value) if isinstance(value, str) else repr(value)

    def _nested(self, key: str, value: Mapping[str, Any]) -> str:
        kind, config = str(value["class_name"]).rpartition(">")[2], value["config"]
        if kind in ("DTypePolicy", "Policy"):
            return json.dumps(config.get("name", "float32"))
        if isinstance(config.get("layers"), list):
            raise NotExpressibleError(f"a model inside the argument {key}")
        module = str(value.get("module") or "")
        namespace = _NAMESPACES.get(key.rpartition("_")[2], "keras.layers")
        if module.startswith(("keras.", "tf_keras.")) and ".src" not in module:
            namespace = "keras." + module.split(".", 1)[1]
        elif module and not module.startswith(("keras", "tf_keras", "tensorflow")):
            namespace = module
        namespace = "layers" if namespace == "keras.layers" else namespace
        left_out = ("batch_input_shape", "batch_shape")
        words = (f"{name}={self._value(name, each)}" for name, each in config.items() if name not in left_out)
        called = f"layers.{kind}" if namespace == "layers" else self._class(namespace, kind)
        return f"{called}({', '.join(words)})"


class _Names:
    """The variable of each input and node."""

    def __init__(self, network: Network) -> None:
        self._of: dict[str, str] = {}
        self._lists = {node.id for node in network.nodes if node.many}
        self._used: set[str] = {"model", "keras", "layers", "tf", "np", "build", "random"}

    def new(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._used:
            number += 1
            name = f"{wanted}_{number}"
        self._used.add(name)
        return name

    def of(self, id_: str, wanted: str) -> str:
        self._of[id_] = self.new(wanted)
        return self._of[id_]

    def ref(self, ref: Ref) -> str:
        return f"{self._of[ref.node]}[{ref.output}]" if ref.node in self._lists else self._of[ref.node]


def _identifier(name: str, fallback: str) -> str:
    word = re.sub(r"\W+", "_", name.rpartition("/")[2]).strip("_").lower()
    return word if word.isidentifier() and not keyword.iskeyword(word) else fallback


def _input(given: Input) -> str:
    words = [f"shape=({', '.join(map(repr, given.shape))}{',' if len(given.shape) == 1 else ''})"]
    words += [f"batch_size={given.batch}"] if given.batch is not None else []
    words += [f'dtype="{given.dtype}"'] if given.dtype != "float32" else []
    words += [f"name={json.dumps(given.name)}"] if given.name is not None else []
    return f"keras.Input({', '.join(words)})"


def _argument(argument: Any, names: _Names) -> str:
    if isinstance(argument, Ref):
        return names.ref(argument)
    if isinstance(argument, tuple):
        return "[" + ", ".join(_argument(each, names) for each in argument) + "]"
    if isinstance(argument, dict):
        raise NotExpressibleError(f"a call with {str(argument)[:80]}")
    return json.dumps(argument) if isinstance(argument, str) else repr(argument)


def _sliced(node: Node, names: _Names) -> str:
    """``x[:, 0]``: Keras 2 keeps what stands in the brackets as ``slice_spec``, Keras 3 as the second argument."""
    spec = node.kwargs.get("slice_spec", node.args[1] if len(node.args) > 1 else None)
    if spec is None:
        raise NotExpressibleError("an index that its configuration does not say")
    parts = [_index(each, names) for each in (spec if isinstance(spec, tuple) else (spec,))]
    return f"{_argument(node.args[0], names)}[{', '.join(parts)}]"


def _index(part: Any, names: _Names) -> str:
    inside = part.get("config", part) if isinstance(part, dict) else None
    if isinstance(inside, dict) and {"start", "stop", "step"} <= inside.keys():
        start, stop, step = ("" if inside[key] is None else str(inside[key]) for key in ("start", "stop", "step"))
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return "..." if isinstance(part, dict) and part.get("class_name") == "__ellipsis__" else _argument(part, names)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"
