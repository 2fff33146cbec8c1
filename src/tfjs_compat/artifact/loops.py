"""Loops of a graph that TensorFlow.js never gets through, and the control inputs that keep it from it.

How the executor runs a loop: tfjs-converter ``executor/graph_executor.ts`` (``processChildNodes``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tfjs_compat.artifact.nodes import Node, upstream_of


class StuckLoop(msgspec.Struct, frozen=True):
    """A loop that never gets past its first round.

    ``condition`` is its LoopCond, ``switches`` the nodes that its variables leave it by, ``waiting`` the NextIterations
    that wait for its end.
    """

    condition: str
    switches: tuple[Node, ...]
    waiting: tuple[Node, ...]


def stuck_loops(nodes: Sequence[Node], by_name: Mapping[str, Node], used: frozenset[str]) -> Iterator[StuckLoop]:
    """Loops that stop in their first round: ``executeAsync`` then ends with ``Cannot compute the outputs``.

    ``Switch`` has nothing at its output 0 as long as its loop goes on, and the executor runs a node only when each of
    its inputs has a value in this round, control inputs too, which always mean output 0 (``processChildNodes``). So
    nothing that hangs on output 0 of a loop's Switch can run before the loop is over, and a ``NextIteration`` among it
    keeps the loop from going on. TensorFlow runs such graphs, for there ``^Switch`` waits for the node and not for an
    output; grappler writes them when it gathers control inputs in a ``NoOp``.
    """
    children = _children(nodes, control=True)
    loops: dict[str, list[Node]] = {}
    for node in nodes:
        if node.op == "Switch" and node.name in used and len(node.sources) > 1:
            condition = by_name.get(node.sources[1])
            if condition is not None and condition.op == "LoopCond":
                loops.setdefault(condition.name, []).append(node)
    for condition_name, switches in loops.items():
        late = _late(switches, children, by_name)
        deciding = upstream_of(by_name, [condition_name])
        waiting: dict[str, Node] = {}
        for switch in switches:
            merge = by_name.get(switch.sources[0])
            if merge is None or merge.op != "Merge":
                continue
            leaves = [
                name
                for name, first in children.get(switch.name, ())
                if first and by_name[name].op == "Exit" and name in used
            ]
            if merge.name not in deciding and not leaves:
                continue  # a round of nothing but this variable would not be missed
            for name in merge.sources:
                if name in late and by_name[name].op == "NextIteration":
                    waiting[name] = by_name[name]
        if waiting:
            yield StuckLoop(condition_name, tuple(switches), tuple(waiting.values()))


def blocking_controls(
    loop: StuckLoop, nodes: Sequence[Node], by_name: Mapping[str, Node]
) -> dict[str, tuple[str, ...]]:
    """The control inputs that keep a loop from going on, by the node that has them.

    Of what a next round needs, these are the nodes that would be there in time but for control inputs: everything that
    they compute with is.
    """
    late = _late(loop.switches, _children(nodes, control=True), by_name)
    late_by_data = _late(loop.switches, _children(nodes, control=False), by_name)
    needed = _round(loop.waiting, by_name)
    ends = late | {switch.name for switch in loop.switches}
    waits: dict[str, tuple[str, ...]] = {}
    for name in needed & late - late_by_data:
        controls = tuple(
            source for source in by_name[name].inputs if source.startswith("^") and source[1:].split(":")[0] in ends
        )
        if controls:
            waits[name] = controls
    return waits


def _round(waiting: Sequence[Node], by_name: Mapping[str, Node]) -> frozenset[str]:
    """What is computed for a next round: all that these nodes come from, within the loop."""
    frontier, found = [node.name for node in waiting], {node.name for node in waiting}
    while frontier:
        for source in by_name[frontier.pop()].sources:
            if source in by_name and source not in found and by_name[source].op not in ("Merge", "Enter"):
                found.add(source)
                frontier.append(source)
    return frozenset(found)


def _children(nodes: Sequence[Node], *, control: bool) -> dict[str, list[tuple[str, bool]]]:
    """Who takes something from each node, and whether it takes output 0; with or without the control inputs."""
    children: dict[str, list[tuple[str, bool]]] = {}
    for node in nodes:
        for source, name in zip(node.sources, node.inputs, strict=True):
            if control or not name.startswith("^"):
                first = name.startswith("^") or ":" not in name or name.endswith(":0")
                children.setdefault(source, []).append((node.name, first))
    return children


def _late(
    switches: Sequence[Node], children: Mapping[str, Sequence[tuple[str, bool]]], by_name: Mapping[str, Node]
) -> frozenset[str]:
    """The nodes that cannot run before a loop is over. A ``Merge`` needs one of its inputs only: it is none of them."""
    frontier = [name for switch in switches for name, first in children.get(switch.name, ()) if first]
    late: set[str] = set()
    while frontier:
        name = frontier.pop()
        if name not in late and by_name[name].op != "Merge":
            late.add(name)
            frontier.extend(child for child, _ in children.get(name, ()))
    return frozenset(late)
