"""Finds out, by running it, which versions of TensorFlow, tensorflowjs and Keras convert a model to TensorFlow.js.

What the commands call: ``run(Request(...))``, ``find(Wish(...))``, ``convert(Wish(...), folder)``, ``check(folder)``,
``mend(folder, target, reference, how=Wish(...))`` (the command ``repair``) and, without TensorFlow.js,
``repair_folder(source, target)``. ``tfjs_compat.api`` has the rest of the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfjs_compat.api import run
    from tfjs_compat.inspection import check
    from tfjs_compat.repairs import repair_folder
    from tfjs_compat.search.convert import convert
    from tfjs_compat.search.find import find
    from tfjs_compat.search.ground import Wish
    from tfjs_compat.search.mend import mend
    from tfjs_compat.session import Request

__version__ = "0.1.0"
__all__ = ["Request", "Wish", "__version__", "check", "convert", "find", "mend", "repair_folder", "run"]

_HOMES = {
    "Request": "session",
    "Wish": "search.ground",
    "check": "inspection",
    "convert": "search.convert",
    "find": "search.find",
    "mend": "search.mend",
    "repair_folder": "repairs",
    "run": "api",
}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the command line's --help needs none of it.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"tfjs_compat.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'tfjs_compat' has no attribute '{name}'")
