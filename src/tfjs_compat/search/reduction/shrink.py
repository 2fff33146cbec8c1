"""The smallest network that an oracle still says yes to. Pure: it runs nothing.

Larger steps come first: calls are left out by delta debugging, then outputs, then whatever a constructor has a default
for, then numbers become small. The steps are repeated until none of them makes it smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from tfjs_compat.search.answer import Answer
from tfjs_compat.search.ddmin import ddmin
from tfjs_compat.search.reduction.network import (
    Input,
    Layer,
    Network,
    apart,
    inlined,
    node_refs,
    pruned,
    restricted,
    with_fewer_inputs,
    with_input,
)

Ask = Callable[[Network], Answer | None]
"""Whether a network still fails in the same way; None where it was stopped before it knew."""

_MOST_ROUNDS = 12


class Reduced(NamedTuple):
    """The smallest network that was found, how many were asked for, and how many of these had no answer.

    ``complete``: no step of those that are known makes it smaller; false where it was stopped, or where an answer was
    unknown.
    """

    network: Network
    asked: int
    unknown: int
    complete: bool


class _Stopped(Exception):
    pass


def shrink(network: Network, ask: Ask) -> Reduced:
    """Reduce a network, to which the answer is known to be yes."""
    return _Shrinker(network, ask).run()


class _Shrinker:
    def __init__(self, network: Network, ask: Ask) -> None:
        self._best, self._ask = network, ask
        self._known: dict[bytes, Answer] = {network.key(): Answer.YES}
        self._asked = 0

    def run(self) -> Reduced:
        complete = False
        try:
            for _ in range(_MOST_ROUNDS):
                before = self._best
                for step in (self._calls, self._rewire, self._outputs, self._arguments, self._numbers, self._weights):
                    step()
                if self._best == before:
                    complete = True
                    break
        except _Stopped:
            pass
        unknown = sum(answer is Answer.UNKNOWN for answer in self._known.values())
        return Reduced(self._best, self._asked, unknown, complete and not unknown)

    def _is_yes(self, candidate: Network | None) -> bool:
        return self._answer(candidate) is Answer.YES

    def _answer(self, candidate: Network | None) -> Answer:
        if candidate is None:
            return Answer.NO
        key = candidate.key()
        if key not in self._known:
            answer = self._ask(candidate)
            if answer is None:
                raise _Stopped
            self._known[key] = answer
            self._asked += 1
        if self._known[key] is Answer.YES and _size(candidate) < _size(self._best):
            self._best = candidate
        return self._known[key]

    def _minimise(self, items: Sequence[Any], build: Callable[[frozenset[Any]], Network | None]) -> None:
        """Keep as few of the items as the answer needs; ``build`` makes the network that keeps some of them."""
        if not items or self._is_yes(build(frozenset())) or len(items) == 1:
            return
        ddmin(items, lambda subsets: [self._answer(build(subset)) for subset in subsets])

    def _calls(self) -> None:
        whole = self._best
        self._minimise([node.id for node in whole.nodes], lambda kept: restricted(whole, kept))

    def _rewire(self) -> None:
        """What leaving out calls cannot do: inner models opened, other inputs taken, lists of inputs shortened."""
        improved = True
        while improved:
            improved = any(self._is_better(candidate) for candidate in _rewirings(self._best))

    def _is_better(self, candidate: Network | None) -> bool:
        before = self._best
        return self._is_yes(candidate) and self._best is not before

    def _outputs(self) -> None:
        whole = self._best
        if len(whole.outputs) > 1:
            self._minimise(
                range(len(whole.outputs)),
                lambda kept: (
                    pruned(replace(whole, outputs=tuple(whole.outputs[number] for number in sorted(kept))))
                    if kept
                    else None
                ),
            )

    def _arguments(self) -> None:
        whole = self._best
        self._minimise(list(_optional(whole)), lambda kept: _with_arguments(whole, kept))

    def _numbers(self) -> None:
        for small in (1, 2, 3):
            if self._is_better(_with_all_numbers(self._best, small)):
                break
        improved = True
        while improved:
            improved = any(self._is_better(candidate) for candidate in _smaller_numbers(self._best))

    def _weights(self) -> None:
        if self._best.random_weights:
            self._is_better(replace(self._best, random_weights=False))


def _size(network: Network) -> tuple[int, int, int, int, int]:
    """What becomes smaller with each step that is taken."""
    layers = list(_all_layers(network))
    models = sum(layer.inner is not None for layer in layers)
    arguments = sum(1 + sum(1 for _ in _inside(value)) for layer in layers for value in layer.config.values())
    arguments += sum(each.name is not None for each in _all_inputs(network))
    numbers = sum(_total(value) for layer in layers for value in layer.config.values())
    numbers += sum(size or 0 for each in _all_inputs(network) for size in (*each.shape, each.batch))
    calls = sum(len(each.nodes) for each in _networks(network))
    links = sum(len(node_refs(node)) for each in _networks(network) for node in each.nodes)
    widths = len(network.outputs) + len(network.inputs) + links
    return (calls + models, widths, arguments, numbers, int(network.random_weights))


def _networks(network: Network) -> Iterator[Network]:
    yield network
    for layer in network.layers.values():
        if layer.inner is not None:
            yield from _networks(layer.inner)


def _all_layers(network: Network) -> Iterator[Layer]:
    for each in _networks(network):
        yield from each.layers.values()


def _all_inputs(network: Network) -> Iterator[Input]:
    for each in _networks(network):
        yield from each.inputs


def _total(value: Any) -> int:
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return abs(value)
    if isinstance(value, dict):
        return sum(_total(each) for each in value.values())
    return sum(_total(each) for each in value) if isinstance(value, (list, tuple)) else 0


def _rewirings(network: Network) -> Iterator[Network | None]:
    for name, layer in network.layers.items():
        if layer.inner is not None:
            yield inlined(network, name)
            yield from _with_smaller_inner(network, name, layer.inner)
    for node in network.nodes:
        taken = node_refs(node)
        for ref in taken[1:]:
            yield with_input(network, node, ref)
        yield apart(network, node)
        for position in range(len(taken)):
            yield with_fewer_inputs(network, node, position)


def _with_smaller_inner(network: Network, name: str, inner: Network) -> Iterator[Network | None]:
    """Where an inner model is needed as it is, one call of it less."""
    for node in inner.nodes:
        smaller = restricted(inner, {each.id for each in inner.nodes} - {node.id})
        if smaller is not None and len(smaller.inputs) == len(inner.inputs):
            yield replace(network, layers={**network.layers, name: replace(network.layers[name], inner=smaller)})


class _Argument(NamedTuple):
    """Where an argument is: the names of the models that it is in and of its layer, its own, and the way inside it.

    That of an input is its name: ``name`` is then the input's id. ``inside`` leads to an argument of what a wrapper
    wraps, by the names and places in its configuration.
    """

    path: tuple[str, ...]
    name: str
    inside: tuple[str | int, ...] = ()


def _optional(network: Network, path: tuple[str, ...] = ()) -> Iterator[_Argument]:
    yield from (_Argument(path, each.id) for each in network.inputs if each.name is not None)
    for name, layer in network.layers.items():
        place = (*path, name)
        if layer.inner is not None:
            yield from _optional(layer.inner, place)
        for key, value in layer.config.items():
            if key not in layer.required:
                yield _Argument(place, key)
            else:
                # What is needed of the configuration of what it wraps is found out.
                yield from (_Argument(place, key, inside) for inside in _inside(value))


def _inside(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The ways to the arguments of all that a value describes by a configuration."""
    if isinstance(value, (list, tuple)):
        for number, each in enumerate(value):
            yield from _inside(each, (*way, number))
    elif _is_object(value):
        for key, each in value["config"].items():
            yield (*way, key)
            yield from _inside(each, (*way, key))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and "class_name" in value and isinstance(value.get("config"), dict)


