"""The configuration of a Keras model, as Keras 2 or Keras 3 writes it → a network. Pure.

``inbound_nodes`` of Keras 2 are lists ``[[name, node, output, kwargs], …]``; of Keras 3 objects with ``args`` and
``kwargs``, in which a ``__keras_tensor__`` has a ``keras_history`` [name, node, output] (functional.py of either).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from tfjs_compat.search.reduction.network import Input, Layer, Network, Node, Ref, node_refs

_IN_KERAS = ("keras", "tf_keras", "tensorflow")
_OF_EVERY_LAYER = frozenset(["name", "trainable", "dtype"])
_NOT_CONSTRUCTED = frozenset(["batch_input_shape", "batch_shape", "build_config", "registered_name"])
"""Of a configuration: what the network's own inputs say."""


class NoNetworkError(Exception):
    """A model that has no graph of layers: a class of the user's own, or a SavedModel."""


def network_of(description: Mapping[str, Any]) -> Network:
    """The network of a model as ``inside/tfjs_case/description.py`` describes it.

    ``classes`` of the description says of each class name its ``module`` and what its constructor requires. Raises
    NoNetworkError.
    """
    model, classes = description["model"], description["classes"]
    return _network(model["class_name"], model["config"], classes, description.get("inputs", []))


def _network(kind: str, config: Any, classes: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]] = ()) -> Network:
    wired = isinstance(config, dict) and (kind == "Sequential" or "input_layers" in config)
    if not wired or not isinstance(config.get("layers"), list):
        raise NoNetworkError(f"{kind} has no graph of layers in its configuration")
    return _sequential(config, classes, inputs) if kind == "Sequential" else _functional(config, classes)


def _sequential(config: Mapping[str, Any], classes: Mapping[str, Any], inputs: Sequence[Mapping[str, Any]]) -> Network:
    found: list[Input] = []
    layers: dict[str, Layer] = {}
    nodes: list[Node] = []
    for entry in config["layers"]:
        name = entry["config"].get("name", f"layer_{len(layers)}")
        if entry["class_name"] == "InputLayer":
            found.append(_input(name, entry["config"]))
            continue
        if not found:
            shape = entry["config"].get("batch_input_shape") or config.get("build_input_shape")
            given = {"batch_shape": shape} if shape else dict(inputs[0]) if inputs else None
            if given is None:
                raise NoNetworkError("a Sequential model that was not built: nothing says what it takes")
            found.append(_input("input", given))
        layers[name] = _layer(entry, classes)
        before = Ref(nodes[-1].id) if nodes else Ref(found[0].id)
        nodes.append(Node(name, name, (before,)))
    if not nodes:
        raise NoNetworkError("a Sequential model without layers")
    return Network((found[0],), layers, tuple(nodes), (Ref(nodes[-1].id),), sequential=True)


def _functional(config: Mapping[str, Any], classes: Mapping[str, Any]) -> Network:
    layers: dict[str, Layer] = {}
    given: dict[str, Input] = {}
    nodes: list[Node] = []
    for entry in config["layers"]:
        name = entry.get("name") or entry["config"]["name"]
        if entry["class_name"] == "InputLayer":
            given[name] = _input(name, entry["config"])
            continue
        layers[name] = _layer(entry, classes)
        for number, call in enumerate(entry.get("inbound_nodes") or []):
            args, kwargs = _keras_3_call(call) if isinstance(call, dict) else _keras_2_call(call)
            nodes.append(Node(_node_id(name, number), name, args, kwargs))
    inputs = tuple(given[ref.node] for ref in _history(config["input_layers"]) if ref.node in given)
    outputs = tuple(_history(config["output_layers"]))
    many = {ref.node for ref in (*outputs, *(ref for node in nodes for ref in node_refs(node))) if ref.output > 0}
    nodes = [replace(node, many=node.id in many) for node in nodes]
    return Network(inputs, layers, tuple(_ordered(nodes)), outputs)


