"""Build the environment of one lock: ``python build_one.py FILE``, a JSON list of the lock and the interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from tfjs_compat.environments import environment as environments
from tfjs_compat.environments.build import build
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.locks.lock import Lock
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store

if __name__ == "__main__":
    lock, python = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=tuple[Lock, Interpreter])
    made = build(lock, python, Context(Store()))
    assert isinstance(made, environments.Environment), made
