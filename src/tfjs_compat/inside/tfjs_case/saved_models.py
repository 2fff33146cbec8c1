"""Write a Keras model as the SavedModel that ``tf.saved_model.save`` writes, as far as a converter reads it.

Of a Keras 2 model that function traces every layer several times, so that Keras can make the model again from the
SavedModel. A graph model is made from the signature alone (tensorflowjs/converters/tf_saved_model_conversion_v2.py),
which is traced first; with two LSTMs the rest is nine tenths of the time. The rest can still fail, on code that takes
being traced on its own badly. So it is left out where every layer is one of Keras's own.
Python >= 3.8; imports nothing of tfjs_compat.
"""

import importlib

_KERAS = ("keras", "tf_keras")
_NOBODYS = (*_KERAS, "tensorflow", "numpy", "builtins", "weakref", "threading", "_thread", "collections")
"""Packages whose functions and objects, as attributes of a layer, are not a user's code."""


def save(tf, model, folder):
    """Write a Keras 2 model: with the functions of its layers, as ``tf.saved_model.save``, or without them."""
    trace = _tracer(model) if is_of_keras_alone(model) else None
    if trace is None:
        tf.saved_model.save(model, folder)
    else:
        model.save(folder, save_format="tf", save_traces=False, signatures=trace(model))


def _tracer(model):
    """The function by which Keras itself makes the signature of a model; None where it is not known to be the same."""
    try:
        # Since TensorFlow 2.13 (keras/src/saving/legacy/saving_utils.py); older ones are as slow as they are.
        return importlib.import_module(_root(type(model)) + ".src.saving.legacy.saving_utils").trace_model_call
    except (ImportError, AttributeError):
        return None


def is_of_keras_alone(model):
    """Whether nothing of a model is a user's code (no class of a layer, no function in a layer, no Lambda), nor any
    layer stateful: the states of a recurrent layer are found by its functions alone.
    """
    return all(_is_kerass(part) for part in (model, *model.submodules))


def _is_kerass(part):
    kind = type(part)
    if _root(kind) not in _NOBODYS or kind.__name__ == "Lambda" or getattr(part, "stateful", False):
        return False
    return not any(callable(value) and _root(value) not in _NOBODYS for value in vars(part).values())


def _root(thing):
    """The package that defines a class or a function; of another object, that of its class."""
    module = getattr(thing, "__module__", None)
    return (module if isinstance(module, str) else type(thing).__module__).partition(".")[0]
