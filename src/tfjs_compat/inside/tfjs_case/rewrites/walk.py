"""A model → its twin: the layers that TensorFlow.js cannot express replaced, all others the very same objects."""

from .catalogue import REWRITES
from .control_flow import CONVERTED_CALL, convert, converting
from .precision import FLOAT32_TWIN, float32_twin, is_bfloat16
from .rewrite import Kit, Refused, class_of, keras_of, shape_of
from .state import HELD_STATE, assigning, hold

_DEEPEST = 16


class Rewritten:
    """``model``: the twin. ``applied``: rewrite → names of the layers that it replaced. ``left``: reasons why others
    that would have to be were not."""

    def __init__(self, model, applied, left):
        self.model, self.applied, self.left = model, applied, left


def fitting(model, format):
    """The ids of the rewrites that fit layers of a model, by their classes and settings alone."""
    found = {_rewrite_of(layer, format) for layer in _layers(model)}
    return [rewrite.id for rewrite in REWRITES if rewrite in found] + _of_the_whole(model, format)


WHOLE = (FLOAT32_TWIN, CONVERTED_CALL, HELD_STATE)
"""The rewrites that are for a model as a whole, and not for layers of a class."""


def _of_the_whole(model, format):
    """The rewrites that are for a model as a whole."""
    on_graph = format == "graph"
    fits = (is_bfloat16, converting, assigning)
    return [id for id, fit in zip(WHOLE, fits) if on_graph and fit(model)]


def rewritten(model, format):
    """The twin of a model, with its weights. Raises Refused."""
    keras, whole = keras_of(model), _of_the_whole(model, format)
    given = _in_float32(model) if FLOAT32_TWIN in whole else model
    walk = _Walk(Kit(keras, format, {layer.name for layer in _layers(given)}))
    twin = _twin(walk, given)
    walk.kit.fill()
    if FLOAT32_TWIN in whole:
        walk.applied[FLOAT32_TWIN] = [model.name]
    if CONVERTED_CALL in whole:
        walk.applied[CONVERTED_CALL] = [layer.name for layer in convert(converting(twin))]
    if HELD_STATE in whole and assigning(twin):
        walk.applied[HELD_STATE] = assigning(twin)
        hold(twin)
    if not walk.applied:
        why = "; ".join(walk.left) or "no layer of it is one that a rewrite is for"
        raise Refused("nothing of the model was rewritten: %s" % why)
    return Rewritten(twin, walk.applied, walk.left)


def _in_float32(model):
    try:
        return float32_twin(model)
    except Exception as error:
        # Whatever Keras says of a class that does not tell how it was made.
        raise Refused("it cannot be made again in float32: %s" % error)


def _twin(walk, model):
    """The twin of a whole model; the model itself where it has to stay as it is."""
    try:
        return walk.twin(model)
    except Refused as reason:
        walk.left.append(str(reason))
        return model


def _layers(model, depth=0):
    for layer in getattr(model, "layers", None) or []:
        yield layer
        inner = getattr(layer, "layer", None)
        if inner is not None:
            yield inner
        if depth < _DEEPEST:
            yield from _layers(layer if inner is None else inner, depth + 1)


def _rewrite_of(layer, format):
    for rewrite in REWRITES:
        try:
            if rewrite.fits(layer, format):
                return rewrite
        except AttributeError:
            # Another Keras has other settings.
            continue
    return None


