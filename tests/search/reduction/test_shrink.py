"""Reducing: against planted causes the result is what the cause needs, whatever the network."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tfjs_compat.search.answer import Answer
from tfjs_compat.search.reduction.code import code_of
from tfjs_compat.search.reduction.network import Input, Layer, Network, Node, Ref, node_refs, pruned
from tfjs_compat.search.reduction.shrink import shrink

KINDS = ("Dense", "Bad", "Worse", "Flatten")


def layer(kind: str, **config: Any) -> Layer:
    return Layer(kind, "keras.layers", {"units": 8, "activation": "relu", "use_bias": True, **config}, ("units",))


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Random networks: every node takes one to three earlier ones, some share a layer."""
    inputs = tuple(
        Input(f"in{number}", (draw(st.integers(1, 9)),), name=draw(st.sampled_from([None, "a"])))
        for number in range(draw(st.integers(1, 3)))
    )
    places = [Ref(each.id) for each in inputs]
    layers: dict[str, Layer] = {}
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 9))):
        taken = tuple(draw(st.lists(st.sampled_from(places), min_size=1, max_size=3, unique=True)))
        name = f"layer{number}"
        if layers and draw(st.integers(0, 5)) == 0:
            name = draw(st.sampled_from(sorted(layers)))
        else:
            layers[name] = layer(draw(st.sampled_from(KINDS)))
        nodes.append(Node(f"n{number}", name, taken if len(taken) == 1 else (taken,)))
        places.append(Ref(f"n{number}"))
    outputs = tuple(draw(st.lists(st.sampled_from(places[len(inputs) :]), min_size=1, max_size=3, unique=True)))
    found = pruned(Network(inputs, layers, tuple(nodes), outputs))
    assert found is not None
    return found


def kinds(network: Network) -> list[str]:
    return sorted(network.layers[node.layer].kind for node in network.nodes)


def ask(cause: Callable[[Network], bool]) -> Callable[[Network], Answer]:
    def answer(network: Network) -> Answer:
        known = {each.id for each in network.inputs}
        for node in network.nodes:
            # What is proposed is always a network: in order, without dangling references or idle layers.
            assert {ref.node for ref in node_refs(node)} <= known
            known.add(node.id)
        assert {ref.node for ref in network.outputs} <= known
        assert {node.layer for node in network.nodes} == set(network.layers)
        compile(code_of(network), "reduced.py", "exec")
        return Answer.YES if cause(network) else Answer.NO

    return answer


@settings(max_examples=150, deadline=None)
@given(networks(), st.lists(st.sampled_from(KINDS), min_size=1, max_size=2, unique=True))
def test_only_what_the_cause_needs_stays(network: Network, needed: list[str]) -> None:
    def cause(candidate: Network) -> bool:
        return set(needed) <= set(kinds(candidate))

    if not cause(network):
        return
    reduced = shrink(network, ask(cause))
    assert reduced.complete
    assert kinds(reduced.network) == sorted(needed)
    assert all(each.config == {"units": 1} for each in reduced.network.layers.values())
    assert all(each.shape == (1,) and each.name is None for each in reduced.network.inputs)


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(2, 8))
def test_numbers_and_arguments_that_matter_stay(network: Network, least: int) -> None:
    def cause(candidate: Network) -> bool:
        return any(
            each.kind == "Bad" and each.config["units"] >= least and "use_bias" in each.config
            for each in candidate.layers.values()
        )

    if not cause(network):
        return
    reduced = shrink(network, ask(cause))
    (only,) = reduced.network.layers.values()
    assert only.config == {"units": least, "use_bias": True}


def test_the_outputs_that_matter_stay() -> None:
    inputs = (Input("a", (4,)),)
    layers = {name: layer("Dense") for name in "xyz"}
    nodes = tuple(Node(name, name, (Ref("a"),)) for name in "xyz")
    network = Network(inputs, layers, nodes, tuple(Ref(name) for name in "xyz"))
    reduced = shrink(network, ask(lambda candidate: len(candidate.outputs) >= 2)).network
    assert len(reduced.outputs) == 2


