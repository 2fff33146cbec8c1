"""Names of weights, as TensorFlow.js looks for them. Only names change, and only where it is certain whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfjs_compat.artifact.layers import Layer, Place, walk
from tfjs_compat.artifact.variables import Variable, is_numbered_name, shortened_name, variables_of
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.repairs.edits import Document, Edit, Put
from tfjs_compat.repairs.repair import Repair
from tfjs_compat.repairs.topology import root_of


def manifest_names(document: Document) -> list[tuple[Place, str]]:
    """Place and text of the name of every weight of the model itself, not of its optimizer."""
    groups: Any = document.get("weightsManifest")
    names: list[tuple[Place, str]] = []
    for at, group in enumerate(groups if isinstance(groups, list) else []):
        entries = group.get("weights") if isinstance(group, Mapping) else None
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, Mapping) and isinstance(entry.get("name"), str) and entry.get("group") != "optimizer":
                names.append((("weightsManifest", at, "weights", index, "name"), entry["name"]))
    return names


def known_variables(root: Layer) -> tuple[Variable, ...]:
    """The variables that TensorFlow.js makes for a model, of the layers that it knows."""
    every = Vocabulary("", frozenset(layer.class_name for layer in walk(root)), frozenset())
    return variables_of(root, every).known


def _names(document: Document) -> Iterator[Edit]:
    root = root_of(document)
    given = manifest_names(document)
    if root is None or not given or is_numbered_name(given[0][1]):
        return
    wants = known_variables(root)
    if len({want.name for want in wants}) != len(wants) or len({name for _, name in given}) != len(given):
        return  # names that are not unique do not say whose a weight is
    open_wants = {want.name: want for want in wants}
    lost: list[tuple[Place, str]] = []
    for place, name in given:
        found = name if name in open_wants else shortened_name(name)
        if open_wants.pop(found, None) is None:
            lost.append((place, name))
    claims: dict[str, list[Place]] = {}
    for place, name in lost:
        owner = _owner(name, tuple(open_wants.values()))
        if owner is not None:
            claims.setdefault(owner, []).append(place)
    for name, places in claims.items():
        if len(places) == 1:
            yield Put(places[0], name)


def _owner(name: str, wants: Sequence[Variable]) -> str | None:
    """The name of the variable that a weight belongs to; None if there is none, or more than one."""
    parts = name.split("/")
    for start in range(len(parts) - 1):
        tail = "/".join(parts[start:])
        known_as = {tail, shortened_name(tail)} if len(parts) - start > 2 else {tail}
        owners = [want.name for want in wants if not known_as.isdisjoint((want.name, *want.aliases))]
        if owners:
            return owners[0] if len(owners) == 1 else None
    if len(parts) == 1:  # Keras 3.0 to 3.2 wrote the variable's name alone
        owners = [want.name for want in wants if any(alias.endswith(f"/{name}") for alias in want.aliases)]
        return owners[0] if len(owners) == 1 else None
    return None


WEIGHTS = (
    Repair(
        id="weight-names",
        title="weights get the names that TensorFlow.js looks for",
        cures=("keras3-weight-prefix", "weights-unwanted", "weights-missing"),
        formats=("layers",),
        versions="Keras >= 3.0; stacked recurrent cells also from Keras 2",
        find=_names,
        links=("https://github.com/tensorflow/tfjs/issues/8321",),
    ),
)
