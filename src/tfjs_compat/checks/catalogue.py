"""All static checks, in order, and every finding that they declare."""

from __future__ import annotations

from tfjs_compat.artifact.reading import FINDINGS as READING_FINDINGS
from tfjs_compat.checks.check import Check
from tfjs_compat.checks.dataflow import DATAFLOW
from tfjs_compat.checks.graph import GRAPH
from tfjs_compat.checks.keras3 import KERAS3
from tfjs_compat.checks.masks import MASKS
from tfjs_compat.checks.names import NAMES
from tfjs_compat.checks.ranks import RANKS
from tfjs_compat.checks.redefined import REDEFINED
from tfjs_compat.checks.settings import SETTINGS
from tfjs_compat.checks.values import VALUES
from tfjs_compat.checks.weights import WEIGHTS
from tfjs_compat.checks.wiring import WIRING

CHECKS: tuple[Check, ...] = (GRAPH, DATAFLOW, KERAS3, NAMES, SETTINGS, RANKS, MASKS, REDEFINED, WIRING, WEIGHTS, VALUES)
"""Every check, in the order in which TensorFlow.js would trip over what they find.

The order decides: the first error of an artifact names the issue of its case and stands first in its message. So what
stops the loader early (the shape of an input, then the wires, then a class that is not registered) comes before what it
would only meet later (settings, weights by name), and the values of the weights, which nothing refuses, come last.
"""

FINDINGS: dict[str, str] = {
    **READING_FINDINGS,
    **{id: meaning for check in CHECKS for id, meaning in check.findings.items()},
}
"""Every id that `examine` can report, with its meaning."""
