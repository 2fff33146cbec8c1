"""All static checks, in the order in which TensorFlow.js would trip over what they find."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tfjs_compat.artifact.layers import read_topology
from tfjs_compat.artifact.reading import FINDINGS as _ARTIFACT
from tfjs_compat.artifact.reading import Artifact, read
from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.graph import check_graph
from tfjs_compat.checks.keras3 import check_keras3
from tfjs_compat.checks.names import check_names
from tfjs_compat.checks.settings import check_definitions, check_settings
from tfjs_compat.checks.weights import check_finite, check_weights
from tfjs_compat.checks.wiring import check_wiring
from tfjs_compat.outcomes.failures import Finding

CHECKS: dict[str, str] = {
    **_ARTIFACT,
    "keras3-batch-shape": "an InputLayer has batch_shape (Keras 3) and no batch_input_shape",
    "keras3-inbound-nodes": "inbound_nodes hold objects with args (Keras 3) and no lists",
    "keras3-flat-io-layers": "input_layers or output_layers is one tensor (Keras 3.11 on), not a list of tensors",
    "keras3-weight-prefix": "a weight's name has the model's name in front (Keras 3.3 and later)",
    "keras3-dtype-policy": "a dtype is an object (Keras 3) where TensorFlow.js wants a string",
    "mixed-precision": "the model computes in mixed precision in Keras and in float32 in TensorFlow.js",
    "unknown-layer": "a layer, activation, initializer, regularizer or constraint is not registered in TensorFlow.js",
    "object-malformed": "an activation, initializer, regularizer or constraint has no class name and config",
    "separable-kernel-fields": "SeparableConv2D has kernel fields, which TensorFlow.js refuses",
    "gru-reset-after": "a GRU has reset_after, which TensorFlow.js refuses",
    "unsupported-setting": "a setting of a layer that TensorFlow.js refuses",
    "ignored-setting": "a setting of a layer that TensorFlow.js passes over or treats otherwise",
    "mask-ignored": "a layer computes without the mask that another layer makes",
    "activation-redefined": "an activation that Keras 3 defines otherwise than TensorFlow.js",
    "input-without-shape": "an InputLayer has no shape at all",
    "sequential-without-shape": "a Sequential model starts with a layer that has no input shape",
    "root-not-a-model": "the topology is a single layer",
    "wiring-malformed": "inbound_nodes, input_layers or output_layers hold what cannot be read",
    "wiring-endless": "a layer waits for a node that never comes: loading never ends",
    "io-layers-by-name": "inputs or outputs are a dictionary, which TensorFlow.js cannot iterate",
    "layer-name-duplicate": "two layers of one model have one name",
    "layer-name-invalid": "a layer's name cannot be that of a tensor: a letter or digit, then those and -._/",
    "weights-missing": "a variable or constant has no weight in the artifact",
    "weights-unwanted": "a weight has no variable or constant",
    "weights-ambiguous": "two layers want one weight",
    "weights-shape": "a weight has another shape than its layer makes",
    "weights-dtype": "a weight has another dtype than its layer holds",
    "weights-not-finite": "a weight holds NaN or infinity",
    "graph-without-versions": "the graph has no versions, which the loader reads",
    "graph-without-signature": "the graph has no signature, or one without outputs",
    "graph-dangling-input": "a node takes its input from a node that is not there",
    "signature-node-missing": "the signature names a node that is not in the graph",
    "unsupported-ops": "an op is not known to TensorFlow.js",
    "unsupported-fusion": "an op is fused with a function that TensorFlow.js does not fuse",
    "graph-batch-norm-training": "a batch normalisation in training mode: TensorFlow.js uses other mean and variance",
    "graph-loop-stuck": "a loop waits, through control inputs, for its own end: executeAsync computes no outputs",
}
"""Every id that `examine` can report, with its meaning."""


def check(artifact: Artifact, vocabulary: Vocabulary) -> list[Finding]:
    """Everything that is wrong or suspicious in an artifact that could be read, in the order of the checks."""
    return list(_findings(artifact, vocabulary))


def examine(folder: Path, vocabulary: Vocabulary) -> list[Finding]:
    """Reads a model's folder and checks it: what `read` found wrong, then what `check` does."""
    reading = read(folder)
    findings = list(reading.findings)
    if reading.artifact is not None:
        findings += check(reading.artifact, vocabulary)
    return findings


def _findings(artifact: Artifact, vocabulary: Vocabulary) -> Iterator[Finding]:
    if "node" in artifact.topology and artifact.topology.get("model_config") is None:
        yield from check_graph(artifact, vocabulary)
    else:
        topology = read_topology(artifact)
        yield from topology.findings
        if topology.root is not None:
            yield from check_keras3(topology.root, vocabulary)
            yield from check_names(topology.root, vocabulary)
            yield from check_settings(topology.root, vocabulary)
            yield from check_definitions(artifact.topology, topology.root)
            yield from check_wiring(topology.root, vocabulary)
            if not topology.findings:
                yield from check_weights(artifact, topology.root, vocabulary)
    yield from check_finite(artifact)