def _ordered(nodes: Sequence[Node]) -> Iterator[Node]:
    """Each node behind those that it takes: Keras writes a layer once, where it was called first."""
    waiting, done = list(nodes), {node.id for node in nodes}
    placed: set[str] = set()
    while waiting:
        ready = [node for node in waiting if all(ref.node in placed or ref.node not in done for ref in node_refs(node))]
        if not ready:
            raise NoNetworkError("its layers call each other in a circle")
        for node in ready:
            placed.add(node.id)
            waiting.remove(node)
            yield node


def _node_id(name: str, number: int) -> str:
    return f"{name}#{number}" if number else name


def _input(name: str, config: Mapping[str, Any]) -> Input:
    shape = config.get("batch_shape") or config.get("batch_input_shape") or [None]
    dtype = config.get("dtype", "float32")
    dtype = dtype if isinstance(dtype, str) else "float32"
    return Input(name, tuple(shape[1:]), dtype, shape[0], config.get("name"))


def _layer(entry: Mapping[str, Any], classes: Mapping[str, Any]) -> Layer:
    kind, config = entry["class_name"].rpartition(">")[2], dict(entry["config"])
    if isinstance(config.get("layers"), list) and (kind == "Sequential" or "input_layers" in config):
        return Layer(kind, "keras", inner=_network(kind, config, classes))
    known = classes.get(kind, {})
    module = known.get("module") or entry.get("module") or "keras.layers"
    module = "keras.layers" if module.split(".")[0] in _IN_KERAS and ".ops" not in module else module
    accepted = known.get("accepted")
    wanted = {
        key: value
        for key, value in config.items()
        if key not in _NOT_CONSTRUCTED and (accepted is None or key in accepted or key in _OF_EVERY_LAYER)
    }
    required = tuple(key for key in known.get("required", ()) if key in wanted)
    return Layer(kind, module, wanted, required)


def _history(value: Any) -> Iterator[Ref]:
    """References as ``[name, node, output]``, alone or in lists and objects."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _history(each)
    elif _is_history(value):
        yield _ref(value)
    elif isinstance(value, list):
        for each in value:
            yield from _history(each)


def _is_history(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and all(isinstance(each, int) and not isinstance(each, bool) for each in value[1:3])
    )


def _ref(value: Sequence[Any]) -> Ref:
    return Ref(_node_id(value[0], value[1]), value[2])


def _keras_3_call(call: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args = tuple(_keras_3_argument(each) for each in call.get("args") or [])
    kwargs = {name: _keras_3_argument(each) for name, each in (call.get("kwargs") or {}).items()}
    return args, {name: value for name, value in kwargs.items() if value is not None and name != "training"}


def _keras_3_argument(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return _ref(value["config"]["keras_history"])
        if value.get("class_name") in ("__tuple__", "__list__"):
            return tuple(_keras_3_argument(each) for each in value.get("items") or value.get("config") or [])
        return value
    return tuple(_keras_3_argument(each) for each in value) if isinstance(value, list) else value


def _keras_2_call(call: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    taken = [_keras_2_tensor(each) for each in (call if _many(call) else [call])]
    kwargs: dict[str, Any] = {}
    for each in call if _many(call) else [call]:
        if isinstance(each, list) and len(each) > 3 and isinstance(each[3], dict):
            kwargs |= {name: _keras_2_argument(value) for name, value in each[3].items()}
    kept = {name: value for name, value in kwargs.items() if value is not None and name not in ("training", "name")}
    return ((taken[0],) if len(taken) == 1 else (tuple(taken),)), kept


def _many(call: Any) -> bool:
    return isinstance(call, list) and bool(call) and isinstance(call[0], list)


def _keras_2_tensor(value: Any) -> Any:
    if isinstance(value, list) and value and value[0] == "_CONSTANT_VALUE":
        return value[2]
    if not _is_history(value):
        raise NoNetworkError(f"a call whose inputs are written in a form that is not known: {value!r}"[:200])
    return _ref(value)


def _keras_2_argument(value: Any) -> Any:
    if _is_history(value) and len(value) == 3:
        return _ref(value)
    return tuple(_keras_2_argument(each) for each in value) if isinstance(value, list) else value
