"""Stage build: the model, from a builder or a file, by the environment's own Keras."""

import importlib
import importlib.util
import os
import random
import sys

import numpy as np

from tfjs_case import calls, foreign_code, given, signatures
from tfjs_case.values import SEED


class NotAModel(TypeError):
    """A builder gave something that is no Keras model, no tf.Module and no tf.function."""


class Built:
    """A model, the module of its builder (None for files), and the inputs that the user gives for it (None: none).

    ``function`` is the concrete function by which a model is proven and exported that is not Keras's: a tf.Module, a
    plain function, a SavedModel as it is; ``signature`` is its name there, ``traced``: for the inputs that were given.
    ``called``: how the builder called a model of Keras 3 first (None: not that it was seen).
    """

    def __init__(self, model, module=None):
        self.model, self.module = model, module
        self.inputs = self.function = self.called = None
        self.signature, self.traced = "", False


def build(tf, job):
    random.seed(SEED)
    np.random.seed(SEED)
    tf.random.set_seed(SEED)
    built = _built(tf, job)
    built.inputs = given.user_inputs(job, built)
    if job["model"]["kind"] == "saved-model" and job["route"]["format"] == "graph":
        built.signature, built.function = signatures.saved_function(built.model, job["model"]["function"])
    elif keras_of(built.model) is None:
        built.signature, built.function, built.traced = signatures.module_function(tf, built.model, built.inputs)
        if not isinstance(built.model, tf.Module):
            # A plain function is exported in a module, with the variables that it has from outside.
            built.signature, built.model, plain = "function", tf.Module(), built.model
            built.model.function, built.model.kept = plain, list(built.function.graph.variables)
    return built


def _built(tf, job):
    model = job["model"]
    if model["kind"] == "builder":
        module = import_builder(model)
        seen = calls.Calls()
        with seen.recorded(tf.keras.Model):
            made = getattr(module, model["function"])()
        check_is_model(tf, made, model["function"])
        built = Built(made, module)
        built.called = seen.of(made) if signatures.is_keras_3(made) else None
        return built
    if model["kind"] == "saved-model" and job["route"]["format"] == "graph":
        # The graph alone: no layer is made again, and so no code of one is run.
        return Built(tf.saved_model.load(model["path"]))
    if job["trusted"]:
        return Built(_load_with_code(tf, model["path"]))
    foreign_code.refuse(model["path"], model["kind"])
    return Built(tf.keras.models.load_model(model["path"], compile=False))


def _load_with_code(tf, path):
    try:
        return tf.keras.models.load_model(path, compile=False, safe_mode=False)
    except (TypeError, ValueError) as error:
        if "safe_mode" not in str(error):
            raise
    # A Keras, or a format of one, that knows no safe mode.
    return tf.keras.models.load_model(path, compile=False)


def import_builder(model):
    sys.path[:0] = model["search"]
    stem = os.path.splitext(os.path.basename(model["path"]))[0]
    if model["module"] != stem or model["path"].endswith("__init__.py"):
        return importlib.import_module(model["module"])
    # By its path: a user's file may be called like a package of the environment.
    name = stem if stem not in sys.modules and importlib.util.find_spec(stem) is None else "tfjs_case_" + stem
    name = stem if _is_this(stem, model["path"]) else name
    spec = importlib.util.spec_from_file_location(name, model["path"])
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _is_this(stem, path):
    try:
        spec = importlib.util.find_spec(stem)
    except (ImportError, ValueError, AttributeError):
        return False
    return spec is not None and spec.origin is not None and os.path.realpath(spec.origin) == os.path.realpath(path)


def check_is_model(tf, made, function):
    kinds = [tf.keras.Model, tf.Module]
    for name in ("keras", "tf_keras"):
        # A builder may use the other Keras of the environment: that is a model too, though it may not convert.
        if name in sys.modules and hasattr(sys.modules[name], "Model"):
            kinds.append(sys.modules[name].Model)
    if not isinstance(made, tuple(kinds)) and not hasattr(made, "get_concrete_function"):
        got = "nothing (None)" if made is None else "a %s" % type(made).__name__
        raise NotAModel("%s() returned %s, not a Keras model" % (function, got))


def keras_of(model):
    """The version of the Keras that a model is of; None where it is of none (a SavedModel as it is)."""
    for kind in type(model).__mro__:
        package = sys.modules.get(kind.__module__.split(".")[0])
        if kind.__module__.split(".")[0] in ("keras", "tf_keras"):
            return getattr(package, "__version__", None)
    return None
