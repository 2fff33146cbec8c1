"""What a model says of the values that its inputs take: its first layers, dtype and names.

A layer that only rearranges or augments is looked through, so that what decides is the first that computes.
"""

import numpy as np

from tfjs_case import values

_LOOKED_THROUGH = {
    *("Reshape", "Flatten", "Permute", "RepeatVector", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D"),
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "ActivityRegularization"),
    *("Resizing", "CenterCrop", "RandomFlip", "RandomRotation", "RandomZoom", "RandomContrast", "RandomTranslation"),
    *("RandomBrightness", "RandomCrop", "RandomHeight", "RandomWidth", "Masking", "Identity", "TFOpLambda", "Cast"),
}
_FLAGS = ("mask", "type_ids", "segment", "flag")
_PLACES = ("id", "token", "index", "indices", "position", "length", "count", "size", "label")
"""Words in the names of integer inputs that are never negative."""


def told_by(spec):
    """Values in the range that the model names for an input; those of its dtype alone where it names none."""
    for layer in spec.consumers:
        found = _of_layer(layer, spec.dtype)
        if found is not None:
            return _as_sequences(spec, found)
    return _as_sequences(spec, by_dtype(spec))


def by_dtype(spec):
    """Values that fit an input's dtype and name, whatever takes them."""
    if spec.dtype == "string":
        return values.texts()
    if spec.dtype == "bool":
        return values.truths()
    if spec.dtype == "uint8":
        return values.integers(0, 256)
    if spec.dtype.startswith(("int", "uint")):
        flag = any(word in spec.name.lower() for word in _FLAGS)
        if flag:
            return values.integers(0, 2, " (by its name)")
        # Division and remainder differ below zero alone.
        is_place = spec.dtype.startswith("uint") or any(word in spec.name.lower() for word in _PLACES)
        return values.integers(0, 10) if is_place else values.integers(-9, 10)
    return values.normal()


def _as_sequences(spec, whole):
    """The values with rows that are padded, where the input is a sequence: what a mask changes shows in those alone.

    Of an Embedding without a mask too: the model may make one of its own (``x != 0``).
    """
    for layer in (inner for consumer in spec.consumers for inner in _with_inner(consumer)):
        kind = type(layer).__name__
        if kind == "Embedding":
            return values.padded(whole, 0, 0, " (Embedding)")
        if kind == "Masking" and isinstance(getattr(layer, "mask_value", None), (int, float)):
            return values.padded(whole, layer.mask_value, 1, " (Masking)")
    return whole


def _with_inner(layer):
    """A layer, and those that it holds: an Embedding may be in a layer of the user's own."""
    yield layer
    if not hasattr(layer, "layers") and callable(getattr(layer, "_flatten_layers", None)):
        for inner in layer._flatten_layers(include_self=False):
            yield inner


def alternatives(spec):
    """Other values to try where those before proved nothing, or hid much of the model; the likeliest first."""
    return [_as_sequences(spec, other) for other in _other_scales(spec)]


def _other_scales(spec):
    if spec.dtype in ("string", "bool"):
        return []
    if spec.dtype.startswith(("int", "uint")):
        return [values.integers(0, 2), values.integers(0, 256 if spec.dtype == "uint8" else 100)]
    # None that is larger: what grows through a deep network is decided by rounding in the end.
    return [
        values.uniform(0.0, 255.0),
        values.uniform(0.0, 1.0),
        values.normal(0.0, 10.0),
        values.normal(0.0, 0.1),
        values.uniform(-1.0, 0.0),
        values.normal(0.0, 1000.0),
    ]


def cautious(spec):
    """Values that a model may take which raises on those that fit its dtype: it asserts their range."""
    return [_as_sequences(spec, other) for other in _narrow(spec)]


def _narrow(spec):
    if spec.dtype in ("string", "bool"):
        return []
    because = " (the model raises on others)"
    whole = [values.integers(0, 2, because), values.integers(1, 10, because)]
    if spec.dtype.startswith(("int", "uint")):
        return [values.integers(0, 10, because), *whole]
    return [values.uniform(0.0, 1.0, because), values.uniform(1.0, 2.0, because), *whole]


