"""Inputs that fit a model's signature, and what the Python model predicts for them.

The inputs are deterministic, uneven and a batch of three, so that a transposed, dropped or repeated row shows.
"""

import numpy as np

from tfjs_case.build import SEED

BATCH = 3
# Tried in this order for dimensions that the model leaves open, until the model takes one.
OPEN_SIZES = (16, 32, 8, 64, 5, 224)
_WORDS = ["the", "cat", "sat", "on", "a", "mat", "zebra", "hello world", "", "unheard-of"]


class NoSignature(Exception):
    """The model does not say what it takes."""


class Spec:
    """One input: its name, its shape (None: open), its dtype, and the layers that take it (for value ranges)."""

    def __init__(self, name, shape, dtype, consumers=()):
        self.name, self.shape, self.dtype = name, list(shape), dtype
        self.consumers = consumers


def sample(tf, job, built):
    """``(inputs, predictions, facts)``: the first two as [(name, array), …] in the model's order."""
    specs, call = signature(tf, job, built.model)
    given = user_inputs(job, built, specs)
    if given is not None:
        return given, predict(built.model, call, specs, given), {"from": "user"}
    last = None
    ranges = [True, False] if any(spec.consumers for spec in specs) else [True]
    open_sizes = OPEN_SIZES if any(None in spec.shape[1:] for spec in specs) else OPEN_SIZES[:1]
    for size in open_sizes:
        for informed in ranges:
            inputs = [(spec.name, generate(spec, size, number, informed)) for number, spec in enumerate(specs)]
            try:
                return inputs, predict(built.model, call, specs, inputs), {"from": "generated", "open_size": size}
            except Exception as error:
                last = last or error
    raise last


def generate(spec, open_size, number, informed=True):
    """Values for one input. ``informed``: within the range that the layers behind it can take."""
    random = np.random.RandomState(SEED + number)
    shape = [
        BATCH if axis == 0 and size is None else open_size if size is None else size
        for axis, size in enumerate(spec.shape)
    ]
    if spec.dtype == "string":
        words = _vocabulary(spec) or _WORDS
        return np.array(
            [words[(i * 7 + number) % len(words)] for i in range(int(np.prod(shape)))], dtype=object
        ).reshape(shape)
    if spec.dtype == "bool":
        return random.rand(*shape) < 0.5
    top = _vocabulary_size(spec) if informed else 2
    if top is not None or spec.dtype.startswith(("int", "uint")):
        return random.randint(0, top or 10, size=shape).astype(spec.dtype)
    values = random.normal(0.0, 1.0, size=shape)
    if shape:
        # Rows of different scale: two that come out alike then mean something.
        values *= np.linspace(0.5, 1.5, shape[0]).reshape([-1] + [1] * (len(shape) - 1))
    return values.astype(spec.dtype)


def _vocabulary_size(spec):
    sizes = [
        size
        for layer in spec.consumers
        for size in [_int(layer, "input_dim", "Embedding"), _int(layer, "num_tokens", "CategoryEncoding")]
        if size
    ]
    return min(sizes) if sizes else None


def _int(layer, attribute, kind):
    value = getattr(layer, attribute, None)
    return value if type(layer).__name__ == kind and isinstance(value, int) and value > 0 else None


def _vocabulary(spec):
    for layer in spec.consumers:
        try:
            words = [str(word) for word in layer.get_vocabulary()]
        except Exception:
            continue
        return [word for word in words if word] + ["unheard-of"]
    return None


def signature(tf, job, model):
    """``(specs, call)``: what the model takes, and a function from a list of arrays to its outputs by name."""
    if not hasattr(model, "layers"):
        return _saved_model_signature(tf, model)
    inputs = _model_inputs(model)
    if inputs:
        consumers = [_consumers(model, tensor) for tensor in inputs]
        names = _names(model, inputs)
        specs = [Spec(n, _shape(t), _dtype(t), c) for n, t, c in zip(names, inputs, consumers)]
        return specs, lambda arrays: _call(tf, model, _packed(tf, model, inputs, arrays))
    specs = _built_specs(model)
    if not specs:
        raise NoSignature(
            "the model does not say what it takes: build it in the builder (call it once, or model.build), "
            "or give inputs by a function %s_inputs beside the builder or by --inputs"
            % job["model"].get("function", "")
        )
    return specs, lambda arrays: _call(tf, model, arrays[0] if len(arrays) == 1 else list(arrays))


def _saved_model_signature(tf, loaded):
    signatures = getattr(loaded, "signatures", {})
    if "serving_default" not in signatures:
        raise NoSignature(
            "the SavedModel has no signature 'serving_default'; it has: %s" % (", ".join(signatures) or "none")
        )
    function = signatures["serving_default"]
    wanted = function.structured_input_signature[1]
    specs = [Spec(name, spec.shape.as_list(), spec.dtype.name) for name, spec in wanted.items()]

    def call(arrays):
        given = {spec.name: tf.constant(array, dtype=wanted[spec.name].dtype) for spec, array in zip(specs, arrays)}
        return [(name, value.numpy()) for name, value in function(**given).items()]

    return specs, call


def _model_inputs(model):
    try:
        inputs = model.inputs
    except (AttributeError, ValueError):
        return []
    return list(inputs) if inputs else []


def _names(model, inputs):
    names = getattr(model, "input_names", None)
    if names and len(names) == len(inputs):
        return [str(name) for name in names]
    return [str(tensor.name).split(":")[0] for tensor in inputs]


