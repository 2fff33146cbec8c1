"""A parsed model.json, repaired: every repair of the catalogue, one after the other."""

from __future__ import annotations

from tfjs_compat.artifact.reading import topology_format
from tfjs_compat.outcomes.outcome import Applied
from tfjs_compat.repairs.catalogue import REPAIRS
from tfjs_compat.repairs.edits import Document
from tfjs_compat.repairs.repair import Repaired


def repair_document(model_json: Document) -> Repaired:
    """The document with every defect cured that it proves and that a repair knows; the same one where there is none.

    The input is never changed; what was not repaired is shared with the result. Never raises, whatever it holds.
    """
    topology = model_json.get("modelTopology")
    format = topology_format(topology) if isinstance(topology, dict) else None
    document, applied = model_json, []
    for repair in REPAIRS:
        if format in repair.formats:
            document, paths = repair.apply(document)
            if paths:
                applied.append(Applied(repair.id, paths))
    return Repaired(dict(document), tuple(applied))
