"""Which change between two trials turns their outcome, and between which two neighbouring releases.

Takes two planned cases with their locks and an engine; gives an Explanation. Pure but for ``trials.py``.
Imports: search (the pure cores), engine and every room below.
"""
