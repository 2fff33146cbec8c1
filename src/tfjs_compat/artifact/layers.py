"""The layers of a layers model, read from its topology the way TensorFlow.js reads them.

``convertPythonicToTs`` (tfjs-layers ``utils/serialization_utils.ts``) turns every key and every string into camelCase
before anything is looked up: ``activation: "log_softmax"`` is the registered ``logSoftmax``, and a config that already
holds ``batchInputShape`` works. Keys are therefore camelCase here, while paths show model.json as it is.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from tfjs_compat.artifact.jsonpath import member_path, show, type_name, wrong_type
from tfjs_compat.outcomes.failures import Finding

Place: TypeAlias = tuple[str | int, ...]
"""A place in model.json: the keys and indices that lead there from its top."""

CONTAINERS = frozenset({"Sequential", "Functional", "Model"})
"""Classes whose config lists layers."""

_MODELS = frozenset({"Functional", "Model"})


class Layer(msgspec.Struct, frozen=True):
    """One layer, cell or nested model of the topology.

    ``class_name`` is camelCase. ``config`` maps camelCase keys to values, ``raw`` those to the keys in model.json.
    ``children`` are the layers of a container, the wrapped layer, the cell or cells: what TensorFlow.js reads.
    ``wrapped`` says that a wrapper builds this layer: it is never applied itself. ``place`` is the way to its entry in
    model.json, key by key, and ``path`` the same as a JSON path.
    """

    class_name: str
    name: str
    config: Mapping[str, Any]
    raw: Mapping[str, str]
    path: str
    entry: Mapping[str, Any]
    children: tuple[Layer, ...] = ()
    wrapped: bool = False
    place: Place = ()

    @property
    def is_sequential(self) -> bool:
        """A container that feeds each layer into the next."""
        return self.class_name == "Sequential"

    @property
    def is_model(self) -> bool:
        """A container that wires its layers by ``inbound_nodes``."""
        return self.class_name in _MODELS

    @property
    def is_container(self) -> bool:
        """A model in itself."""
        return self.class_name in CONTAINERS

    def path_of(self, key: str) -> str:
        """The JSON path of a config value, given its camelCase key."""
        return member_path(f"{self.path}.config", self.raw.get(key, key))

    def is_set(self, key: str) -> bool:
        """Whether a setting is there and not null, false, 0 or an empty string."""
        return bool(self.config.get(key))


class Topology(msgspec.Struct, frozen=True):
    """A layers model: its root (None if there is none to look at) and what is malformed."""

    root: Layer | None
    findings: tuple[Finding, ...]


def camel_case(text: str) -> str:
    """``generic_utils.toCamelCase``.

    >>> camel_case("batch_input_shape"), camel_case("L1L2"), camel_case("l1_l2"), camel_case("_hidden")
    ('batchInputShape', 'L1L2', 'l1L2', 'Hidden')
    """
    if len(text) <= 1 or "_" not in text:
        return text
    return _known(text) if len(text) <= _LONGEST_KNOWN else _without_lines(text)


def _without_lines(text: str) -> str:
    return re.sub(r"_+(\w|\Z)", lambda found: found[1].upper(), text, flags=re.ASCII)


_LONGEST_KNOWN = 64
_known = functools.lru_cache(maxsize=4096)(_without_lines)
"""The keys of a model are few, and each is asked for by every repair in every layer."""


def member(value: Mapping[str, Any], key: str) -> tuple[str, Any]:
    """The raw key and the value of a camelCase key; (key, None) if it is not there. The last wins, as in JavaScript."""
    found: tuple[str, Any] = (key, None)
    for raw, item in value.items():
        if camel_case(raw) == key:
            found = (raw, item)
    return found


def read_layers(topology: Mapping[str, Any]) -> Topology:
    """The tree of layers of a modelTopology of format "layers"."""
    findings: list[Finding] = []
    entry: Any = topology
    place: Place = ("modelTopology",)
    if entry.get("model_config") is not None:
        entry, place = entry["model_config"], (*place, "model_config")
    root = _layer(entry, place, findings, wrapped=False)
    return Topology(root, tuple(findings))


def walk(layer: Layer) -> Iterator[Layer]:
    """The layer and everything in it, in the order of model.json."""
    yield layer
    for child in layer.children:
        yield from walk(child)


def _layer(entry: object, place: Place, findings: list[Finding], *, wrapped: bool) -> Layer | None:
    path = json_path(place)
    if not isinstance(entry, dict):
        findings.append(wrong_type(path, "a layer: an object with class_name and config", entry))
        return None
    raw_class, class_name = member(entry, "className")
    if not isinstance(class_name, str):
        at = member_path(path, raw_class if class_name is not None else "class_name")
        findings.append(wrong_type(at, "a string", class_name))
        return None
    class_name = camel_case(class_name)
    config: Any = entry.get("config")
    listed: Any = None
    if isinstance(config, list) and class_name == "Sequential":
        config, listed = {}, config  # as Keras 1 and early Keras 2 wrote it
    if not isinstance(config, dict):
        findings.append(wrong_type(f"{path}.config", "an object", config))
        return None
    raw = {camel_case(key): key for key in config}
    values = {camel_case(key): value for key, value in config.items()}
    name = values.get("name")
    layer = Layer(
        class_name, name if isinstance(name, str) else "", values, raw, path, entry, wrapped=wrapped, place=place
    )
    return msgspec.structs.replace(layer, children=tuple(_children(layer, listed, findings)))


def _children(layer: Layer, listed: Any, findings: list[Finding]) -> Iterator[Layer]:
    places: list[tuple[Place, object, bool]] = []
    config: Place = (*layer.place, "config")
    if layer.is_container:
        layers = listed if listed is not None else layer.config.get("layers")
        within = config if listed is not None else (*config, layer.raw.get("layers", "layers"))
        if not isinstance(layers, list):
            message = f"expected a list of layers, found {type_name(layers)}"
            findings.append(Finding("artifact-wrong-type", json_path(within), message))
            return
        places = [((*within, index), entry, False) for index, entry in enumerate(layers)]
    elif layer.class_name in ("TimeDistributed", "Bidirectional"):
        # The backward_layer of a Bidirectional is not read: it is made from a copy of `layer`.
        places = [((*config, layer.raw.get("layer", "layer")), layer.config.get("layer"), True)]
    elif layer.class_name == "RNN":
        places = [((*config, layer.raw.get("cell", "cell")), layer.config.get("cell"), True)]
    elif layer.class_name == "StackedRNNCells":
        cells = layer.config.get("cells")
        if not isinstance(cells, list):
            findings.append(wrong_type(layer.path_of("cells"), "a list of cells", cells))
            return
        places = [((*config, layer.raw["cells"], index), entry, True) for index, entry in enumerate(cells)]
    for place, entry, wrapped in places:
        child = _layer(entry, place, findings, wrapped=wrapped)
        if child is not None:
            yield child


def json_path(place: Place) -> str:
    """The JSON path of a place.

    >>> json_path(("modelTopology", "node", 3, "a b"))
    '$.modelTopology.node[3]["a b"]'
    """
    path = "$"
    for key in place:
        path = member_path(path, key) if isinstance(key, str) else f"{path}[{key}]"
    return path


def label(layer: Layer) -> str:
    """How messages name a layer."""
    return f"{layer.class_name} {show(layer.name)}" if layer.name else layer.class_name


def inbound_nodes_of(layer: Layer) -> tuple[str, Any]:
    """JSON path and value of a layer's ``inbound_nodes``."""
    raw, value = member(layer.entry, "inboundNodes")
    return member_path(layer.path, raw if value is not None else "inbound_nodes"), value


def is_mixed(policy: Mapping[str, Any]) -> bool:
    """Whether a dtype policy is one of mixed precision: weights in float32, computed in a shorter dtype."""
    config = policy.get("config")
    name = config.get("name") if isinstance(config, Mapping) else None
    return isinstance(name, str) and name.startswith("mixed_")
