"""How a builder called its model: what Keras 3 forgets of a subclassed one but for the shapes.

A model whose ``call`` is its own takes what it was called with: tensors by position or by name, in lists or
dictionaries, of any dtype. Keras 3 keeps the shapes of the first call (``_build_shapes_dict``) and takes all for
float32.
"""

import contextlib
import inspect


class Called:
    """The first call of a model. ``leaves``: ``(name, shape, dtype)`` of its tensors, in order, the batch open."""

    def __init__(self, model, args, keywords):
        self.leaves = []
        names = _parameters(model)
        self._args = [
            self._marked(value, names[place] if place < len(names) else "input_%d" % place)
            for place, value in enumerate(args)
        ]
        self._keywords = {name: self._marked(value, name) for name, value in keywords.items() if name != "training"}

    @property
    def is_plain(self):
        """Whether it was one tensor of floats, by position: what Keras exports by itself."""
        return len(self.leaves) == 1 and self._args == [_Leaf(0)] and self.leaves[0][2] == "float32"

    def packed(self, tensors):
        """``(args, keywords)`` of a call with other tensors."""
        fill = lambda leaf: tensors[leaf.place]  # noqa: E731
        return [_filled(each, fill) for each in self._args], {
            name: _filled(each, fill) for name, each in self._keywords.items()
        }

    @property
    def text(self):
        """The call in Python, of ``model`` with the tensors ``inputs``."""
        given = [_text(each) for each in self._args]
        given += ["%s=%s" % (name, _text(each)) for name, each in self._keywords.items()]
        return "model(%s)" % ", ".join([*given, "training=False"])

    def _marked(self, value, name):
        if isinstance(value, dict):
            return {key: self._marked(each, str(key)) for key, each in value.items()}
        if isinstance(value, (list, tuple)) and any(_holds_tensor(each) for each in value):
            made = [self._marked(each, "%s_%d" % (name, place)) for place, each in enumerate(value)]
            return tuple(made) if isinstance(value, tuple) else made
        if not _is_tensor(value):
            return value
        taken = {leaf[0] for leaf in self.leaves}
        shape = [None if size is None else int(size) for size in value.shape]
        dtype = getattr(value.dtype, "name", None) or str(value.dtype)
        free = name if name not in taken else "%s_%d" % (name, len(taken))
        self.leaves.append((free, [None, *shape[1:]] if shape else [], "string" if dtype == "object" else dtype))
        return _Leaf(len(self.leaves) - 1)


class _Leaf:
    """Where a tensor stood."""

    def __init__(self, place):
        self.place = place

    def __eq__(self, other):
        return isinstance(other, _Leaf) and other.place == self.place

    __hash__ = None


class Calls:
    """What models of Keras 3 are called with first, while it is ``recorded``."""

    def __init__(self):
        self._first = {}

    def of(self, model):
        """The first call of a model, or None where there was none with tensors."""
        _, called = self._first.get(id(model), (None, None))
        return called if called is not None and called.leaves else None

    @contextlib.contextmanager
    def recorded(self, kind):
        """``kind``: the class of all Keras models."""
        plain = kind.__call__
        first = self._first

        def recording(model, *args, **keywords):
            if id(model) not in first:
                with contextlib.suppress(Exception):
                    # The model is kept beside, so that its id stays its own.
                    first[id(model)] = (model, Called(model, args, keywords))
            return plain(model, *args, **keywords)

        # AutoGraph, where a builder trains its model, is to go past it (is_autograph_artifact in its api.py).
        recording.autograph_info__ = {}
        own = "__call__" in vars(kind)
        kind.__call__ = recording
        try:
            yield self
        finally:
            if own:
                kind.__call__ = plain
            else:
                del kind.__call__


def _parameters(model):
    return [
        name
        for name, each in inspect.signature(model.call).parameters.items()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]


def _is_tensor(value):
    return hasattr(value, "shape") and hasattr(value, "dtype") and value.shape is not None


def _holds_tensor(value):
    if isinstance(value, dict):
        return any(_holds_tensor(each) for each in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds_tensor(each) for each in value)
    return _is_tensor(value)


def _filled(value, fill):
    if isinstance(value, _Leaf):
        return fill(value)
    if isinstance(value, dict):
        return {key: _filled(each, fill) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        made = [_filled(each, fill) for each in value]
        return tuple(made) if isinstance(value, tuple) else made
    return value


def _text(value):
    if isinstance(value, _Leaf):
        return "inputs[%d]" % value.place
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%r: %s" % (key, _text(each)) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_text(each) for each in value)
        return "[%s]" % inner if isinstance(value, list) else "(%s,)" % inner
    return repr(value)