class _Walk:
    """Makes twins of a model and of those in it."""

    def __init__(self, kit):
        self.kit, self.applied, self.left = kit, {}, []
        # By the id of a layer what is called in its place, by the id of that the rewrite that made it.
        self._made, self._rewrites = {}, {}

    def twin(self, model):
        """The twin of one model; the model itself where nothing in it is replaced."""
        if not any(_rewrite_of(layer, self.kit.format) for layer in _layers(model)):
            return model
        inputs = getattr(model, "inputs", None)
        if not inputs:
            raise Refused("%s does not say what it takes: build it first" % model.name)
        is_chain = isinstance(model, self.kit.keras.Sequential)
        plain = self.kit.keras.Sequential if is_chain else self.kit.keras.Model
        own = type(model).call
        if own is not plain.call and own is not _functional_call(model):
            raise Refused("%s is a class with a call of its own" % type(model).__name__)
        given = inputs[0] if is_chain else _structure(model, "inputs")
        outputs = self._chain(model, inputs[0]) if is_chain else self._graph(model)
        made = self.kit.keras.Model(given, outputs, name=model.name)
        if not model.trainable:
            # Only so: True would be passed on to layers that are frozen.
            made.trainable = False
        return made

    def _chain(self, model, x):
        for layer in model.layers:
            if class_of(layer) != "InputLayer":
                x = self._call(layer, self._in_place_of(layer), (x,), {})
        return x

    def _graph(self, model):
        """The model's calls in order, from the first replaced layer on made again."""
        new = {}
        nodes = [node for depth in sorted(_by_depth(model), reverse=True) for node in _by_depth(model)[depth]]
        for node in nodes:
            if node.is_input:
                continue
            layer = getattr(node, "operation", None) or node.layer
            callee = self._in_place_of(layer)
            args, keywords = _arguments(node)
            before = [tensor for tensor in _tensors((args, keywords)) if id(tensor) in new]
            if callee is layer and not before:
                continue
            args, keywords = _mapped((args, keywords), new)
            outputs = self._call(layer, callee, args, keywords)
            for old, made in zip(_tensors(_outputs(node)), _tensors(outputs)):
                new[id(old)] = made
        return _mapped(_structure(model, "outputs"), new)

    def _call(self, layer, callee, args, keywords):
        """What a layer's replacement gives, or the layer itself where that is refused."""
        rewrite = self._rewrites.get(id(callee))
        given = keywords
        if rewrite is not None:
            # What a rewrite makes is for predicting.
            given = {name: value for name, value in keywords.items() if name != "training"}
        try:
            outputs = callee(*args, **given)
        except Refused as reason:
            self.left.append("%s: %s" % (layer.name, reason))
            return layer(*args, **keywords)
        if rewrite is not None and layer.name not in self.applied.setdefault(rewrite.id, []):
            self.applied[rewrite.id].append(layer.name)
        return outputs

    def _in_place_of(self, layer):
        """What is called where a layer was: itself, its replacement, a twin of a model."""
        if id(layer) not in self._made:
            # The layer is kept beside, so that its id stays its own.
            self._made[id(layer)] = (layer, self._replacement(layer))
        return self._made[id(layer)][1]

    def _replacement(self, layer):
        rewrite = _rewrite_of(layer, self.kit.format)
        if rewrite is not None:
            return self._applied(rewrite, layer)
        if getattr(layer, "layers", None) and hasattr(layer, "inputs"):
            return self._twin_of_inner(layer)
        inner = getattr(layer, "layer", None)
        if class_of(layer) == "TimeDistributed" and inner is not None:
            return self._distributed(layer, inner)
        return layer

    def _twin_of_inner(self, model):
        try:
            twin = self.twin(model)
        except Refused as reason:
            self.left.append(str(reason))
            return model
        return _identity if _is_idle(twin) else twin

    def _applied(self, rewrite, layer):
        try:
            made = rewrite.make(self.kit, layer)
        except Refused as reason:
            self.left.append("%s: %s" % (layer.name, reason))
            return layer
        self._rewrites[id(made)] = rewrite
        return made

    def _distributed(self, layer, inner):
        """A TimeDistributed layer: of the twin of the model that it calls, or of a model of what replaces its layer."""
        callee = self._in_place_of(inner)
        if callee is inner:
            return layer
        keras, made = self.kit.keras, []

        def call(x, **keywords):
            if not made:
                model = callee
                if not isinstance(model, keras.Model):
                    given = keras.Input(shape_of(x)[2:], dtype=x.dtype)
                    outputs = self._call(inner, callee, (given,), {})
                    model = keras.Model(given, outputs, name=inner.name + "_of_each_step")
                made.append(keras.layers.TimeDistributed(model, name=layer.name))
            return made[0](x, **keywords)

        return call


def _is_idle(model):
    """Whether a model gives back the one tensor that it is given: one of nothing but layers that were left out."""
    return len(_tensors(model.outputs)) == 1 and any(model.outputs[0] is each for each in model.inputs)


def _identity(x, **_):
    return x


# ----------------------------------------------------------------- what differs between Keras 2 and Keras 3 is here


def _functional_call(model):
    """The call of the class that functional models are of."""
    for kind in type(model).__mro__:
        if kind.__name__ == "Functional":
            return kind.call
    return None


def _structure(model, what):
    """The inputs or outputs of a functional model, as they were given."""
    for name in ("_%s_struct" % what, "_nested_%s" % what):
        if getattr(model, name, None) is not None:
            return getattr(model, name)
    return getattr(model, what)


def _by_depth(model):
    return model._nodes_by_depth


def _arguments(node):
    """What a node's layer was called with."""
    given = getattr(node, "arguments", None)
    if given is not None:
        return given.args, given.kwargs
    return node.call_args, node.call_kwargs


def _outputs(node):
    return node.output_tensors if hasattr(node, "operation") else node.outputs


def _mapped(value, new):
    """A structure of arguments with tensors replaced."""
    if isinstance(value, dict):
        return {key: _mapped(each, new) for key, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_mapped(each, new) for each in value))
    if isinstance(value, (list, tuple)):
        mapped = [_mapped(each, new) for each in value]
        return tuple(mapped) if isinstance(value, tuple) else mapped
    if isinstance(value, slice):
        return slice(_mapped(value.start, new), _mapped(value.stop, new), _mapped(value.step, new))
    return new.get(id(value), value)


def _tensors(value):
    """The Keras tensors in a structure, in order."""
    if isinstance(value, dict):
        return [tensor for key in sorted(value, key=str) for tensor in _tensors(value[key])]
    if isinstance(value, (list, tuple)):
        return [tensor for each in value for tensor in _tensors(each)]
    if isinstance(value, slice):
        return _tensors([value.start, value.stop, value.step])
    return [value] if type(value).__name__ in ("KerasTensor", "SparseKerasTensor", "RaggedKerasTensor") else []
