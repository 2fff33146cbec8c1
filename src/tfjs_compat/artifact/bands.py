"""Bands of matrices: TensorFlow.js takes the lower width of a MatrixBandPart for its upper width too.

tfjs-converter ``operations/op_list/matrices.ts``: ``numUpper`` is read from the input of ``numLower``. The lower
triangle of a causal mask, of lower width -1 (all) and upper width 0, is therefore the whole matrix: nothing is masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tfjs_compat.artifact.nodes import Node


def uneven_bands(nodes: Iterable[Node]) -> Iterator[Node]:
    """The band parts whose two widths come from different nodes."""
    for node in nodes:
        if node.op == "MatrixBandPart" and len(node.inputs) > 2 and node.inputs[1] != node.inputs[2]:
            yield node
