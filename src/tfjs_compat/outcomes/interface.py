"""Which input and output of an artifact is which of the model, as values."""

from __future__ import annotations

from typing import Literal

import msgspec


class Place(msgspec.Struct, frozen=True):
    """One input or output: its ``name`` in Python, and ``at``, where TensorFlow.js has it.

    ``at`` is a number where it goes by order (a layers model), else the name to feed, or the node to ask for. ``by``
    says how the two were matched: by ``name``, by ``shape`` where that leaves no choice, or by ``order``.
    """

    name: str
    at: int | str
    by: Literal["name", "shape", "order"] = "name"


class Interface(msgspec.Struct, frozen=True):
    """How an artifact is fed and asked. ``call`` is the method that ran it: only what has loops needs ``executeAsync``.

    ``ambiguous``: the artifact does not say which of several outputs alike is which; the nearest numbers were taken.
    """

    inputs: tuple[Place, ...]
    outputs: tuple[Place, ...]
    call: Literal["predict", "execute", "executeAsync"]
    ambiguous: bool = False
