"""What of a model was rewritten before it was converted, as values."""

from __future__ import annotations

import msgspec


class Rewrote(msgspec.Struct, frozen=True):
    """A rewrite (its id in inside/tfjs_case/rewrites/) and the layers that it replaced, by name."""

    id: str
    layers: tuple[str, ...]


class Rewriting(msgspec.Struct, frozen=True):
    """How the model that was converted was made of the one that was given.

    ``rewrote`` says what was replaced. On the inputs of the comparison Python computed both: they differ by ``max_abs``
    at most. ``left`` says of layers that stayed why.
    """

    rewrote: tuple[Rewrote, ...]
    max_abs: float
    left: tuple[str, ...] = ()
