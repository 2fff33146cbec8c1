"""How the layers of a Keras 3 model are wired, in the words of Keras 2, which TensorFlow.js understands.

Keras 3 writes a call as the arguments it was made with; Keras 2 as ``[layer, node, tensor, kwargs]`` for each tensor.
Two numberings come with it. A model that is used as a layer has a node of its own, its inputs, before its first call;
Keras 3 counts it in the ends of the model around a Functional one, not around a Sequential one, and never in the calls
(``map_tensors`` and ``serialize_node`` in keras/src/models/functional.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfjs_compat.artifact.layers import Layer, inbound_nodes_of, member
from tfjs_compat.repairs.edits import Document, Drop, Edit, Put
from tfjs_compat.repairs.repair import Repair
from tfjs_compat.repairs.topology import is_operation, models_of, place_of

_RECURRENT = frozenset({"RNN", "SimpleRNN", "GRU", "LSTM", "ConvLSTM2D", "Bidirectional"})

_ELEMENTWISE = frozenset({"Add", "Multiply", "Maximum", "Minimum"})
"""Operations of ``keras.ops`` that a merging layer of the same name computes, where the ranks are the same."""

_FIRST = ("inputs", "sequences", "sequence", "x", "input")
"""Names of the first argument of a layer's ``call``, by which a caller may have given it."""

_MASKED = frozenset({*_RECURRENT, "BatchNormalization"})
"""Layers of TensorFlow.js that do with a mask what Keras does with it when it predicts."""

_KEEP_MASK = frozenset(
    {
        "Activation", "Add", "AlphaDropout", "Average", "BatchNormalization", "Concatenate", "Dense", "Dropout",
        "GaussianDropout", "GaussianNoise", "LayerNormalization", "Maximum", "Minimum", "Multiply", "PReLU", "ReLU",
        "SpatialDropout1D", "TimeDistributed",
    }
)  # fmt: skip
"""Layers of TensorFlow.js that hand on the mask of their input (``supportsMasking``), recurrent ones aside."""

_MASK_OPS = frozenset(
    {"Any", "BroadcastTo", "Cast", "Concatenate", "ExpandDims", "LogicalAnd", "LogicalOr", "OnesLike", "ZerosLike"}
)
"""Operations that the layers of Keras 3 make masks out of other masks with (``compute_mask``)."""


def _inbound_nodes(document: Document) -> Iterator[Edit]:
    """A model is rewired whole or not at all: its ends count the nodes as its layers do."""
    for model in models_of(document):
        wiring = _Wiring(model)
        if any(isinstance(node, Mapping) for nodes in wiring.nodes.values() for node in nodes):
            yield from wiring.edits()


