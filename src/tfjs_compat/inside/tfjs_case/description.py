"""A Keras model as plain data: its configuration, and what the constructors of its layers' classes require."""

import inspect
import json


def write(model, path):
    """Write the description of a model as JSON; TypeError where it has no configuration."""
    config = model.get_config()
    classes = {}
    for layer in _layers(model, set()):
        kind = type(layer)
        classes[kind.__name__] = dict(_constructor(kind), module=kind.__module__)
    described = {
        "model": {"class_name": type(model).__name__, "config": config},
        "classes": classes,
        "inputs": _inputs(model),
        "package": next((k.__module__.split(".")[0] for k in type(model).__mro__ if _is_keras(k)), ""),
        "parameters": int(model.count_params()) if getattr(model, "built", True) else 0,
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(described, file, default=_plain)


def _is_keras(kind):
    return kind.__module__.split(".")[0] in ("keras", "tf_keras")


def _layers(layer, seen):
    """Every layer in a model: what it lists, and what wrappers, cells and branches hold."""
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield layer
    held = list(getattr(layer, "layers", None) or []) + list(getattr(layer, "cells", None) or [])
    held += [getattr(layer, name, None) for name in ("layer", "cell", "forward_layer", "backward_layer")]
    for each in held:
        if hasattr(each, "get_config"):
            for inner in _layers(each, seen):
                yield inner


def _constructor(kind):
    """What a class has to be given, and all that it takes (None: anything)."""
    try:
        parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    except (TypeError, ValueError):
        return {"required": [], "accepted": None}
    named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    required = [each.name for each in named if each.default is each.empty]
    return {"required": required, "accepted": [each.name for each in named]}


def _inputs(model):
    try:
        tensors = list(model.inputs or [])
    except (AttributeError, ValueError):
        return []
    found = []
    for tensor in tensors:
        shape = tensor.shape.as_list() if hasattr(tensor.shape, "as_list") else list(tensor.shape)
        found.append({"batch_shape": shape, "dtype": getattr(tensor.dtype, "name", None) or str(tensor.dtype)})
    return found


def _plain(value):
    for convert in ("as_list", "tolist", "numpy"):
        if hasattr(value, convert):
            return getattr(value, convert)()
    if hasattr(value, "name"):
        return value.name
    return str(value)
