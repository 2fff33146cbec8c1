"""Finds out, by running it, which versions of TensorFlow, tensorflowjs and Keras convert a model to TensorFlow.js.

``run(Request(...))`` is what ``tfjs-compat run`` calls; ``tfjs_compat.api`` has the rest of the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfjs_compat.api import run
    from tfjs_compat.session import Request

__version__ = "0.1.0"
__all__ = ["Request", "__version__", "run"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the command line's --help needs none of it.
    if name in __all__:
        from tfjs_compat import api

        return getattr(api, name)
    raise AttributeError(f"module 'tfjs_compat' has no attribute '{name}'")