def test_an_inner_model_is_opened_where_it_does_not_matter() -> None:
    chain = (Node("x", "x", (Ref("i"),)), Node("y", "y", (Ref("x"),)))
    inner = Network((Input("i", (4,)),), {"x": layer("Dense"), "y": layer("Bad")}, chain, (Ref("y"),), sequential=True)
    outer = Network(
        (Input("a", (4,)),),
        {"m": Layer("Sequential", "keras", inner=inner)},
        (Node("m", "m", (Ref("a"),)),),
        (Ref("m"),),
    )

    def has_bad(network: Network) -> bool:
        inside = [each.inner for each in network.layers.values() if each.inner is not None]
        return "Bad" in kinds(network) or any(has_bad(each) for each in inside)

    opened = shrink(outer, ask(has_bad)).network
    assert kinds(opened) == ["Bad"]
    nested = shrink(outer, ask(lambda n: has_bad(n) and any(each.inner for each in n.layers.values()))).network
    (model,) = nested.layers.values()
    assert model.inner is not None
    assert kinds(model.inner) == ["Bad"]


def test_stopped_it_gives_the_smallest_so_far() -> None:
    nodes = [Node(f"n{i}", f"l{i}", (Ref(f"n{i - 1}" if i else "a"),)) for i in range(8)]
    layers = {f"l{i}": layer("Bad" if i == 3 else "Dense") for i in range(8)}
    network = Network((Input("a", (4,)),), layers, tuple(nodes), (Ref("n7"),))
    for budget in range(6):
        left = itertools.count()

        def answer(candidate: Network, budget: int = budget, left: Any = left) -> Answer | None:
            if next(left) >= budget:
                return None
            return Answer.YES if "Bad" in kinds(candidate) else Answer.NO

        reduced = shrink(network, answer)
        assert "Bad" in kinds(reduced.network)
        assert reduced.asked == budget
        assert not reduced.complete


def test_unknown_is_neither_taken_nor_called_minimal() -> None:
    nodes = (Node("x", "x", (Ref("a"),)), Node("y", "y", (Ref("x"),)))
    network = Network((Input("a", (4,)),), {"x": layer("Dense"), "y": layer("Dense")}, nodes, (Ref("y"),))
    reduced = shrink(network, lambda _: Answer.UNKNOWN)
    assert reduced.network == network
    assert reduced.unknown > 0
    assert not reduced.complete


def test_the_name_of_an_input_that_matters_stays() -> None:
    inputs = (Input("a", (4,), name="category"), Input("b", (4,), name="other"))
    nodes = (Node("x", "x", ((Ref("a"), Ref("b")),)),)
    network = Network(inputs, {"x": layer("Concatenate")}, nodes, (Ref("x"),))
    reduced = shrink(network, ask(lambda candidate: any(each.name == "category" for each in candidate.inputs)))
    assert "category" in [each.name for each in reduced.network.inputs]
    assert "other" not in [each.name for each in reduced.network.inputs]


def test_branches_that_are_both_needed_stay_without_what_joins_them() -> None:
    layers = {"x": layer("Bad"), "y": layer("Worse"), "both": layer("Add"), "z": layer("Dense")}
    nodes = (
        Node("x", "x", (Ref("a"),)),
        Node("y", "y", (Ref("a"),)),
        Node("both", "both", ((Ref("x"), Ref("y")),)),
        Node("z", "z", (Ref("both"),)),
    )
    network = Network((Input("a", (4,)),), layers, nodes, (Ref("z"),))
    reduced = shrink(network, ask(lambda candidate: {"Bad", "Worse"} <= set(kinds(candidate)))).network
    assert kinds(reduced) == ["Bad", "Worse"]
    assert len(reduced.outputs) == 2


def test_arguments_of_what_a_wrapper_wraps_are_left_out_too() -> None:
    def described(kind: str, **config: Any) -> dict[str, Any]:
        return {"class_name": kind, "config": config}

    cells = described("Stacked", name="s", cells=[described("Cell", units=4, name="c"), described("Cell", units=5)])
    wrapper = Layer("RNN", "keras.layers", {"cell": cells, "name": "r"}, ("cell",))
    network = Network((Input("a", (4,)),), {"r": wrapper}, (Node("r", "r", (Ref("a"),)),), (Ref("r"),))

    def cause(candidate: Network) -> bool:
        cell = candidate.layers["r"].config["cell"]
        return all("units" in each["config"] for each in cell["config"].get("cells", [{"config": {}}]))

    found = shrink(network, ask(cause)).network.layers["r"].config
    assert found == {"cell": described("Stacked", cells=[described("Cell", units=1), described("Cell", units=1)])}