class _Wiring:
    """The calls of one model's layers."""

    def __init__(self, model: Layer) -> None:
        self.model = model
        self.layers = {reference_name(layer): layer for layer in model.children}
        self.nodes: dict[str, list[Any]] = {}
        for name, layer in self.layers.items():
            nodes = inbound_nodes_of(layer)[1]
            self.nodes[name] = nodes if isinstance(nodes, list) else []
        self.masked = self._masked()

    def edits(self) -> list[Edit]:
        """What makes the model one of Keras 2; nothing, if a layer that it needs cannot be called that way."""
        if len(self.layers) != len(self.model.children):
            return []
        wires = {name: [self._wires(self.layers[name], node) for node in nodes] for name, nodes in self.nodes.items()}
        needed = self._needed(wires)
        edits: list[Edit] = []
        for name, layer in self.layers.items():
            if name not in needed and is_operation(layer):
                edits.append(Drop(layer.place))
            elif any(wire is None for wire in wires[name]):
                return []
            elif wires[name]:
                edits.append(Put((*layer.place, member(layer.entry, "inboundNodes")[0]), wires[name]))
                if not layer.name and not isinstance(layer.entry.get("config"), dict):
                    return []
                if not layer.name:  # Keras 3.0 to 3.10 names some operations in their entry alone
                    edits.append(Put((*layer.place, "config", "name"), name))
        for key in ("inputLayers", "outputLayers"):
            ends = self.model.config.get(key)
            moved = self._renumbered(ends)
            if moved != ends:
                edits.append(Put(place_of(self.model, key), moved))
        return edits

    def _needed(self, wires: Mapping[str, list[list[Any] | None]]) -> set[str]:
        """The layers that the model's outputs come from."""
        frontier = [end[0] for end in tensor_refs_in(self.model.config.get("outputLayers")) or []]
        needed: set[str] = set()
        while frontier:
            name = frontier.pop()
            if name not in needed:
                needed.add(name)
                frontier.extend(wire[0] for node in wires.get(name, ()) for wire in node or ())
        return needed

    def _renumbered(self, ends: Any) -> Any:
        if is_tensor_ref(ends):
            layer = self.layers.get(ends[0])
            own = layer is not None and (layer.is_sequential or (layer.is_model and ends[1] == 0))
            return [ends[0], ends[1] + int(own), ends[2]]
        if isinstance(ends, list):
            return [self._renumbered(end) for end in ends]
        if isinstance(ends, dict):
            return {key: self._renumbered(end) for key, end in ends.items()}
        return ends

    def _wires(self, layer: Layer, node: object) -> list[Any] | None:
        """A call as a list of ``[layer, node, tensor, kwargs]``; None if there is no way to say it."""
        if not isinstance(node, dict) or not isinstance(node.get("args"), list):
            return None
        keywords = node.get("kwargs") or {}
        if not isinstance(keywords, dict):
            return None
        arguments, keywords = list(node["args"]), dict(keywords)
        first = [keywords.pop(key) for key in _FIRST if key in keywords] if not arguments else []
        tensors = _tensors([*arguments, *first])
        if not tensors or not _is_call(layer, arguments, tensors):
            return None
        if layer.class_name in _RECURRENT:
            states = _tensors(keywords.pop("initial_state", None))
            if states is None:
                return None
            tensors += states
        mask = _tensors(keywords.get("mask"))
        arrives = tensors[0]["keras_history"][0] in self.masked
        if layer.class_name in _RECURRENT and arrives != bool(mask):
            return None  # TensorFlow.js would use a mask where Keras did not, or the reverse
        if mask and layer.class_name in _MASKED and all(self._is_implied(tensor, ()) for tensor in mask):
            del keywords["mask"]  # TensorFlow.js makes it again
        given = {key: value for key, value in keywords.items() if value is not None}
        if any(_holds_object(value) for value in given.values()):
            return None
        wires = []
        for tensor in tensors:
            name, index, output = tensor["keras_history"]
            own = int(name in self.layers and self.layers[name].is_container)
            wires.append([name, index + own, output, dict(given)])
        return wires

    def _masked(self) -> frozenset[str]:
        """The layers that hand on a mask in TensorFlow.js, which it makes and passes by itself."""
        masked: set[str] = set()
        changed = True
        while changed:
            changed = False
            for name, layer in self.layers.items():
                if name not in masked and (_makes_mask(layer) or (_keeps_mask(layer) and self._takes(name) & masked)):
                    masked.add(name)
                    changed = True
        return frozenset(masked)

    def _takes(self, name: str) -> set[str]:
        """The layers that a layer takes its inputs from."""
        calls = [node.get("args") for node in self.nodes[name] if isinstance(node, Mapping)]
        return {tensor["keras_history"][0] for call in calls for tensor in _tensors(call) or ()}

    def _is_implied(self, tensor: Mapping[str, Any], seen: tuple[str, ...]) -> bool:
        """Whether a tensor is the mask that the layers before it make themselves, as Keras 3 writes it out."""
        name = tensor["keras_history"][0]
        layer = self.layers.get(name)
        if layer is None or name in seen or not is_operation(layer):
            return False
        for node in self.nodes[name]:
            arguments = node.get("args") if isinstance(node, Mapping) else None
            if not isinstance(arguments, list) or not arguments:
                return False
            if layer.class_name == "NotEqual":
                return len(arguments) == 2 and self._is_masked(arguments[0], arguments[1])
            inner = _tensors(arguments)
            if layer.class_name not in _MASK_OPS or not inner:
                return False
            likeness = layer.class_name in ("OnesLike", "ZerosLike")
            if not likeness and not all(self._is_implied(tensor, (*seen, name)) for tensor in inner):
                return False
        return True

    def _is_masked(self, argument: Any, value: Any) -> bool:
        """Whether a layer masks where this tensor has this value."""
        tensors = _tensors(argument)
        if not tensors or len(tensors) != 1:
            return False
        for layer in self.model.children:
            masks = layer.config.get("maskValue", 0.0) if layer.class_name == "Masking" else 0
            if masks == value and (layer.class_name == "Masking" or layer.is_set("maskZero")):
                for node in self.nodes[reference_name(layer)]:
                    taken = _tensors(node.get("args")) if isinstance(node, Mapping) else None
                    if taken and taken[0]["keras_history"] == tensors[0]["keras_history"]:
                        return True
        return False


