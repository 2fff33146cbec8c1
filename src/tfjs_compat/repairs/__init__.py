"""Artifact → artifact: one named defect each, cured where the artifact proves it.

A repair looks at a parsed model.json and gives the edits that cure its defect: none where the defect is not there, so
that what works stays as it is, byte for byte. No repair changes a weight's values, and none is kept that makes a model
load and predict something else: each is proven by numbers in ``tests/real/test_repairs.py``.

A defect is cured in one place and not in the other functions that trip over it, so the order of `REPAIRS` is part of
the cure: shapes and wiring first, then what layers are made of, then the weights' names, which follow from all that.
"""
