"""Python code that a model's file brings and that loading it would run, found by reading the file only.

Keras stores the code of a lambda as marshalled bytecode (keras/utils/generic_utils.py and
keras/src/utils/python_utils.py ``func_dump``), and names classes and functions that it imports; its own ``safe_mode``
(Keras 2.13 and later) is for ``.keras`` files, and was not always complete. Nothing here imports what a file names.
Python >= 3.8; imports nothing of tfjs_compat.
"""

import builtins
import importlib.util
import json
import os
import re
import zipfile

_MOST_JSON = 256 << 20
_MOST_DEPTH = 200
# What a file may name: the classes of these packages, and functions of the modules that only compute.
_PACKAGES = ("keras", "tf_keras", "tensorflow", "keras_nlp", "keras_hub", "keras_cv", "tensorflow_addons")
_COMPUTES = re.compile(
    r"^(tf_keras|keras|tensorflow\.(python\.)?keras)(\.api(\._v\d)?)?(\.src)?"
    r"\.(activations|ops|initializers|losses|metrics|regularizers|constraints)(\.|$)"
)
_FUNCTIONS = ("function", "builtin_function_or_method", "method", "type")
# Kinds of values that Python has by these names; a file may say of which kind one is.
_VALUES = ("bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "set", "slice", "str", "tuple")
_OBJECT_DTYPE = re.compile(rb"'descr':\s*'[|<>=]?O")
# Files of a SavedModel with descriptions of layers, and the fields that lead to them: by keras/protobuf/
# saved_metadata.proto, and before TensorFlow 2.5 by saved_model.proto, meta_graph.proto, saved_object_graph.proto.
_METADATA = (("keras_metadata.pb", (1, 5)), ("saved_model.pb", (2, 7, 1, 4, 3)))
# Functions of TensorFlow that a layer of Keras 2 may name (TFOpLambda) and that do more than compute.
_OPERATIONS = re.compile(
    r"(^|\.)(io|py_func\w*|numpy_function|load_\w*library|saved_model|WriteFile|ReadFile|(Eager)?PyFunc\w*)(\.|$)"
)


class UntrustedCode(Exception):
    """A model's file brings Python code, and nobody said that it is trusted."""


def refuse(model, kind):
    """Raise UntrustedCode where loading a file (``kind``: as in a job) would run code that it brings."""
    for what in found_in(model, kind):
        raise UntrustedCode(
            "%s: %s; loading it would run that code, which is done only for a model that is trusted"
            % (os.path.basename(model), what)
        )


def found_in(path, kind):
    """What of a file is code, a clause each: ``the layer 'double' (Lambda) is Python code``."""
    if kind in ("h5", "keras"):
        # Keras goes by the end of the name and by what the file is; one may be both.
        in_archive = _in_archive(path) if zipfile.is_zipfile(path) else []
        return in_archive or (_in_config(_config_of_h5(path)) if _is_h5(path) else [])
    if kind == "saved-model":
        return _in_saved_model(path)
    return []


def _is_h5(path):
    """Whether HDF5 can be read from a file: its superblock stands at 0, 512, 1024, … (HDF5 file format, II.A)."""
    at, size = 0, os.path.getsize(path)
    with open(path, "rb") as file:
        while at < size:
            file.seek(at)
            if file.read(8) == b"\x89HDF\r\n\x1a\n":
                return True
            at = max(512, at * 2)
    return False


def _config_of_h5(path):
    import h5py

    with h5py.File(path, "r") as file:
        config = file.attrs.get("model_config")
    if isinstance(config, bytes):
        config = config.decode("utf-8", "replace")
    return _decoded(config) if isinstance(config, str) else None


def _in_archive(path):
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = member.filename
            if name.endswith((".pkl", ".pickle", ".dill")):
                return ["%s is a pickle" % name]
            if name.endswith(".npy") and _OBJECT_DTYPE.search(_start(archive, member)):
                return ["%s holds pickled objects" % name]
            if name.endswith(".npz"):
                with archive.open(member) as file, zipfile.ZipFile(file) as inner:
                    if any(_OBJECT_DTYPE.search(_start(inner, array)) for array in inner.infolist()):
                        return ["%s holds pickled objects" % name]
        if "config.json" not in archive.namelist():
            return []
        config = archive.getinfo("config.json")
        if config.file_size > _MOST_JSON:
            return ["config.json is too large to be looked through"]
        # As Keras reads it: bytes of UTF-16 and UTF-32 are JSON, too.
        return _in_config(_decoded(archive.read(config)))


def _start(archive, member):
    with archive.open(member) as file:
        return file.read(1 << 12)


def _in_saved_model(folder):
    """The layers that Keras makes again from the text beside the graph; the graph itself holds no Python."""
    for name, fields in _METADATA:
        try:
            with open(os.path.join(folder, name), "rb") as file:
                messages = [memoryview(file.read())]
        except OSError:
            continue
        for number in fields:
            messages = [part for message in messages for part in _parts(message, number)]
        for text in messages:
            found = _in_config(_decoded(bytes(text).decode("utf-8", "replace")))
            if found:
                return found
    return []


def _parts(message, number):
    """The texts and messages in a field of a protobuf message, as far as it is whole (protobuf.dev, Encoding)."""
    at, parts = 0, []
    try:
        while at < len(message):
            tag, at = _varint(message, at)
            if tag & 7 == 2:
                length, at = _varint(message, at)
                if tag >> 3 == number:
                    parts.append(message[at : at + length])
                at += length
            elif tag & 7 == 0:
                _, at = _varint(message, at)
            else:
                at += {1: 8, 5: 4}[tag & 7]
    except (IndexError, KeyError):
        pass
    return parts


def _varint(message, at):
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _decoded(text):
    try:
        return json.loads(text)
    except RecursionError:
        return {"class_name": "Lambda", "config": {"name": "nested too deep to be looked through", "function": [""]}}
    except ValueError:
        return None


def _in_config(config):
    """What of a model's description is code, the first only; lists and dicts however they are nested."""
    to_see = [(config, None, 0)]
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
        elif isinstance(value, str) and value.lstrip().startswith("{") and '"' in value and depth < _MOST_DEPTH:
            # Keras 2 keeps the description of a wrapped model as a text.
            to_see.append((_decoded(value), name, depth + 50))
    return []


def _code_of(value, name):
    kind = value.get("class_name")
    if not isinstance(kind, str):
        return None
    of = " of the layer %r" % name if name else ""
    if kind == "TorchModuleWrapper":
        return "%s%s is a pickle" % (kind, of)
    if kind.split(">")[-1] == "Lambda":
        return _lambda_layer(value.get("config"), name)
    if kind.endswith("OpLambda"):
        called = value.get("config", {}).get("function") if isinstance(value.get("config"), dict) else None
        return "%s%s is a function that it names" % (called, of) if _OPERATIONS.search(str(called)) else None
    if kind == "__lambda__":
        return "a lambda%s is Python code" % of
    module, config = value.get("module"), value.get("config")
    if not isinstance(module, str):
        return None
    called = config if kind in _FUNCTIONS and isinstance(config, str) else kind
    if module == "builtins":
        # Keras writes that of its own activations and the like, and looks for others among Python's.
        named = hasattr(builtins, called) and called not in _VALUES
        return "%s.%s%s is a function that it names" % (module, called, of) if named else None
    if kind in _FUNCTIONS:
        # A function of Keras may load files or fetch them: only those that compute are not code.
        if not _COMPUTES.match(module):
            return "%s.%s%s is a function that it names" % (module, called, of)
    elif module.split(".")[0] not in _PACKAGES and _exists(module.split(".")[0]):
        return "%s.%s%s is code that it names" % (module, called, of)
    return None


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
