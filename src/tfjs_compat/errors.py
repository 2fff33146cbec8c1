"""The errors with which the tool itself refuses, fails or stops, and the nearest right name for a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RequestError(Exception):
    """The request is wrong: a file, an option, a model, a version. Exit code 2.

    The message says what was refused, with file and key, and why. Where there is something to type, or a nearest right
    name, a last line ``hint: …`` says it.
    """


class MachineryError(Exception):
    """The machine or the network failed: an unreachable index, a full disk, no interpreter. Exit code 3.

    Says nothing about any combination or model, and is never kept as a result.
    """


class Interrupted(Exception):
    """The user stopped the command. Exit code 130."""


def nearest(wrong: str, right: Iterable[str]) -> str:
    """What a hint says about a name that is not among ``right``: the nearest name, else a short list of the names.

    >>> nearest("modles", ["models", "routes"])
    "did you mean 'models'?"
    >>> nearest("x", ["models", "routes"])
    'use one of: models, routes'
    """
    names = sorted(set(right))
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"use one of: {shown}" if names else "there are none to choose from"
