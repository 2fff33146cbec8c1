"""Build the environment of one lock: ``python build_one.py FILE``, a JSON list of the lock and the interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from tfjs_compat import environments
from tfjs_compat.interpreters import Interpreter
from tfjs_compat.locks import Lock
from tfjs_compat.store import Store

if __name__ == "__main__":
    lock, python = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=tuple[Lock, Interpreter])
    made = environments.build(lock, python, Store())
    assert isinstance(made, environments.Environment), made
