"""A failing case → a bundle that shows its failure on any machine: scripts, pins, model, what was expected and seen.

Takes a case's result, its lock and its files; gives a folder in which nothing of this machine is left.
Imports: as the room it is in.
"""
