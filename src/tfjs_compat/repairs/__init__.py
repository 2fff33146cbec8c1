"""Artifact → artifact: one named defect each, cured where the artifact proves it.

A repair looks at a parsed model.json and gives the edits that cure its defect: none where the defect is not there, so
that what works stays as it is, byte for byte. No repair changes a weight's values, and none is kept that makes a model
load and predict something else: each is proven by numbers in ``tests/real/test_repairs.py``.

A defect is cured in one place and not in the other functions that trip over it, so the order of `REPAIRS` is part of
the cure: shapes and wiring first, then what layers are made of, then the weights' names, which follow from all that.
"""

from __future__ import annotations

from tfjs_compat.repairs.catalogue import REPAIRS
from tfjs_compat.repairs.folder import DamagedArtifactError, repair_folder
from tfjs_compat.repairs.remains import Unrepairable, unrepairable
from tfjs_compat.repairs.repair import Applied, Repair, Repaired, WeightKept
from tfjs_compat.repairs.whole import repair

__all__ = [
    "REPAIRS",
    "Applied",
    "DamagedArtifactError",
    "Repair",
    "Repaired",
    "Unrepairable",
    "WeightKept",
    "repair",
    "repair_folder",
    "unrepairable",
]