def _of_layer(layer, dtype):
    """The values that one layer says it takes, or None."""
    kind = type(layer).__name__
    because = " (%s)" % kind
    try:
        if dtype == "string":
            return _texts(layer, because)
        if kind in ("Embedding", "CategoryEncoding"):
            size = layer.input_dim if kind == "Embedding" else layer.num_tokens
            return values.integers(0, int(size), because)
        if kind == "IntegerLookup":
            words = [int(word) for word in layer.get_vocabulary()]
            return values.choices([*words, max(words) + 1] if _takes_others(layer) else words, because)
        if kind in ("Hashing", "HashedCrossing"):
            return values.integers(0, 1000, because)
        if kind == "Discretization":
            return _over(np.ravel(layer.bin_boundaries), because, dtype)
        if dtype.startswith(("int", "uint")):
            sizes = [int(inner.input_dim) for inner in _with_inner(layer) if type(inner).__name__ == "Embedding"]
            return values.integers(0, min(sizes), because) if sizes else None
        if kind == "Rescaling":
            return _before_rescaling(np.mean(np.abs(layer.scale)), np.mean(layer.offset), because)
        if kind == "Normalization":
            mean, variance = np.asarray(layer.mean), np.asarray(layer.variance)
            return values.normal(np.squeeze(mean), np.sqrt(np.squeeze(variance)), because)
    except Exception:
        # A layer of the user's own may be called so and have none of these.
        return None
    return None


def _before_rescaling(scale, offset, because):
    """What comes out as [0, 1], or [-1, 1] where the layer moves it below 0. 255 is told from 255.00001."""
    if not 0 < scale < 1:
        return values.uniform(0.0, 1.0, because)
    if offset >= 0:
        return values.uniform(0.0, round(1.0 / scale, 4), because)
    return values.uniform(round((-1.0 - offset) / scale, 4), round((1.0 - offset) / scale, 4), because)


def _over(bounds, because, dtype):
    """Values in every bin, beyond the ends and at the bounds themselves, each of which belongs to one bin of two."""
    low, high = float(np.min(bounds)), float(np.max(bounds))
    beyond = max((high - low) / 2, 1.0)
    whole = dtype.startswith(("int", "uint"))
    return values.mixed(values.uniform(low - beyond, high + beyond, because, whole=whole), bounds)


def _texts(layer, because):
    words = [str(word) for word in layer.get_vocabulary()]
    words = [word for word in words if word] + (["unheard-of"] if _takes_others(layer) else [])
    return values.texts(words, because, joined=4 if type(layer).__name__ == "TextVectorization" else 1)


def _takes_others(layer):
    """Whether a look-up has a place for what is not in its vocabulary; else it raises (keras StringLookup)."""
    return getattr(layer, "num_oov_indices", 1) != 0


def consumers(model, tensor, depth=0, is_input=True):
    """The layers that are the first to compute with an input, those of nested models included."""
    found = []
    for layer in model.layers:
        for node in getattr(layer, "_inbound_nodes", []):
            taken = getattr(node, "input_tensors", None)
            taken = taken if isinstance(taken, (list, tuple)) else [taken]
            keras_2 = getattr(node, "keras_inputs", [])
            if not any(other is tensor for other in [*taken, *keras_2]) or type(layer).__name__ == "InputLayer":
                continue
            inner = model_inputs(layer) if hasattr(layer, "layers") else []
            if len(inner) == 1:
                found.extend(consumers(layer, inner[0], depth + 1))
            if not found and depth < 8 and (inner or type(layer).__name__ in _LOOKED_THROUGH):
                found.extend(_after(model, node, depth))
            if not inner:
                found.append(layer)
    if not found and is_input and len(model_inputs(model)) == 1 and model.layers:
        # A Sequential model's first layer may hold another tensor object than the model's input.
        found = _in_order(model.layers)
    return [_unwrapped(layer) for layer in found]


def _after(model, node, depth):
    given = getattr(node, "output_tensors", None)
    if given is None:
        given = getattr(node, "outputs", [])
    given = given if isinstance(given, (list, tuple)) else [given]
    return [layer for tensor in given for layer in consumers(model, tensor, depth + 1, is_input=False)]


def _in_order(layers):
    """The first layers of a chain up to the first that computes."""
    found = []
    for layer in layers:
        kind = type(layer).__name__
        if kind == "InputLayer":
            continue
        inner = _in_order(layer.layers) if hasattr(layer, "layers") else []
        found.extend(inner or [layer])
        if type(found[-1]).__name__ not in _LOOKED_THROUGH:
            break
    return found


def _unwrapped(layer):
    while hasattr(layer, "layer") and not hasattr(layer, "layers"):
        layer = layer.layer
    return layer


def model_inputs(model):
    try:
        inputs = model.inputs
    except (AttributeError, ValueError):
        return []
    return list(inputs) if inputs else []
