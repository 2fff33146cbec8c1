"""The version of this package. Imports nothing, so that every room may read it."""

__version__ = "0.1.0"
