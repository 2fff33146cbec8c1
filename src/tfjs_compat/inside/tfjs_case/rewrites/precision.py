"""The float32 twin of a Keras model that computes in another precision: the same weights, in what TensorFlow.js has."""

FLOAT32_TWIN = "float32-twin"
_OTHER = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64")


def precision_of(model):
    """The first precision but float32 that a layer of a model computes in; '' where there is none."""
    for layer in _layers(model):
        policy = getattr(layer, "dtype_policy", None) or getattr(layer, "_dtype_policy", None)
        name = str(getattr(policy, "name", ""))
        if name in _OTHER:
            return name
    return ""


def is_bfloat16(model):
    """Whether a model computes in bfloat16, which TensorFlow.js has no numbers of: its weights cannot be written."""
    return "bfloat16" in precision_of(model)


def _layers(model):
    for layer in getattr(model, "layers", None) or []:
        yield layer
        yield from _layers(layer)


def float32_twin(model):
    """A model with the same weights whose layers compute in float32. Raises what Keras raises without a config."""
    config = _in_float32(model.get_config())
    twin = type(model).from_config(config)
    # Of a model without a shape nothing is there to take the weights.
    twin.set_weights([weight.astype("float32") for weight in model.get_weights()])
    return twin


def _in_float32(value):
    if isinstance(value, dict):
        return {key: _in_float32(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_in_float32(each) for each in value)
    return "float32" if isinstance(value, str) and value in _OTHER else value
