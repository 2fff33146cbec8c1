"""The closed taxonomy of how far a case came and how it ended."""

from __future__ import annotations

import enum


class Stage(str, enum.Enum):
    """A step of a case. The members stand in the order in which the steps happen."""

    RESOLVE = "resolve"
    INSTALL = "install"
    IMPORT = "import"
    BUILD = "build"
    SERIALIZE = "serialize"
    CONVERT = "convert"
    CHECK = "check"
    LOAD = "load"
    PREDICT = "predict"

    @property
    def rank(self) -> int:
        """The place of the stage in the order, from 0."""
        return _STAGES.index(self)

    def __str__(self) -> str:
        return self.value


_STAGES = tuple(Stage)


class Verdict(str, enum.Enum):
    """How a case ended.

    ``WORKS``: the predictions agreed in TensorFlow.js. ``CONVERTS``: it reached the stage it was to stop at, or
    loads and predicts what proves nothing. ``MISMATCH``: it loads and predicts something else. ``FAILS``: a stage
    failed. ``ERROR``: the machinery failed (network, disk, a kill from outside); says nothing about the case.
    """

    WORKS = "works"
    CONVERTS = "converts"
    MISMATCH = "mismatch"
    FAILS = "fails"
    ERROR = "error"

    def __str__(self) -> str:
        return self.value
