"""What a model takes, and how it is called: Keras models, SavedModels, functions of a tf.Module."""

import difflib
import inspect

import numpy as np

from tfjs_case import logits, ranges


class NoSignature(Exception):
    """The model does not say what it takes."""


class SeveralSignatures(NoSignature):
    """The model can be called in several ways, and none was chosen."""


class UnknownSignature(NoSignature):
    """The signature that was chosen is none of the model's."""


class Spec:
    """One input: its name, its shape (None: open), its dtype, and the layers that take it (for value ranges)."""

    def __init__(self, name, shape, dtype, consumers=()):
        self.name, self.shape, self.dtype = name, list(shape), dtype
        self.consumers = consumers


class Signature:
    """What a model takes (``specs``) and gives.

    ``call`` takes arrays in the order of the specs and gives ``[(name, tensor), …]`` in the model's order. ``open``:
    the specs say which dimensions may have any size; where they were read off given arrays they do not. ``function``:
    the concrete function of what is no Keras model.
    """

    def __init__(self, specs, call, variables=(), open_dimensions=True, function=None):
        self.specs, self.call, self.variables = specs, call, variables
        self.open_dimensions, self.function = open_dimensions, function

    def predict(self, named):
        """The outputs for ``[(name, array), …]`` as ``[(name, array), …]``."""
        return [(name, as_array(value)) for name, value in self.call(self.ordered(named))]

    def predict_with_logits(self, named):
        """As ``predict``; and the Logits of those outputs that have some, by name."""
        called = [(name, value, as_array(value)) for name, value in self.call(self.ordered(named))]
        found = {name: logits.of(value, array) for name, value, array in called}
        return [(name, array) for name, _, array in called], {
            name: each for name, each in found.items() if each is not None
        }

    def trace_logits(self, tf):
        """From now on call by a graph that shows logits, where Keras keeps none; whether there are such."""
        try:
            call = logits.traced(tf, self.call, self.specs)
        except Exception:
            # What runs at once need not run in a graph.
            return False
        self.call = call or self.call
        return call is not None

    def ordered(self, named):
        arrays = dict(named)
        return [arrays[spec.name] for spec in self.specs]


def signature(tf, job, built, given=None):
    """The signature of a model that was built. ``given``: the user's inputs by name or number, which decide where the
    model leaves anything open."""
    model = built.model
    if built.function is not None:
        return _of_function(tf, built.function)
    inputs = ranges.model_inputs(model)
    if inputs:
        consumers = [ranges.consumers(model, tensor) for tensor in inputs]
        names = _names(model, inputs)
        specs = [Spec(n, _shape(t), _dtype(t), c) for n, t, c in zip(names, inputs, consumers)]
        layers = job.get("route", {}).get("format") == "layers"
        idle = bool(job.get("rewrite")) or (layers and not _is_switched_on(model))
        call = lambda arrays: _call(tf, model, _packed(tf, model, inputs, arrays), idle)  # noqa: E731
        return Signature(specs, call, _weights(model))
    called = getattr(built, "called", None)
    if called is not None and (not given or len(given) == len(called.leaves)):
        specs = _as_called(called, given)
        call_again = lambda arrays: _call_as_called(tf, model, called, specs, arrays)  # noqa: E731
        return Signature(specs, call_again, _weights(model), open_dimensions=not given)
    specs = _given_specs(given) if given else _built_specs(model)
    if not specs:
        raise NoSignature(
            "the model does not say what it takes: build it in the builder (call it once, or model.build), "
            "or give inputs by a function %s_inputs beside the builder or by --inputs"
            % job["model"].get("function", "")
        )

    def call_built(arrays):
        if len(arrays) == 1:
            return _call(tf, model, arrays[0])
        try:
            return _call(tf, model, list(arrays))
        except Exception:
            return _call(tf, model, {spec.name: array for spec, array in zip(specs, arrays)})

    return Signature(specs, call_built, _weights(model), open_dimensions=not given)


def _weights(model):
    # Keras 2 lists the table of an adapted lookup among them, which is no tensor.
    return [weight for weight in getattr(model, "weights", None) or [] if hasattr(weight, "shape")]


