"""Finds out, by running it, which versions of TensorFlow, tensorflowjs and Keras convert a model to TensorFlow.js.

What the commands call: ``run(Request(...))``, ``find(Wish(...))``, ``convert(Wish(...), folder)``, ``check(folder)``,
``mend(folder, target, reference, how=Wish(...))`` (the command ``repair``) and, without TensorFlow.js,
``repair_folder(source, target)``. ``tfjs_compat.api`` has the rest of the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfjs_compat.engine.request import Request
    from tfjs_compat.repairs.folder import repair_folder
    from tfjs_compat.search.request import Wish
    from tfjs_compat.workflows.check import check
    from tfjs_compat.workflows.convert import convert
    from tfjs_compat.workflows.find import find
    from tfjs_compat.workflows.repair import mend
    from tfjs_compat.workflows.run import run

__version__ = "0.1.0"
__all__ = ["Request", "Wish", "__version__", "check", "convert", "find", "mend", "repair_folder", "run"]

_HOMES = {
    "Request": "engine.request",
    "Wish": "search.request",
    "check": "workflows.check",
    "convert": "workflows.convert",
    "find": "workflows.find",
    "mend": "workflows.repair",
    "repair_folder": "repairs.folder",
    "run": "workflows.run",
}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the command line's --help needs none of it.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"tfjs_compat.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'tfjs_compat' has no attribute '{name}'")
