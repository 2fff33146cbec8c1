"""What a rewrite is, and what it makes layers with."""

import importlib


class Refused(Exception):
    """Why a layer, or a model, is not rewritten."""


class Rewrite:
    """One kind of layer that TensorFlow.js cannot express, and what computes the same.

    ``fits(layer, format)`` says by a layer's class and settings whether this is one; ``make(kit, layer)`` gives a
    function that is called as the layer was, on Keras tensors, and gives what the layer gave. Both are called once for
    each layer, the function once for each call of it. Raise Refused for what cannot be expressed.
    """

    def __init__(self, id, title, classes, formats, fits, make):
        self.id, self.title, self.classes, self.formats = id, title, frozenset(classes), formats
        self._fits, self.make = fits, make

    def fits(self, layer, format):
        return format in self.formats and class_of(layer) in self.classes and self._fits(layer, format)


def always(_, format):
    """For a rewrite that fits every layer of its classes."""
    return bool(format)


def class_of(layer):
    """The name of a class of Keras itself; '' for a class of somebody else, whatever its name."""
    kind = type(layer)
    return kind.__name__ if kind.__module__.split(".")[0] in ("keras", "tf_keras") else ""


def keras_of(model):
    """The Keras that a model is of: the module. Raises Refused where it is of none."""
    for kind in type(model).__mro__:
        root = kind.__module__.split(".")[0]
        if root in ("keras", "tf_keras"):
            return importlib.import_module(root)
    raise Refused("a %s is no Keras model" % type(model).__name__)


class Kit:
    """Makes layers in the place of others, and remembers the weights that they get once the twin is built.

    ``format`` is that of the route: ``layers`` or ``graph``.
    """

    def __init__(self, keras, format, taken):
        self.keras, self.layers, self.format = keras, keras.layers, format
        self._taken, self._made, self._weights = set(taken), set(), []

    def layer(self, kind, replaced, part="", weights=None, trainable=None, of_layers=False, **config):
        """A new layer. ``part`` tells it from others that stand for the same layer; the last of them has none, so that
        it has the name of what it replaces, and outputs keep theirs. ``weights``: arrays, in Keras's order;
        ``of_layers``: it is one that wraps others, whose types of numbers are theirs."""
        if not of_layers:
            config["dtype"] = _policy(replaced)
        made = getattr(self.layers, kind)(
            name=self._name(replaced.name, part),
            trainable=replaced.trainable if trainable is None else trainable,
            **config,
        )
        if weights is not None:
            self._weights.append((made, weights))
        return made

    def constant(self, kind, replaced, part="", weights=None, **config):
        """A layer whose weights are no weights of the model, and are not to be trained."""
        return self.layer(kind, replaced, part, weights, trainable=False, **config)

    def _name(self, name, part):
        wanted = "%s_%s" % (name, part) if part else name
        found, number = wanted, 1
        # The replaced layer's name is free, once: a layer that is called again may need parts of each call.
        while found in self._made or (found in self._taken and found != name):
            number += 1
            found = "%s_%d" % (wanted, number)
        self._made.add(found)
        return found

    def fill(self):
        """Give the new layers their weights. Those that are not built stand in no model: their rewrite was refused."""
        for layer, weights in self._weights:
            if layer.built:
                layer.set_weights(weights)

    def select(self, x, replaced, start, stop, size, part):
        """Channels ``start`` to ``stop - 1`` of the ``size`` that the last axis has.

        A layers model has no slices: there a matrix of ones and zeros takes them, which is exact.
        """
        import numpy as np

        if self.format == "graph":
            return x[..., start:stop]
        picked = np.eye(size, dtype="float32")[:, start:stop]
        return self.constant("Dense", replaced, part, [picked], units=stop - start, use_bias=False)(x)


def _policy(layer):
    """What a layer of Keras is given as dtype: its policy. Lookups give integers: what stands for them computes in
    float32."""
    policy = getattr(layer, "dtype_policy", None) or getattr(layer, "_dtype_policy", None)
    return policy if "float" in str(getattr(policy, "name", "")) else "float32"


def shape_of(tensor):
    """A Keras tensor's shape, None for what is open."""
    return tensor.shape.as_list() if hasattr(tensor.shape, "as_list") else list(tensor.shape)


def activation_of(layer):
    """The name of a layer's activation."""
    return getattr(layer.activation, "__name__", "") or str(layer.activation)


def require_channels_last(layer):
    if getattr(layer, "data_format", "channels_last") != "channels_last":
        raise Refused("%s has its channels first" % layer.name)
