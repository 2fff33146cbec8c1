"""Operations that no release of TensorFlow.js has, on the way from a model's inputs to its outputs.

Asked of a graph that was not converted: whether any version of anything could change that.
"""

import os
import re

from tfjs_case import ranges, signatures

_FAMILIES = (
    (
        "text",
        r"String(?!NGrams$|Split$|ToHashBucketFast$)\w*|Regex\w+|StaticRegexFullMatch|Unicode\w+|AsString|Substr|ReduceJoin"
        r"|UnsortedSegmentJoin|EditDistance|Fingerprint|SparseCross\w*|RaggedCross"
        # tensorflow_text
        r"|\w*(Sentencepiece|Wordpiece|WordPiece|FastBert|WhitespaceTokenize|Tokenize|CaseFoldUTF8|NormalizeUTF8)\w*",
    ),
    (
        "bytes",
        r"Decode(?!Proto)\w+|Encode(?!Proto)\w+|ExtractJpegShape|Parse\w*(Example|Tensor)\w*|ReadFile|MatchingFiles",
    ),
    ("python", r"(Eager)?PyFunc(Stateless)?"),
    ("fourier", r"I?FFT(3D|ND)|I?RFFT(2D|3D|ND)|BatchI?FFT(2D|3D)?"),
    (
        "algebra",
        r"(Batch)?(Matrix(Inverse|Determinant|Solve|SolveLs|TriangularSolve|SquareRoot|Logarithm|Exponential)|Cholesky"
        r"|SelfAdjointEig(V2)?|Svd)|LogMatrixDeterminant|Qr|Lu|Eig|(Banded|Tridiagonal)\w*Solve",
    ),
)
"""A regular expression for the names of each family, of all operations of TensorFlow 2.21 but those that TensorFlow.js
4.22.0 maps (tfjs-converter/src/operations/op_list) and those that its converter, a repair or a rewrite replaces."""

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_LOOPS = ("While", "StatelessWhile")
_BRANCHES = ("If", "StatelessIf", "Case", "StatelessCase")
"""What is in a branch may never run: it is not looked at."""

_SIZES = ("Shape", "ShapeN", "Size", "Rank")
"""Their result is known without the values that they are given."""

_MOST = 12


def family_of(op):
    """The family of an operation that no release of TensorFlow.js has; None for any other."""
    return next((family for family, names in _FAMILIES if re.fullmatch(names, op)), None)


def lacking(tf, built, folder):
    """What of a saved model has no counterpart: ``{"lacking": [{"family", "operations", "layers"}], "split": line}``.

    ``line`` is Python that gives the model behind the layers that are named, empty where there is none.
    """
    # Of the package that TensorFlow brings anyway.
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    with open(os.path.join(folder, "saved_model.pb"), "rb") as file:
        saved.ParseFromString(file.read())
    graph = saved.meta_graphs[0]
    # Only a SavedModel that was given has its own names for them.
    name = built.signature if built.signature in graph.signature_def else "serving_default"
    signature = graph.signature_def[name]
    inputs = {info.name.split(":")[0] for info in signature.inputs.values()}
    outputs = [info.name for info in signature.outputs.values()]
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    walk = _Walk(functions)
    walk.graph(list(graph.graph_def.node), dict.fromkeys(inputs, True), outputs)
    layers = {} if built.function is not None else _layers(built.model)
    families, named = {}, {}
    for op, node in walk.found:
        found = families.setdefault(family_of(op), {"operations": {}, "layers": {}})
        found["operations"][op] = None
        layer = _layer_of(node, layers)
        if layer is not None:
            found["layers"]["%s (%s)" % (layer.name, type(layer).__name__)] = None
            named[layer.name] = layer
    listed = [
        {"family": family, "operations": list(found["operations"])[:_MOST], "layers": list(found["layers"])[:_MOST]}
        for family, found in families.items()
    ]
    return {"lacking": listed, "split": _split(tf, built.model, list(named)) if named else ""}


class _Walk:
    """Follows values from inputs to outputs, into functions. ``found``: ``[(op, node name), …]`` that have none."""

    def __init__(self, functions):
        self._functions, self.found, self._known = functions, [], {}

    def graph(self, nodes, given, wanted):
        """Which of the references ``wanted`` depend on the values of ``given`` (name → whether it does)."""
        by_name, depends = {node.name: node for node in nodes}, dict(given)
        for name in _in_order(by_name, depends, [_name(reference) for reference in wanted]):
            node = by_name[name]
            taken = [depends.get(_name(reference), False) for reference in _data(node)]
            depends[name] = self._node(node, taken)
        return [depends.get(_name(reference), False) for reference in wanted]

    def _node(self, node, taken):
        if not any(taken) or node.op in _SIZES:
            return False
        if node.op in _CALLS:
            return self._call(node.attr["f"].func.name, taken)
        if node.op in _LOOPS:
            for part in ("cond", "body"):
                self._call(node.attr[part].func.name, [True] * len(taken))
        elif node.op in self._functions:
            return self._call(node.op, taken)
        elif node.op not in _BRANCHES and family_of(node.op) is not None:
            self.found.append((node.op, node.name))
        return True

    def _call(self, name, taken):
        function, key = self._functions.get(name), (name, tuple(taken))
        if function is None:
            return True
        if key not in self._known:
            # A function that calls itself.
            self._known[key] = True
            arguments = [argument.name for argument in function.signature.input_arg]
            self._known[key] = any(
                self.graph(list(function.node_def), dict(zip(arguments, taken)), list(function.ret.values()))
            )
        return self._known[key]


def _in_order(by_name, given, wanted):
    """The names of the nodes that the wanted ones are computed from, each behind what it takes."""
    order, seen, stack = [], set(given), [(name, False) for name in reversed(wanted)]
    while stack:
        name, is_done = stack.pop()
        if is_done:
            order.append(name)
        elif name in by_name and name not in seen:
            seen.add(name)
            stack.append((name, True))
            stack.extend((_name(reference), False) for reference in _data(by_name[name]))
    return order


def _data(node):
    return [reference for reference in node.input if not reference.startswith("^")]


def _name(reference):
    return reference.split(":")[0]


def _layers(model):
    return {layer.name: layer for layer in getattr(model, "layers", None) or []}


def _layer_of(node, layers):
    """The layer of the model whose scope a node's name has; scopes are counted on where a layer is called again."""
    for part in node.split("/")[:-1]:
        layer = layers.get(part) or layers.get(re.sub(r"_\d+$", "", part))
        if layer is not None:
            return layer
    return None


def _split(tf, model, names):
    """A line that makes the model behind these layers, if Keras takes it; else empty."""
    if not ranges.model_inputs(model):
        return ""
    try:
        if signatures.is_keras_3(model):
            import keras

            package = keras
        else:
            package = tf.keras
        outputs = [model.get_layer(name).output for name in names]
        package.Model(outputs[0] if len(outputs) == 1 else outputs, model.outputs)
    except Exception:
        return ""
    taken = ['model.get_layer("%s").output' % name for name in names]
    # A Sequential of Keras 3 has no ``output`` before it was called.
    return "keras.Model(%s, model.outputs)" % (taken[0] if len(taken) == 1 else "[%s]" % ", ".join(taken))
