"""Where a builder's code takes its Keras from: ``import keras``, which is Keras 3 whatever TF_USE_LEGACY_KERAS says."""

import ast
import os
import sys

_MOST_MODULES, _MOST_BYTES = 40, 1 << 20
_SILENT = ("tensorflow", "numpy")
"""Packages that code may use beside Keras without taking another from them."""

_BY_NAME = ("__import__", "importlib", "exec", "eval", "runpy")


def is_keras_alone(search, module):
    """Whether all code of the user's that is loaded takes Keras by ``import keras`` and in no other way.

    ``module`` is the builder's, ``search`` the folders of the user's code. False where any of it cannot be read, names
    ``tf.keras``, imports by name, or uses another package that may: then only a run shows it.
    """
    try:
        sources = _sources(search, module)
        own = {name.split(".")[0] for name in sources}
        said = [_takes(ast.parse(source), own) for source in sources.values()]
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False
    return "other" not in said and "keras" in said


def _sources(search, module):
    """The source of each module of the user's that is loaded, by its name. Raises OSError, ValueError."""
    found = {module.__name__: module.__file__}
    for name, each in list(sys.modules.items()):
        path = getattr(each, "__file__", None)
        if path and any(os.path.abspath(path).startswith(os.path.join(folder, "")) for folder in search):
            found[name] = path
    if len(found) > _MOST_MODULES:
        raise ValueError("too many modules")
    sources = {}
    for name, path in found.items():
        if os.path.getsize(path) > _MOST_BYTES:
            raise ValueError("too large")
        with open(path, "rb") as file:
            sources[name] = file.read()
    return sources


def _takes(tree, own):
    """``keras``, ``other``, or empty where the code takes no Keras."""
    said = {_kind(name, own) for node in ast.walk(tree) for name in _names(node)}
    return "other" if "other" in said else "keras" if "keras" in said else ""


def _names(node):
    """The dotted names that a piece of code imports, or by which it may get at a package."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [] if node.level else ["%s.%s" % (node.module, alias.name) for alias in node.names]
    if isinstance(node, ast.Attribute) and node.attr == "keras":
        return ["tensorflow.keras"]
    if isinstance(node, ast.Name) and node.id in _BY_NAME:
        return [node.id]
    if isinstance(node, ast.Constant) and node.value in ("keras", "tf.keras"):
        return ["tensorflow.keras"]
    return []


def _kind(name, own):
    root, _, rest = name.partition(".")
    if root == "keras":
        return "keras"
    if root in _BY_NAME or (root in _SILENT and "keras" in rest.split(".")):
        return "other"
    known = root in own or root in _SILENT or root in getattr(sys, "stdlib_module_names", ())
    return "" if known else "other"
