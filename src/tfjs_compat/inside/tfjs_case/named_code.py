"""What of a model's description is code: lambdas, and what it names that Keras would import, call or load.

Keras stores the code of a lambda as marshalled bytecode (keras/utils/generic_utils.py and
keras/src/utils/python_utils.py ``func_dump``). Any other object of a description has a module and a name, which Keras
imports and calls (keras/src/saving/serialization_lib.py ``deserialize_keras_object``); its own ``safe_mode`` (Keras
2.13 and later) was not always complete (CVE-2025-1550). So only names that are known to compute are taken for no code:
classes and functions of the parts of Keras that hold layers, losses and the like. Nothing here imports what is named.
Python >= 3.8; imports nothing of tfjs_compat.
"""

import builtins
import importlib.util
import json
import re

_MOST_DEPTH = 200
_KERAS = r"^(tf_keras|keras|tensorflow\.(python\.)?keras)(\.api(\._v\d)?)?(\.src)?"
_COMPUTES = re.compile(
    _KERAS + r"\.(activations|ops|initializers|losses|metrics|regularizers|constraints|random|quantizers)(\.|$)"
)
_HOLDS_LAYERS = re.compile(
    _KERAS
    + r"($|\.(activations|applications|backend|constraints|dtype_policies|engine|feature_column|initializers|input"
    r"|layers|legacy|losses|metrics|mixed_precision|models|ops|optimizers|premade_models|quantizers|random"
    r"|regularizers|testing|training)(\.|_|$))"
)
# Packages with layers of their own.
_OTHER_LAYERS = ("keras_nlp", "keras_hub", "keras_cv", "keras_rs", "tensorflow_addons", "tensorflow_decision_forests")
# Kinds of values that Python has by these names; a file may say of which kind one is.
_VALUES = ("bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "set", "slice", "str", "tuple")
_FUNCTIONS = ("function", "builtin_function_or_method", "method", "type")
# A class, as Keras names them; a function has a small letter first, and would be called as if it were a layer.
_CLASS = re.compile(r"^_*[A-Z]\w*$")
# Layers that load or call what their description names.
_LOADERS = {
    "TFSMLayer": "loads a SavedModel by its path",
    "TorchModuleWrapper": "unpickles a module of PyTorch",
    "JaxLayer": "calls functions that it names",
    "FlaxLayer": "calls functions that it names",
}
# What a layer of Keras 2 (TFOpLambda, SlicingOpLambda) may call: functions of TensorFlow that compute.
_OPERATIONS = re.compile(
    r"^(compat\.v[12]\.)?((__operators__|math|nn|image|linalg|signal|strings|sets|sparse|ragged|random|quantization"
    r"|audio|bitwise|debugging|dtypes|raw_ops|experimental\.numpy|keras\.(activations|backend|layers|losses|metrics|ops|random)"
    r"|compat\.v1)\.)?[\w.]+$"
)
_NO_OPERATION = re.compile(
    r"(^|\.)(debugging\.(?!assert_|check_)\w+|io|data|saved_model|train|summary|config|distribute|profiler|test|sysconfig|tpu|utils|print"
    r"|py_func\w*|numpy_function|eager_py_func|load_\w*|\w*read_file|\w*write_file"
    r"|\w*(PyFunc|File|Files|Save|Restore|Checkpoint|Load|Print|Summary)\w*)(\.|$)"
)


_TOO_DEEP = {"class_name": "Lambda", "config": {"name": "nested too deep to be looked through", "function": [""]}}


def decoded(text):
    """What a text or bytes of JSON say; None where they are none; what counts as code where it is nested too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        return _TOO_DEEP
    except ValueError:
        return None


def in_description(description):
    """What of a description (as JSON gives it) is code, the first only: a clause in a list, or an empty list.

    Goes through lists and dicts however they are nested, and through texts that are descriptions themselves.
    """
    to_see = [(description, None, 0)]
    while to_see:
        value, name, depth = to_see.pop()
        if isinstance(value, dict):
            inner = value.get("config")
            if isinstance(inner, dict) and isinstance(inner.get("name"), str):
                name = inner["name"]
            what = _code_of(value, name)
            if what is not None:
                return [what]
            to_see += [(item, name, depth + 1) for item in value.values()]
        elif isinstance(value, list):
            to_see += [(item, name, depth + 1) for item in value]
        elif isinstance(value, str) and value.lstrip().startswith(("{", "[")) and '"' in value:
            # Keras 2 keeps the description of a wrapped model as a text.
            to_see.append((decoded(value) if depth < _MOST_DEPTH else _TOO_DEEP, name, depth + 50))
    return []


def _code_of(value, name):
    kind = value.get("class_name")
    if not isinstance(kind, str):
        return None
    of = " of the layer %r" % name if name else ""
    plain = kind.split(">")[-1]
    if plain == "Lambda":
        return _lambda_layer(value.get("config"), name)
    if plain in _LOADERS:
        return "the layer %r (%s) %s" % (name or "layer", plain, _LOADERS[plain])
    if kind.endswith("OpLambda"):
        called = value.get("config", {}).get("function") if isinstance(value.get("config"), dict) else None
        return (
            None if called is None or _is_operation(str(called)) else "%s%s is a function that it names" % (called, of)
        )
    if kind == "__lambda__":
        return "a lambda%s is Python code" % of
    module, config = value.get("module"), value.get("config")
    if not isinstance(module, str):
        return None
    if kind in _FUNCTIONS:
        called = config if isinstance(config, str) else kind
        # A function of Keras may load files or fetch them: only those that compute are not code.
        harmless = not _is_python_own(called) if module == "builtins" else _COMPUTES.match(module)
        return None if harmless else "%s.%s%s is a function that it names" % (module, called, of)
    called = value.get("spec_name") if kind == "__typespec__" else kind
    return None if _is_layer_like(module, str(called)) else "%s.%s%s is code that it names" % (module, called, of)


def _is_layer_like(module, called):
    if module == "builtins":
        return not _is_python_own(called)
    if module.split(".")[0] in _OTHER_LAYERS or _HOLDS_LAYERS.match(module):
        return _CLASS.match(called)
    if module.split(".")[0] == "tensorflow":
        return called.endswith("Spec") and _CLASS.match(called)
    return module.split(".")[0] not in ("keras", "tf_keras") and not _exists(module.split(".")[0])


def _is_python_own(called):
    """Whether it is one of Python's functions. Keras writes ``builtins`` of its own, and looks for others there."""
    return hasattr(builtins, called) and called not in _VALUES


def _is_operation(called):
    return _OPERATIONS.match(called) and not _NO_OPERATION.search(called)


def _lambda_layer(config, name):
    if not isinstance(config, dict):
        return None
    parts = [config.get(key) for key in ("function", "output_shape", "mask")]
    kinds = [config.get(key + "_type") for key in ("function", "output_shape", "mask")]
    for part, kind in zip(parts, kinds):
        # A name alone stands for a function that the reader has to know.
        is_code = kind == "lambda" or (isinstance(part, list) and part[:1] and isinstance(part[0], str))
        is_code = is_code or (isinstance(part, dict) and part.get("class_name") in ("__lambda__", "__tuple__"))
        if is_code:
            return "the layer %r (Lambda) is Python code" % (name or "lambda")
    if isinstance(parts[0], dict) and not _COMPUTES.match(str(parts[0].get("module"))):
        called = parts[0].get("config")
        named = "%s.%s" % (parts[0].get("module"), called if isinstance(called, str) else parts[0].get("class_name"))
        return "the layer %r (Lambda) calls %s" % (name or "lambda", named)
    return None


def _exists(package):
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError, AttributeError):
        return False
