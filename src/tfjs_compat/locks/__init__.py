"""Combination → lock: the exact pinned, hashed distributions, or the conflict that keeps it from having one.

Takes the requirements of a combination; gives a Lock or an Unresolved.
Imports: matrix, index, system, errors.
"""
