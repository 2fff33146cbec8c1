"""What autograph rewrote in a case's process, rewritten once in the server, so that the next case finds it done.

The releases of TensorFlow that do not know tf_keras (up to 2.16) rewrite its source while they trace a model: seconds
of pure Python in every process. What comes of it stays in autograph's own cache, which a fork inherits. Rewriting runs
no operation and starts no thread. Only functions that the server has loaded itself are rewritten, so nothing of a
model's own code gets into another case. Nothing here may fail a case: where TensorFlow is built differently, all stays
as slow as it is. Python >= 3.8; imports nothing of tfjs_compat.
"""

import gc
import json
import os
import stat
import sys
import types

_FILE = "rewritten.json"
_MOST = 1 << 20
# How code that is not the user's is rewritten; anything else is rare and stays the case's own.
_OPTIONS = (True, False, True, frozenset())


def _autograph():
    from tensorflow.python.autograph.core import converter
    from tensorflow.python.autograph.impl import api

    return api._TRANSPILER, converter


def _place(code):
    return (code.co_filename, code.co_firstlineno, code.co_name)


def export(folder):
    """Write the places of the functions that were rewritten in this process, a case's, into a file in ``folder``."""
    try:
        if "tf_keras" not in sys.modules:
            return
        rewriter, _ = _autograph()
        places = [
            _place(code)
            for code, ways in list(rewriter._cache._cache.items())
            if isinstance(code, types.CodeType) and any(options.as_tuple() == _OPTIONS for options in ways)
        ]
        with open(folder + "/" + _FILE, "w") as file:
            json.dump(places, file)
    except Exception:
        pass


def load(folder):
    """The places that a case exported. They may be anything, and are only compared with what is loaded."""
    try:
        # A case may have put a pipe or a link there.
        descriptor = os.open(folder + "/" + _FILE, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return set()
            return {tuple(place) for place in json.loads(file.read(_MOST).decode("utf-8"))}
    except (OSError, ValueError, TypeError, RecursionError):
        return set()


class Warmer:
    """Rewrites in the server what its cases had to rewrite."""

    def __init__(self):
        self._looked_for = set()

    def warm(self, places):
        """Rewrite the functions at these places that the server has loaded; whether any place was new."""
        wanted = places - self._looked_for
        self._looked_for |= wanted
        if not wanted:
            return False
        try:
            rewriter, converter = _autograph()
            recursive, requested, internal, features = _OPTIONS
            context = converter.ProgramContext(
                options=converter.ConversionOptions(recursive, requested, internal, features)
            )
            for function in _functions(wanted):
                try:
                    rewriter.transform_function(function, context)
                except Exception:
                    continue
        except Exception:
            pass
        return True


def _functions(places):
    """One function for each place, of those that are loaded."""
    found = {}
    # What is frozen is not among the collector's objects.
    gc.unfreeze()
    for candidate in gc.get_objects():
        # Not isinstance: objects of lazy modules answer to it by importing.
        if type(candidate) is types.FunctionType and _place(candidate.__code__) in places:
            found.setdefault(_place(candidate.__code__), candidate)
    return list(found.values())
