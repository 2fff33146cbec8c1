"""What a check is, and what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from tfjs_compat.artifact.jsonpath import show
from tfjs_compat.artifact.layers import Layer, label, walk
from tfjs_compat.artifact.reading import Artifact
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.matrix.routes import Format
from tfjs_compat.outcomes.failures import Finding


class CheckInput(msgspec.Struct, frozen=True):
    """What every check is given: an artifact that could be read, and what one TensorFlow.js release registers.

    ``root`` is the tree of a layers model; None for a graph model, and where nothing of the tree could be read.
    ``all_layers_read`` is False where a layer is missing from the tree because its entry is malformed.
    """

    artifact: Artifact
    vocabulary: Vocabulary
    root: Layer | None = None
    all_layers_read: bool = True

    def layers(self) -> Iterator[Layer]:
        """Every layer, cell and nested model of the tree, in the order of model.json; nothing for a graph model."""
        return iter(()) if self.root is None else walk(self.root)


class Check(msgspec.Struct, frozen=True):
    """One way to look at an artifact.

    ``run`` gives the findings, in the order in which TensorFlow.js would trip over them, and changes nothing.
    ``findings`` maps the id of each finding that the check declares to its meaning; ``shared`` are ids that it reports
    too, and that another check declares. ``formats`` are the kinds of model that the check looks at.
    """

    findings: Mapping[str, str]
    formats: tuple[Format, ...]
    run: Callable[[CheckInput], Iterable[Finding]]
    shared: tuple[str, ...] = ()


def setting_finding(
    id: str, layer: Layer, key: str, reason: str, severity: Literal["error", "warning"] = "error"
) -> Finding:
    """A finding on a config value of a layer, given its camelCase key: the layer, the key, the value, the reason."""
    value = show(layer.config.get(key))
    return Finding(id, layer.path_of(key), f"{label(layer)} with {layer.raw.get(key, key)} {value}: {reason}", severity)
