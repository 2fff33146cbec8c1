"""All the repairs that a document needs, one after the other."""

from __future__ import annotations

from collections.abc import Collection

from tfjs_compat.artifact.reading import topology_format
from tfjs_compat.outcomes.outcome import Applied
from tfjs_compat.repairs.catalogue import REPAIRS
from tfjs_compat.repairs.edits import Document
from tfjs_compat.repairs.repair import Repaired


def repair(model_json: Document, only: Collection[str] | None = None) -> Repaired:
    """The document with every defect cured that it proves and that a repair knows.

    ``only``: the ids of the repairs that may be applied; all of them by default. The input is never changed; what was
    not repaired is shared with the result.
    """
    topology = model_json.get("modelTopology")
    found = topology_format(topology) if isinstance(topology, dict) else None
    document, applied = model_json, []
    for one in REPAIRS:
        if found in one.formats and (only is None or one.id in only):
            document, paths = one.apply(document)
            if paths:
                applied.append(Applied(one.id, paths))
    return Repaired(dict(document), tuple(applied))
