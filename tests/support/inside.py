"""The modules of the Python half that need no TensorFlow, as an environment's Python imports them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_INSIDE = str(Path(__file__).parents[2] / "src" / "tfjs_compat" / "inside")

if _INSIDE not in sys.path:
    sys.path.append(_INSIDE)

branches = importlib.import_module("tfjs_case.branches")
calls = importlib.import_module("tfjs_case.calls")
catalogue = importlib.import_module("tfjs_case.rewrites.catalogue")
counterparts = importlib.import_module("tfjs_case.counterparts")
given = importlib.import_module("tfjs_case.given")
judgement = importlib.import_module("tfjs_case.judgement")
keras_source = importlib.import_module("tfjs_case.keras_source")
logits = importlib.import_module("tfjs_case.logits")
precision = importlib.import_module("tfjs_case.rewrites.precision")
ranges = importlib.import_module("tfjs_case.ranges")
reference = importlib.import_module("tfjs_case.reference")
search = importlib.import_module("tfjs_case.search")
signatures = importlib.import_module("tfjs_case.signatures")
strength = importlib.import_module("tfjs_case.strength")
tensors = importlib.import_module("tfjs_case.tensors")
values = importlib.import_module("tfjs_case.values")
walk = importlib.import_module("tfjs_case.rewrites.walk")
