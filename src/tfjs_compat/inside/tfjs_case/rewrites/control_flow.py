"""Python's own loops and conditions on tensors in the call of somebody's class: converted as tf.function converts them.

Keras calls a layer without AutoGraph where it exports a model. A loop over ``tf.range`` or an ``if`` on a tensor, which
run at once in Python, ends that.
"""

import ast
import inspect
import textwrap

from .rewrite import class_of

CONVERTED_CALL = "converted-call"
_TENSORS = ("tf", "tensorflow", "ops", "keras")


def converting(model):
    """The layers of a model whose own call loops over tensors or asks for one, by its source."""
    parts = getattr(model, "_flatten_layers", None)
    return [
        part
        for part in (parts() if parts else ())
        if not class_of(part) and _asks_tensors(getattr(type(part), "call", None))
    ]


def convert(layers):
    """Let the calls of layers be converted; those layers."""
    from tensorflow.python.autograph.core import ag_ctx
    from tensorflow.python.autograph.impl import api

    for layer in layers:
        layer.call = api.tf_convert(layer.call, ag_ctx.ControlStatusCtx(ag_ctx.Status.ENABLED))
    return layers


def _asks_tensors(call):
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(call)))
    except (OSError, TypeError, SyntaxError):
        return False
    asked = [node.iter for node in ast.walk(tree) if isinstance(node, ast.For)]
    asked += [node.test for node in ast.walk(tree) if isinstance(node, (ast.If, ast.IfExp, ast.While))]
    return any(_calls_tensors(each) for each in asked)


def _calls_tensors(expression):
    for node in ast.walk(expression):
        if isinstance(node, ast.Call):
            root = node.func
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in _TENSORS and root is not node.func:
                return True
    return False