def reference_name(layer: Layer) -> str:
    """The name by which other layers refer to a layer."""
    name = layer.entry.get("name")
    return name if isinstance(name, str) else layer.name


def _makes_mask(layer: Layer) -> bool:
    return layer.class_name == "Masking" or (layer.class_name == "Embedding" and layer.is_set("maskZero"))


def _keeps_mask(layer: Layer) -> bool:
    if layer.class_name in _RECURRENT:
        inner = layer.children[0] if layer.class_name == "Bidirectional" and layer.children else layer
        return inner.is_set("returnSequences")
    return layer.class_name in _KEEP_MASK and not is_operation(layer)


def _is_call(layer: Layer, arguments: Sequence[Any], tensors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether what is called is the layer of that name, or an operation that computes the same.

    ``x + y`` between tensors makes an operation ``Add``, which is no layer: it takes its tensors one by one, and
    spreads shapes of different rank from the end, the layer from the front.
    """
    if not is_operation(layer):
        return True
    if layer.class_name == "Concatenate":
        return isinstance(layer.config.get("axis"), int)
    ranks = {len(tensor["shape"]) for tensor in tensors if isinstance(tensor.get("shape"), list)}
    return layer.class_name in _ELEMENTWISE and len(ranks) == 1 and len(tensors) == 2 == len(arguments)


def _tensors(value: object) -> list[Mapping[str, Any]] | None:
    """The tensors in an argument, nested lists in their order; None if it holds anything else."""
    if value is None:
        return []
    if isinstance(value, list):
        found: list[Mapping[str, Any]] = []
        for item in value:
            inner = _tensors(item)
            if inner is None:
                return None
            found += inner
        return found
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        config = value.get("config")
        if isinstance(config, dict) and is_tensor_ref(config.get("keras_history")):
            return [config]
    return None


def _holds_object(value: object) -> bool:
    if isinstance(value, list):
        return any(_holds_object(item) for item in value)
    return isinstance(value, dict)


def is_tensor_ref(value: object) -> bool:
    """``[layer, node, tensor]``."""
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[0], str)
        and all(isinstance(index, int) and not isinstance(index, bool) for index in value[1:])
    )


def _flat_ends(document: Document) -> Iterator[Edit]:
    for model in models_of(document):
        for key in ("inputLayers", "outputLayers"):
            if is_tensor_ref(model.config.get(key)):
                yield Put(place_of(model, key), [model.config[key]])


def _named_ends(document: Document) -> Iterator[Edit]:
    for model in models_of(document):
        for key in ("inputLayers", "outputLayers"):
            ends = model.config.get(key)
            if isinstance(ends, dict) or (isinstance(ends, list) and ends and not _plain(ends)):
                listed = tensor_refs_in(ends)
                if listed:
                    yield Put(place_of(model, key), listed)


def _plain(ends: Sequence[Any]) -> bool:
    return all(is_tensor_ref(end) for end in ends) or isinstance(ends[0], str)


def tensor_refs_in(value: object) -> list[Any] | None:
    """The ends in a dictionary or in nested lists, in their order; None if it holds anything else."""
    if is_tensor_ref(value):
        return [value]
    items = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(items, list):
        return None
    found: list[Any] = []
    for item in items:
        inner = tensor_refs_in(item)
        if inner is None:
            return None
        found += inner
    return found


_ISSUES = "https://github.com/tensorflow/tfjs/issues/"

INBOUND_NODES = (
    Repair(
        id="flat-io-layers",
        title="a single input or output of a model becomes a list of one",
        cures=("keras3-flat-io-layers",),
        formats=("layers",),
        versions="Keras >= 3.11",
        find=_flat_ends,
        links=(f"{_ISSUES}1688",),
    ),
    Repair(
        id="io-layers-by-name",
        title="inputs or outputs in a dictionary or in nested lists become one list, in their order",
        cures=("io-layers-by-name",),
        formats=("layers",),
        versions="any Keras, of a model with a dictionary of inputs or outputs",
        find=_named_ends,
        costs="the keys: TensorFlow.js names inputs and outputs by their layers",
    ),
    Repair(
        id="inbound-nodes",
        title="nodes with args and kwargs become lists of tensors",
        cures=("keras3-inbound-nodes",),
        formats=("layers",),
        versions="Keras >= 3.0",
        find=_inbound_nodes,
    ),
)
