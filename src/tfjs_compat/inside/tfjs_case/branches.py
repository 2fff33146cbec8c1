"""Which branches of a model's conditionals on data its inputs take: what is not run proves nothing.

Python >= 3.8; imports nothing of tfjs_compat.
"""

_CONDITIONALS = ("If", "StatelessIf")
_KERASS = ("keras", "tf_keras")
_WITH_CODE = ("Lambda", "Cond")
"""Keras's own classes that may branch: the last is what ``keras.ops.cond`` puts into a functional model."""


class Conditionals:
    """The conditionals of a model, by their ``names``. ``decide``: inputs → for each whether its condition holds."""

    def __init__(self, names, decide):
        self.names, self._decide = names, decide

    @property
    def every(self):
        """All branches: ``{(name, holds), …}``."""
        return {(name, holds) for name in self.names for holds in (False, True)}

    def taken(self, inputs):
        """The branches that inputs take. Raises what the model raises."""
        return {(name, bool(holds)) for name, holds in zip(self.names, self._decide(inputs))}


def conditionals(tf, model, signature):
    """The Conditionals of a model; None where it has none, or none that can be asked about.

    Those inside loops, and those in branches of others, are not asked about.
    """
    try:
        if signature.function is None and not _may_branch(model):
            return None
        function = signature.function or _traced(tf, signature)
        if not any(_is_conditional(each) for graph in _graphs(function) for each in graph.get_operations()):
            return None
        return _within(tf, function, signature.specs)
    except Exception:
        # What cannot be traced, or has a table that no constant can stand for, is compared all the same.
        return None


def _may_branch(model):
    """Whether a model holds code that is not Keras's own, which does not branch on data when it predicts."""
    kinds = {type(part) for part in (*model._flatten_layers(), *getattr(model, "operations", []))}
    return any(kind.__module__.partition(".")[0] not in _KERASS or kind.__name__ in _WITH_CODE for kind in kinds)


def _traced(tf, signature):
    tensors = [tf.TensorSpec(spec.shape, spec.dtype) for spec in signature.specs]
    call = tf.function(lambda *arrays: [value for _, value in signature.call(list(arrays))])
    return call.get_concrete_function(*tensors)


def _graphs(function):
    """A function's graph, and those of the functions that it calls."""
    called = [getattr(each, "graph", None) for each in getattr(function.graph, "_functions", {}).values()]
    return [function.graph, *(graph for graph in called if graph is not None)]


def _is_conditional(operation):
    return operation.type in _CONDITIONALS and operation.inputs[0].dtype.name == "bool"


def _within(tf, function, specs):
    """The conditionals of a function, with what it calls put in the place of each call."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    found = [each for each in frozen.graph.get_operations() if _is_conditional(each)]
    if not found:
        return None
    conditions = frozen.prune(frozen.inputs, [each.inputs[0] for each in found])

    def decide(inputs):
        given = [tf.constant(array, dtype=spec.dtype) for (_, array), spec in zip(inputs, specs)]
        return [value.numpy() for value in conditions(*given)]

    return Conditionals([each.name for each in found], decide)