def _with_arguments(network: Network, kept: frozenset[_Argument], path: tuple[str, ...] = ()) -> Network:
    layers = {}
    for name, layer in network.layers.items():
        place = (*path, name)
        config = {
            key: _with_inside(value, _Argument(place, key), kept) if key in layer.required else value
            for key, value in layer.config.items()
            if key in layer.required or _Argument(place, key) in kept
        }
        inner = _with_arguments(layer.inner, kept, place) if layer.inner is not None else None
        layers[name] = replace(layer, config=config, inner=inner)
    inputs = tuple(each if _Argument(path, each.id) in kept else replace(each, name=None) for each in network.inputs)
    return replace(network, layers=layers, inputs=inputs)


def _with_inside(value: Any, at: _Argument, kept: frozenset[_Argument]) -> Any:
    if isinstance(value, (list, tuple)):
        parts = (_with_inside(each, at._replace(inside=(*at.inside, i)), kept) for i, each in enumerate(value))
        return type(value)(parts)
    if not _is_object(value):
        return value
    config = {}
    for key, each in value["config"].items():
        place = at._replace(inside=(*at.inside, key))
        if place in kept:
            config[key] = _with_inside(each, place, kept)
    return {**value, "config": config}


def _with_all_numbers(network: Network, small: int) -> Network:
    """Every number above ``small`` made that small."""
    layers = {}
    for name, layer in network.layers.items():
        config = {key: _at_most(value, small) for key, value in layer.config.items()}
        inner = _with_all_numbers(layer.inner, small) if layer.inner is not None else None
        layers[name] = replace(layer, config=config, inner=inner)
    inputs = tuple(replace(each, shape=tuple(_at_most(each.shape, small))) for each in network.inputs)
    return replace(network, layers=layers, inputs=inputs)


