"""Constants that a branch gives: TensorFlow.js has them from the start, whichever branch is taken.

A branch of tf.cond ends in a Merge, which takes the first of its inputs that is there. In TensorFlow what is in the
branch that is not taken is dead, constants too, by a control input from the branch's pivot. In TensorFlow.js constants
are weights (tfjs-converter ``executor/graph_executor.ts``: ``executeAsync`` starts with all of them, and runs a Merge
as soon as any of its inputs is there).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from tfjs_compat.artifact.nodes import Node


class BranchConstant(msgspec.Struct, frozen=True):
    """An input of a Merge that is a constant of a branch.

    ``index`` is the place of the input, ``predicate`` what the branch depends on, as an input names it, and ``taken``
    the value of it with which the branch is taken.
    """

    merge: Node
    index: int
    constant: Node
    predicate: str
    taken: bool


def branch_constants(nodes: Sequence[Node], by_name: Mapping[str, Node]) -> Iterator[BranchConstant]:
    """The constants of branches that a Merge takes directly, in the order of the graph."""
    for node in nodes:
        for index, name in enumerate(node.inputs if node.op == "Merge" else ()):
            constant = by_name.get(name.split(":")[0])
            if constant is None or constant.op != "Const":
                continue
            pivot = _pivot(constant, by_name)
            if pivot is not None:
                predicate, taken = pivot
                yield BranchConstant(node, index, constant, predicate, taken)


def _pivot(constant: Node, by_name: Mapping[str, Node]) -> tuple[str, bool] | None:
    """The predicate of the branch that a constant is in, and its value there; None where it is in none."""
    for control in (name[1:] for name in constant.inputs if name.startswith("^")):
        identity = by_name.get(control)
        if identity is None or identity.op != "Identity" or not identity.inputs:
            continue
        name, _, output = identity.inputs[0].partition(":")
        switch = by_name.get(name)
        if switch is not None and switch.op == "Switch" and len(switch.inputs) > 1:
            return switch.inputs[1], output == "1"
    return None
