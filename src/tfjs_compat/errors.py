"""The two ways in which the tool itself can refuse or fail, and the nearest right name for a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RequestError(Exception):
    """The request is wrong: a file, an option, a model, a version. Exit code 2.

    The message names the file and the key, what was expected and, where there is one, the nearest right name.
    """


class MachineryError(Exception):
    """The machine or the network failed: an unreachable index, a full disk, no interpreter. Exit code 3.

    Says nothing about any combination or model, and is never kept as a result.
    """


class Interrupted(Exception):
    """The user asked to stop. Exit code 130."""


def nearest(wrong: str, right: Iterable[str]) -> str:
    """A hint for a name that is not among ``right``: the nearest one, else a short list of what there is.

    >>> nearest("modles", ["models", "routes"])
    "did you mean 'models'?"
    >>> nearest("x", ["models", "routes"])
    'known: models, routes'
    """
    names = sorted(set(right))
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"known: {shown}" if names else "there are none"
