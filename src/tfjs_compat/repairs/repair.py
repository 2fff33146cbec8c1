"""What a repair is, and what a repaired artifact is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from tfjs_compat.matrix.routes import Format
from tfjs_compat.outcomes.outcome import Applied
from tfjs_compat.repairs.edits import Document, Edit, edited


class Repair(msgspec.Struct, frozen=True):
    """One named defect of an artifact and its cure.

    ``find`` gives the edits that cure it in a document, none where the document does not prove the defect. It is a
    pure function, and finds nothing in a document that has been repaired. ``cures`` are ids of findings of the check,
    ``versions`` says what writes the defect, ``costs`` what the cure gives up, if anything: never the predictions.
    """

    id: str
    title: str
    cures: tuple[str, ...]
    formats: tuple[Format, ...]
    versions: str
    find: Callable[[Document], Iterable[Edit]]
    links: tuple[str, ...] = ()
    costs: str = ""

    def apply(self, document: Document) -> tuple[Document, tuple[str, ...]]:
        """The repaired document and the JSON paths that changed; the same document where there is no such defect."""
        edits = tuple(self.find(document))
        return edited(document, edits), tuple(edit.path for edit in edits)


class WeightKept(msgspec.Struct, frozen=True):
    """A weight that went through a repair: ``was`` is its name before, ``sha256`` that of its stored bytes."""

    name: str
    was: str
    shape: tuple[int, ...]
    dtype: str
    stored: str
    sha256: str


class Repaired(msgspec.Struct, frozen=True):
    """A repaired artifact: its model.json, what was applied, in order, and (of a folder) every weight."""

    model_json: dict[str, Any]
    applied: tuple[Applied, ...] = ()
    weights: tuple[WeightKept, ...] = ()
