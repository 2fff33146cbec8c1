"""Lock → virtualenv: wheels unpacked once, environments of links to them, and what stands on disk.

Takes a Lock and an interpreter; gives an Environment, whole or not at all.
Imports: locks, index, system, errors.
"""