def _at_most(value: Any, small: int) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, list, tuple, dict)):
        return value
    if isinstance(value, int):
        return min(value, small)
    if isinstance(value, dict):
        return {key: _at_most(each, small) for key, each in value.items()}
    return type(value)(_at_most(each, small) for each in value)


def _smaller_numbers(network: Network) -> Iterator[Network]:
    """One number, or all numbers of one place, made smaller: as small as can be first."""
    for index, given in enumerate(network.inputs):
        for shape in _smaller_values(given.shape):
            changed = replace(given, shape=shape)
            yield replace(network, inputs=(*network.inputs[:index], changed, *network.inputs[index + 1 :]))
        if given.batch is not None:
            changed = replace(given, batch=None)
            yield replace(network, inputs=(*network.inputs[:index], changed, *network.inputs[index + 1 :]))
    for name, layer in network.layers.items():
        for key, value in layer.config.items():
            for smaller in _smaller_values(value):
                changed_layer = replace(layer, config={**layer.config, key: smaller})
                yield replace(network, layers={**network.layers, name: changed_layer})
        if layer.inner is not None:
            for inner in _smaller_numbers(layer.inner):
                yield replace(network, layers={**network.layers, name: replace(layer, inner=inner)})


def _smaller_values(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        return
    if isinstance(value, int) and value > 1:
        yield from dict.fromkeys(each for each in (1, 2, value // 2, value - 1) if each < value)
    elif isinstance(value, (list, tuple)) and value:
        for at_once in (1, 2):
            if any(isinstance(each, int) and each > at_once for each in value):
                yield _at_most(value, at_once)
        for index, each in enumerate(value):
            for smaller in _smaller_values(each):
                yield type(value)([*value[:index], smaller, *value[index + 1 :]])
    elif isinstance(value, dict):
        for key, each in value.items():
            for smaller in _smaller_values(each):
                yield {**value, key: smaller}