def _given_specs(given):
    """As the user gave them; the first dimension is taken for the batch's."""
    return [
        Spec(
            name if isinstance(name, str) else "input_%d" % name,
            [None] + list(np.shape(array))[1:] if np.ndim(array) else [],
            _dtype_of(array),
        )
        for name, array in given.items()
    ]


def _as_called(called, given):
    """As the builder called the model; where the user gave inputs, of their shapes and dtypes."""
    own = [Spec(name, shape, dtype) for name, shape, dtype in called.leaves]
    if not given:
        return own
    theirs = _given_specs(given)
    by_name = {spec.name: spec for spec in theirs}
    theirs = [by_name.get(spec.name, theirs[place]) for place, spec in enumerate(own)]
    return [Spec(spec.name, their.shape, their.dtype) for spec, their in zip(own, theirs)]


def _call_as_called(tf, model, called, specs, arrays):
    tensors = [tf.convert_to_tensor(array, dtype=spec.dtype) for array, spec in zip(arrays, specs)]
    args, keywords = called.packed(tensors)
    outputs = model(*args, **keywords)
    forget_states(model)
    return _named_outputs(tf, outputs, getattr(model, "output_names", None) or [])


def _dtype_of(array):
    kind = np.asarray(array).dtype
    if kind.kind in "OSU":
        return "string"
    # Numbers that nobody gave a dtype.
    return "float32" if kind.name == "float64" else kind.name


# ------------------------------------------------------------------------------- functions of SavedModels and modules


def saved_function(loaded, wanted):
    """The signature of a SavedModel that is converted: the one wanted, serving_default, or the only one."""
    signatures = getattr(loaded, "signatures", {})
    names = sorted(signatures)
    if wanted:
        if wanted not in signatures:
            near = difflib.get_close_matches(wanted, names, 1)
            meant = "; did you mean '%s'?" % near[0] if near else ""
            has = ", ".join(names) or "none"
            raise UnknownSignature("the SavedModel has no signature '%s'%s (it has: %s)" % (wanted, meant, has))
        return wanted, signatures[wanted]
    if "serving_default" in signatures:
        return "serving_default", signatures["serving_default"]
    if len(names) == 1:
        return names[0], signatures[names[0]]
    if names:
        raise SeveralSignatures(
            "the SavedModel has no signature 'serving_default'; it has: %s; choose one of them, "
            "as FOLDER:NAME" % ", ".join(names)
        )
    functions = ", ".join(_functions(loaded)) or "none"
    raise NoSignature(
        "the SavedModel has no signature 'serving_default'; it has: none; its functions: %s: save it again with "
        "tf.saved_model.save(model, path, signatures=FUNCTION)" % functions
    )


def _functions(module):
    """The names of the tf.functions that a module, or what was loaded of a SavedModel, has."""
    names = [*vars(module), *(name for kind in type(module).__mro__ for name in vars(kind))]
    found = {}
    for name in names:
        if name.startswith("_") and name != "__call__":
            continue
        try:
            if hasattr(getattr(module, name), "get_concrete_function"):
                found[name] = getattr(module, name)
        except Exception:
            continue
    return found


def module_function(tf, made, given):
    """``(name, concrete function, traced)`` of a tf.Module or a plain tf.function: what it is proven and exported by.

    A function with an input signature, else (``traced``) one for the inputs that the user gave.
    """
    kind = type(made).__name__
    functions = _functions(made) if isinstance(made, tf.Module) else {"the function": made}
    if not functions:
        raise NoSignature("the %s has no tf.function: nothing of it can be converted" % kind)
    signed = {name: function for name, function in functions.items() if _input_signature(function) is not None}
    name = _main(signed)
    if name is not None:
        return name, signed[name].get_concrete_function(), False
    name = _main(functions)
    if name is not None and given:
        specs = [
            tf.TensorSpec([None, *np.shape(array)[1:]] if np.ndim(array) else [], _dtype_of(array), str(key))
            for key, array in given.items()
        ]
        return name, functions[name].get_concrete_function(*specs), True
    if name is None:
        listed = ", ".join(signed or functions)
        raise SeveralSignatures(
            "the %s has several functions: %s; return one of them from the builder" % (kind, listed)
        )
    raise NoSignature(
        "%s of the %s has no input signature: give one, tf.function(input_signature=[…]), or give inputs by a function "
        "beside the builder or by --inputs" % (name, kind)
    )


