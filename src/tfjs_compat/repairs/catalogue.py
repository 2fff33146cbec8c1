"""All repairs, in the order in which they depend on each other.

A repair more in a module that stands here touches that module alone; a new module is imported and placed here.
"""

from __future__ import annotations

from tfjs_compat.repairs.chains import CHAINS
from tfjs_compat.repairs.complex_numbers import COMPLEX_NUMBERS
from tfjs_compat.repairs.dataflow import DATAFLOW
from tfjs_compat.repairs.expansions import EXPANDED
from tfjs_compat.repairs.graphs import GRAPHS
from tfjs_compat.repairs.inbound_nodes import INBOUND_NODES
from tfjs_compat.repairs.keras3 import DTYPES, SHAPES
from tfjs_compat.repairs.names import NAMES
from tfjs_compat.repairs.operations import OPERATIONS
from tfjs_compat.repairs.random_numbers import RANDOM_NUMBERS
from tfjs_compat.repairs.repair import Repair
from tfjs_compat.repairs.settings import SETTINGS
from tfjs_compat.repairs.substitutes import LAYER_SUBSTITUTES
from tfjs_compat.repairs.weights import WEIGHTS

REPAIRS: tuple[Repair, ...] = (
    *SHAPES,
    *LAYER_SUBSTITUTES,
    *INBOUND_NODES,
    *CHAINS,
    *DTYPES,
    *NAMES,
    *SETTINGS,
    *WEIGHTS,
    *GRAPHS,
    *DATAFLOW,
    *OPERATIONS,
    *EXPANDED,
    *COMPLEX_NUMBERS,
    *RANDOM_NUMBERS,
)
"""Every repair. The order decides: a later one reads what the earlier ones have put right.

Shapes and wires come first, then what layers are made of, then the names of weights, which follow from all that.
"""
