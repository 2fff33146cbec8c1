"""TOML → matrix → cases: schema, loading, versions, routes, models, expansion.

Takes a matrix file, releases and interpreters; gives cases in order. Reads files and never runs anything.
Imports: index, outcomes, system, errors.
"""