def _input_signature(function):
    found = getattr(function, "input_signature", None)
    return found if found is not None else getattr(getattr(function, "function_spec", None), "input_signature", None)


def _main(functions):
    if len(functions) == 1:
        return next(iter(functions))
    return next(
        (name for name in ("__call__", "serve", "serving_default", "call", "predict") if name in functions), None
    )


def _of_function(tf, function):
    positional, named = function.structured_input_signature
    flat = [spec for spec in tf.nest.flatten((positional, named)) if isinstance(spec, tf.TensorSpec)]
    names = [spec.name or "input_%d" % number for number, spec in enumerate(flat)]
    specs = [
        Spec(name, spec.shape.as_list() if spec.shape.rank is not None else [None], spec.dtype.name)
        for name, spec in zip(names, flat)
    ]

    def call(arrays):
        tensors = [tf.constant(array, dtype=spec.dtype) for array, spec in zip(arrays, flat)]
        filled = iter(tensors)
        place = lambda spec: next(filled) if isinstance(spec, tf.TensorSpec) else spec  # noqa: E731
        args, keywords = tf.nest.map_structure(place, (positional, named))
        return _named_outputs(tf, function(*args, **keywords), [])

    return Signature(specs, call, list(function.graph.variables), function=function)


# -------------------------------------------------------------------------------------------------------- Keras models


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


def is_keras_3(model):
    return any(
        kind.__module__.split(".")[0] == "keras" and "src.models" in kind.__module__ for kind in type(model).__mro__
    )


def _is_switched_on(model):
    """Whether a layer of a Keras 3 model was called with ``training=True``, which its description keeps.

    Layers that augment have that as their default: Keras writes it for them though nobody said it.
    """
    for layer in getattr(model, "layers", None) or []:
        nodes = getattr(layer, "_inbound_nodes", None) or []
        said = any(getattr(getattr(node, "arguments", None), "kwargs", {}).get("training") for node in nodes)
        if (said and not _trains_by_default(layer)) or _is_switched_on(layer):
            return True
    return False


def _trains_by_default(layer):
    training = inspect.signature(layer.call).parameters.get("training")
    return training is not None and training.default is True


def _call(tf, model, packed, idle=False):
    """As the model is exported. ``training=False`` would switch off, in Keras 3, what a model has switched on for good:
    ``Dropout(…)(x, training=True)`` (keras/src/models/functional.py, operation_fn).

    ``idle``: as ``predict`` calls it, where the layers that augment are left out of what is exported, and where
    TensorFlow.js's own ``predict`` leaves them idle: on the layers route.
    """
    tensors = tf.nest.map_structure(tf.convert_to_tensor, packed)
    try:
        outputs = model(tensors) if is_keras_3(model) and not idle else model(tensors, training=False)
    except TypeError:
        outputs = model(tensors)
    forget_states(model)
    return _named_outputs(tf, outputs, getattr(model, "output_names", None) or [])


def _named_outputs(tf, outputs, names):
    if isinstance(outputs, dict):
        return [(str(name), value) for name, value in outputs.items()]
    flat = tf.nest.flatten(outputs)
    if len(names) != len(flat):
        names = ["output_%d" % number for number in range(len(flat))]
    return [(str(name), value) for name, value in zip(names, flat)]


def as_array(value):
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def forget_states(model):
    """A stateful model must start from where TensorFlow.js starts."""
    for layer in getattr(model, "layers", None) or []:
        if getattr(layer, "stateful", False):
            for method in ("reset_states", "reset_state"):
                if hasattr(layer, method):
                    getattr(layer, method)()
                    break
        forget_states(layer)
