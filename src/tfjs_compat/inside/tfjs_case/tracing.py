"""What autograph rewrote in a case's process, rewritten once in the server, so that the next case finds it done.

The releases of TensorFlow that do not know tf_keras (up to 2.16) rewrite its source while they trace a model: seconds
of pure Python in every process. What comes of it stays in autograph's own cache, which a fork inherits. Rewriting runs
no operation and starts no thread. Only functions that the server has loaded itself are rewritten, so nothing of a
model's own code gets into another case. Nothing here may fail a case: where TensorFlow is built differently, all stays
as slow as it is. Python >= 3.8; imports nothing of tfjs_compat.
"""

import gc
import json
import sys
import types

_FILE = "rewritten.json"
# How code that is not the user's is rewritten; anything else is rare and stays the case's own.
_OPTIONS = (True, False, True, frozenset())


def _autograph():
    from tensorflow.python.autograph.core import converter
    from tensorflow.python.autograph.impl import api

    return api._TRANSPILER, converter


def _place(code):
    return (code.co_filename, code.co_firstlineno, code.co_name)


def tell(folder):
    """Write down, in a case's process, what was rewritten in it."""
    try:
        if "tf_keras" not in sys.modules:
            return
        rewriter, _ = _autograph()
        found = [
            _place(code)
            for code, ways in list(rewriter._cache._cache.items())
            if isinstance(code, types.CodeType) and any(one.as_tuple() == _OPTIONS for one in ways)
        ]
        with open(folder + "/" + _FILE, "w") as file:
            json.dump(found, file)
    except Exception:
        pass


def told(folder):
    """What a case wrote down, as places of functions; it may be anything, and is only compared with what is loaded."""
    try:
        with open(folder + "/" + _FILE) as file:
            return {tuple(one) for one in json.loads(file.read(1 << 20))}
    except (OSError, ValueError, TypeError, RecursionError):
        return set()


class Follower:
    """Does in the server what its cases had to do."""

    def __init__(self):
        self._looked_for = set()

    def follow(self, told_places):
        """Rewrite what the server can find of it and was not told before; whether there was anything."""
        wanted = told_places - self._looked_for
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


def _functions(wanted):
    """One function for each place, of those that are loaded."""
    found = {}
    # What is frozen is not among the collector's objects.
    gc.unfreeze()
    for one in gc.get_objects():
        # Not isinstance: objects of lazy modules answer to it by importing.
        if type(one) is types.FunctionType and _place(one.__code__) in wanted:
            found.setdefault(_place(one.__code__), one)
    return list(found.values())
