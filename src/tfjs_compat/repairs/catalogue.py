"""All repairs, in the order in which they depend on each other."""

from __future__ import annotations

from tfjs_compat.repairs.chains import CHAINS
from tfjs_compat.repairs.graphs import GRAPHS
from tfjs_compat.repairs.inbound_nodes import WIRES
from tfjs_compat.repairs.keras3 import DTYPES, SHAPES
from tfjs_compat.repairs.names import NAMES
from tfjs_compat.repairs.repair import Repair
from tfjs_compat.repairs.settings import SETTINGS
from tfjs_compat.repairs.substitutes import LAYER_SUBSTITUTES
from tfjs_compat.repairs.weights import WEIGHTS

REPAIRS: tuple[Repair, ...] = (
    *SHAPES,
    *LAYER_SUBSTITUTES,
    *WIRES,
    *CHAINS,
    *DTYPES,
    *NAMES,
    *SETTINGS,
    *WEIGHTS,
    *GRAPHS,
)
"""Every repair. What a later one looks at, the earlier ones have put right."""