def _shape(tensor):
    return tensor.shape.as_list() if hasattr(tensor.shape, "as_list") else list(tensor.shape)


def _dtype(tensor):
    return getattr(tensor.dtype, "name", None) or str(tensor.dtype)


def _built_specs(model):
    spec = getattr(model, "save_spec", None)
    try:
        positional = spec()[0] if callable(spec) and spec() else []
    except Exception:
        positional = []
    flat = []
    for argument in positional:
        is_list = isinstance(argument, (list, tuple))
        flat.extend(argument.values() if isinstance(argument, dict) else argument if is_list else [argument])
    if flat:
        return [
            Spec(tensor.name or "input_%d" % i, [None] + tensor.shape.as_list()[1:], tensor.dtype.name)
            for i, tensor in enumerate(flat)
        ]
    shapes = getattr(model, "_build_shapes_dict", None) or {}
    return [
        Spec("input_%d" % number, [None] + list(shape)[1:], "float32")
        for number, shape in enumerate(shapes.values())
        if isinstance(shape, (tuple, list)) and all(size is None or isinstance(size, int) for size in shape)
    ]


def _consumers(model, tensor):
    """The layers that take an input directly, those of nested models included."""
    found = []
    for layer in model.layers:
        for node in getattr(layer, "_inbound_nodes", []):
            taken = getattr(node, "input_tensors", None)
            taken = taken if isinstance(taken, (list, tuple)) else [taken]
            keras_2 = getattr(node, "keras_inputs", [])
            if not any(other is tensor for other in [*taken, *keras_2]) or type(layer).__name__ == "InputLayer":
                continue
            inner = _model_inputs(layer) if hasattr(layer, "layers") else []
            found.extend(_consumers(layer, inner[0]) if len(inner) == 1 else [layer])
    if not found and len(_model_inputs(model)) == 1 and model.layers:
        # A Sequential model's first layer may hold another tensor object than the model's input.
        first = next((layer for layer in model.layers if type(layer).__name__ != "InputLayer"), None)
        inner = _model_inputs(first) if hasattr(first, "layers") else []
        found = _consumers(first, inner[0]) if inner else [first] if first is not None else []
    return [_unwrapped(layer) for layer in found]


def _unwrapped(layer):
    while hasattr(layer, "layer") and not hasattr(layer, "layers"):
        layer = layer.layer
    return layer


def _packed(tf, model, inputs, arrays):
    """The arrays in the structure that the model is called with."""
    by_identity = {id(tensor): array for tensor, array in zip(inputs, arrays)}
    inner = getattr(model, "_functional", None) or model
    for attribute in ("_inputs_struct", "_nested_inputs"):
        structure = getattr(inner, attribute, None)
        if structure is not None:
            try:
                return tf.nest.map_structure(lambda tensor: by_identity[id(tensor)], structure)
            except KeyError:
                continue
    return arrays[0] if len(arrays) == 1 else list(arrays)


def predict(model, call, specs, inputs):
    arrays = dict(inputs)
    ordered = [arrays[spec.name] for spec in specs]
    predictions = call(ordered)
    _forget_states(model)
    return predictions


def _call(tf, model, packed):
    tensors = tf.nest.map_structure(tf.constant, packed)
    try:
        outputs = model(tensors, training=False)
    except TypeError:
        outputs = model(tensors)
    if isinstance(outputs, dict):
        return [(str(name), _numpy(value)) for name, value in outputs.items()]
    flat = tf.nest.flatten(outputs)
    names = getattr(model, "output_names", None) or []
    if len(names) != len(flat):
        names = ["output_%d" % number for number in range(len(flat))]
    return [(str(name), _numpy(value)) for name, value in zip(names, flat)]


def _numpy(value):
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def _forget_states(model):
    """A stateful model must start from where TensorFlow.js starts."""
    for layer in getattr(model, "layers", None) or []:
        if getattr(layer, "stateful", False):
            for method in ("reset_states", "reset_state"):
                if hasattr(layer, method):
                    getattr(layer, method)()
                    break
        _forget_states(layer)


def user_inputs(job, built, specs):
    """What the user gave: a file of arrays, or what the builder's companion function returns; None where neither."""
    given = None
    if job["inputs_file"]:
        with np.load(job["inputs_file"], allow_pickle=False) as archive:
            given = {name: archive[name] for name in archive.files}
    elif built.module is not None:
        companion = getattr(built.module, job["model"]["function"] + "_inputs", None)
        given = companion() if callable(companion) else None
    if given is None:
        return None
    if not isinstance(given, dict):
        arrays = list(given) if isinstance(given, (list, tuple)) else [given]
        given = (
            {spec.name: array for spec, array in zip(specs, arrays)}
            if len(arrays) == len(specs)
            else dict(enumerate(arrays))
        )
    if set(given) != {spec.name for spec in specs}:
        if len(given) != len(specs) or not all(str(name).startswith("arr_") for name in given):
            wanted = ", ".join(spec.name for spec in specs)
            raise ValueError("inputs given for %s; the model takes: %s" % (", ".join(map(str, given)), wanted))
        given = {spec.name: given["arr_%d" % number] for number, spec in enumerate(specs)}
    return [
        (spec.name, np.asarray(given[spec.name], dtype=None if spec.dtype == "string" else spec.dtype))
        for spec in specs
    ]
