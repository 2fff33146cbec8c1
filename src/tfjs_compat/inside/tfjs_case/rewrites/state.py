"""Variables that a call assigns: seeds of random numbers, counters, states of recurrent layers.

A graph that is frozen holds no variables, so that the converter loses what assigns them. A call whose assignments last
until its end, and no longer, computes the same: what is read after an assignment is what was assigned.
"""

import contextlib

from .drawing import drawn_without_seeds
from .rewrite import class_of

HELD_STATE = "held-state"
_OURS = ("keras", "tf_keras")


def assigning(model):
    """The names of the layers of a model whose calls may assign variables, by their classes and settings alone."""
    parts = getattr(model, "_flatten_layers", None)
    return list(dict.fromkeys(part.name for part in (parts() if parts else ()) if _may_assign(part)))


def hold(model):
    """Let each call of a model begin with the variables as they are now, and leave them so."""
    call = model.call

    def held(*args, **keywords):
        with assignments_held(), drawn_without_seeds():
            return call(*args, **keywords)

    # Keras looks at what a call takes; the class's own stays as it is.
    held.__signature__ = _signature(call)
    held.__name__, held.__doc__ = "call", call.__doc__
    model.call = held


@contextlib.contextmanager
def assignments_held():
    """Until it ends, variables of TensorFlow that are assigned keep what they had, and are read as assigned."""
    from tensorflow.python.ops import resource_variable_ops as variables

    assigned, read_plainly = {}, variables.BaseResourceVariable._read_variable_op

    def read(variable, *args, **keywords):
        found = assigned.get(id(variable))
        return read_plainly(variable, *args, **keywords) if found is None else found[1]

    def put(change):
        def assign(variable, value, *_, read_value=True, **__):
            import tensorflow as tf

            value = tf.convert_to_tensor(value, dtype=variable.dtype)
            value = change(read(variable), value)
            # The variable is kept beside, so that its id stays its own.
            assigned[id(variable)] = (variable, value)
            return value if read_value else None

        return assign

    held = {
        "_read_variable_op": read,
        "assign": put(lambda _, value: value),
        "assign_add": put(lambda before, value: before + value),
        "assign_sub": put(lambda before, value: before - value),
    }
    # The second has some of them as its own, too.
    kinds = (variables.BaseResourceVariable, variables.ResourceVariable)
    own = [(kind, name, vars(kind)[name]) for kind in kinds for name in held if name in vars(kind)]
    for kind, name, _ in own:
        setattr(kind, name, held[name])
    try:
        yield
    finally:
        for kind, name, function in own:
            setattr(kind, name, function)


def _may_assign(part):
    if class_of(part):
        drops = getattr(part, "dropout", 0) or getattr(part, "recurrent_dropout", 0)
        is_recurrent = hasattr(part, "cell") or hasattr(part, "state_size")
        return bool(getattr(part, "stateful", False) or (is_recurrent and drops) or _is_switched_on(part))
    return bool(_seeds(part) or _kept(part))


def _seeds(part):
    """The generators of random numbers of Keras 3 that a layer has itself."""
    return getattr(part, "_seed_generators", None) or [
        each for each in vars(part).values() if type(each).__name__ == "SeedGenerator"
    ]


def _kept(part):
    """The variables that a layer has itself and that no training changes."""
    if type(part).__module__.split(".")[0] in _OURS:
        return []
    own = [each for each in vars(part).values() if hasattr(each, "assign_add")]
    listed = getattr(part, "_non_trainable_variables", None) or getattr(part, "_non_trainable_weights", None) or []
    return [each for each in (*listed, *own) if not getattr(each, "trainable", True)]


def _is_switched_on(layer):
    """Whether a layer of random numbers was called with ``training=True``."""
    if not _seeds(layer):
        return False
    nodes = getattr(layer, "_inbound_nodes", None) or []
    return any(getattr(getattr(node, "arguments", None), "kwargs", {}).get("training") for node in nodes)


def _signature(call):
    import inspect

    return inspect.signature(call)
