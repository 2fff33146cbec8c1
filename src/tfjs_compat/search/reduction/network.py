"""A Keras model as a value: inputs, layers and their calls; and what can be taken out of it. Pure.

An argument of a call is a Ref, a tuple of arguments, or a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace


class Ref(msgspec.Struct, frozen=True, tag=True):
    """An output of a node, or an input of the network."""

    node: str
    output: int = 0


class Input(msgspec.Struct, frozen=True):
    """An input: ``shape`` without the batch, whose size is ``batch`` where it is fixed. None is an open size.

    ``name`` is what it is called in Keras; None: what Keras calls it by itself.
    """

    id: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    batch: int | None = None
    name: str | None = None


class Layer(msgspec.Struct, frozen=True):
    """A layer: its class and the module that has it, its configuration, and a network where it is a model itself.

    ``required`` names what its constructor cannot do without.
    """

    kind: str
    module: str
    config: dict[str, Any] = {}
    required: tuple[str, ...] = ()
    inner: Network | None = None


class Node(msgspec.Struct, frozen=True):
    """One call of a layer. A layer with several nodes shares its weights among them.

    ``many``: it gives a list of outputs.
    """

    id: str
    layer: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = {}
    many: bool = False


class Network(msgspec.Struct, frozen=True):
    """A model. ``nodes`` stand in an order in which they can be called; ``layers`` are by name.

    ``sequential``: written as one list of layers. ``random_weights``: its weights are set to numbers of both signs.
    """

    inputs: tuple[Input, ...]
    layers: dict[str, Layer]
    nodes: tuple[Node, ...]
    outputs: tuple[Ref, ...]
    sequential: bool = False
    random_weights: bool = False

    def key(self) -> bytes:
        """Equal for equal networks."""
        return msgspec.json.encode(self, order="sorted")

    def count_layers(self) -> int:
        """How many layers there are, those of inner models included, and the models themselves not."""
        return sum(layer.inner.count_layers() if layer.inner is not None else 1 for layer in self.layers.values())


def refs(argument: Any) -> Iterator[Ref]:
    """The references in an argument, in order."""
    if isinstance(argument, Ref):
        yield argument
    elif isinstance(argument, (tuple, list)):
        for each in argument:
            yield from refs(each)


def node_refs(node: Node) -> list[Ref]:
    """Everything that a node takes, in order."""
    return [ref for argument in (*node.args, *node.kwargs.values()) for ref in refs(argument)]


def mapped(argument: Any, change: Callable[[Ref], Ref]) -> Any:
    """The argument with every reference replaced."""
    if isinstance(argument, Ref):
        return change(argument)
    if isinstance(argument, (tuple, list)):
        return tuple(mapped(each, change) for each in argument)
    return argument


def restricted(network: Network, kept: Collection[str]) -> Network | None:
    """The network with only these nodes: what took the output of another takes that one's first input instead.

    None where that is no network: nothing is left, or what is left out takes nothing.

    >>> layer = Layer("Dense", "keras.layers")
    >>> both = Network((Input("i", (2,)),), {"a": layer, "b": layer},
    ...                (Node("a", "a", (Ref("i"),)), Node("b", "b", (Ref("a"),))), (Ref("b"),))
    >>> restricted(both, ["b"]).nodes
    (Node(id='b', layer='b', args=(Ref(node='i', output=0),), kwargs={}, many=False),)
    """
    bypass: dict[str, Ref] = {}

    def change(ref: Ref) -> Ref:
        return bypass.get(ref.node, ref)

    nodes = []
    for node in network.nodes:
        moved = _rewired(node, change)
        if node.id in kept:
            nodes.append(moved)
            continue
        taken = node_refs(moved)
        if not taken:
            return None
        bypass[node.id] = taken[0]
    outputs = tuple(change(ref) for ref in network.outputs)
    return pruned(replace(network, nodes=tuple(nodes), outputs=outputs))


def pruned(network: Network) -> Network | None:
    """The network without what leads to no output; None where nothing but inputs is left."""
    alive = {ref.node for ref in network.outputs}
    for node in reversed(network.nodes):
        if node.id in alive:
            alive |= {ref.node for ref in node_refs(node)}
    nodes = tuple(node for node in network.nodes if node.id in alive)
    if not nodes:
        return None
    used = {node.layer for node in nodes}
    # An output that is also another one's would be called the same twice.
    outputs = tuple(dict.fromkeys(network.outputs))
    return replace(
        network,
        inputs=tuple(each for each in network.inputs if each.id in alive),
        layers={name: layer for name, layer in network.layers.items() if name in used},
        nodes=nodes,
        outputs=outputs,
        sequential=network.sequential and len(outputs) == 1,
    )


def with_input(network: Network, node: Node, chosen: Ref) -> Network | None:
    """The network in which whatever took ``node`` takes ``chosen``, which is one of its inputs."""

    def change(ref: Ref) -> Ref:
        return chosen if ref.node == node.id else ref

    nodes = tuple(_rewired(each, change) for each in network.nodes if each.id != node.id)
    return pruned(replace(network, nodes=nodes, outputs=tuple(change(ref) for ref in network.outputs)))


def apart(network: Network, node: Node) -> Network | None:
    """The network without a node that joins several: its first input goes on, the others become outputs."""
    taken = node_refs(node)
    nodes = {each.id for each in network.nodes}
    others = tuple(ref for ref in taken[1:] if ref.node in nodes)
    if not others:
        return None
    return restricted(replace(network, outputs=(*network.outputs, *others)), nodes - {node.id})


def with_fewer_inputs(network: Network, node: Node, position: int) -> Network | None:
    """The network in which a node takes one reference less of a list that it takes; None where it takes no list."""
    for index, argument in enumerate(node.args):
        if isinstance(argument, tuple) and len(argument) > 2 and position < len(argument):
            shorter = (*argument[:position], *argument[position + 1 :])
            changed = replace(node, args=(*node.args[:index], shorter, *node.args[index + 1 :]))
            nodes = tuple(changed if each.id == node.id else each for each in network.nodes)
            return pruned(replace(network, nodes=nodes))
    return None


def inlined(network: Network, name: str) -> Network | None:
    """The network with the layers of an inner model in its place; None where ``name`` is no such model."""
    inner = network.layers[name].inner
    if inner is None:
        return None
    layers = {key: layer for key, layer in network.layers.items() if key != name}
    layers |= {f"{name}/{key}": layer for key, layer in inner.layers.items()}
    found: dict[Ref, Ref] = {}

    def change(ref: Ref) -> Ref:
        return found.get(ref, ref)

    nodes: list[Node] = []
    for node in network.nodes:
        moved = _rewired(node, change)
        if node.layer != name:
            nodes.append(moved)
            continue
        given = node_refs(moved)
        if len(given) < len(inner.inputs):
            return None
        inside = {each.id: ref for each, ref in zip(inner.inputs, given, strict=False)}

        def change_inner(ref: Ref, inside: dict[str, Ref] = inside, prefix: str = node.id) -> Ref:
            return inside.get(ref.node) or Ref(f"{prefix}/{ref.node}", ref.output)

        for each in inner.nodes:
            renamed = replace(each, id=f"{node.id}/{each.id}", layer=f"{name}/{each.layer}")
            nodes.append(_rewired(renamed, change_inner))
        found |= {Ref(node.id, number): change_inner(ref) for number, ref in enumerate(inner.outputs)}
    outputs = tuple(change(ref) for ref in network.outputs)
    chain = network.sequential and inner.sequential
    return pruned(replace(network, layers=layers, nodes=tuple(nodes), outputs=outputs, sequential=chain))


def _rewired(node: Node, change: Callable[[Ref], Ref]) -> Node:
    kwargs = {name: mapped(argument, change) for name, argument in node.kwargs.items()}
    return replace(node, args=tuple(mapped(argument, change) for argument in node.args), kwargs=kwargs)
