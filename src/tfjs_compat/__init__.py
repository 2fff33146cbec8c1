"""Finds out, by running it, which versions of TensorFlow, tensorflowjs and Keras convert a model to TensorFlow.js.

What the commands call: ``run(RunRequest(...))``, ``plan(RunRequest(...))``, ``find(SearchRequest(...))``,
``convert(SearchRequest(...), folder)``, ``check(folder)``, ``repair(folder, target, SearchRequest(...), run_options=
RunRequest())`` and, without TensorFlow.js, ``repair_folder(source, target)``. ``tfjs_compat.api`` has the rest of the
library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfjs_compat.version import __version__

if TYPE_CHECKING:
    from tfjs_compat.api import RunRequest, SearchRequest, check, convert, find, plan, repair, repair_folder, run

__all__ = [
    "RunRequest",
    "SearchRequest",
    "__version__",
    "check",
    "convert",
    "find",
    "plan",
    "repair",
    "repair_folder",
    "run",
]


def __getattr__(name: str) -> Any:
    # Loaded when it is used: the command line's --help needs none of it.
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("tfjs_compat.api"), name)
    raise AttributeError(f"module 'tfjs_compat' has no attribute '{name}'")
