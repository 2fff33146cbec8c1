"""The disk that 30 environments over 9 TensorFlow releases take, beside their wheels unpacked once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from measure import tree_bytes

from tfjs_compat.engine.plan import resolve_all
from tfjs_compat.environments import environment as environments
from tfjs_compat.environments import wheels
from tfjs_compat.environments.build import build
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import choose
from tfjs_compat.locks import resolver as locks
from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.system.context import Context
from tfjs_compat.system.progress import Silent
from tfjs_compat.system.store import Store

RELEASES = ("2.13.1", "2.14.1", "2.15.0", "2.15.1", "2.16.1", "2.16.2", "2.17.0", "2.17.1", "2.18.0")
"""Each with the converters and days that give locks of its own."""
CONVERTERS = ("4.10.0", "4.17.0", "4.22.0")
DAYS = ("2026-11-01", "2025-11-01", "2025-03-01")
WANTED = 30


def main(root: Path) -> dict[str, Any]:
    store = Store(root)
    python = choose("3.11", find_interpreters(store))
    requests = [
        locks.request_of(
            Combination("3.11", tensorflow, tfjs, constraints=("setuptools<81", "ydf<0.13"), as_of=day),
            [python],
            source_builds=False,
        )
        for day in DAYS
        for tfjs in reversed(CONVERTERS)
        for tensorflow in RELEASES
    ]
    with ThreadPoolExecutor(2) as executor:
        answers = resolve_all(requests, store, executor, Silent(), threading.Event())
    found: dict[str, tuple[str, Lock]] = {}
    for request, answer in answers.items():
        if isinstance(answer, Lock):
            found.setdefault(answer.id, (request.requirements[0], answer))
    chosen = list(found.values())[:WANTED]
    distinct: dict[str, str] = {}
    for _, lock in chosen:
        made = build(lock, python, Context(store))
        assert isinstance(made, environments.Environment), made
        # By name and version: were one unpacked under two keys, that would be ours to answer for.
        distinct |= {wheel.key.rpartition("-")[0]: wheel.key for wheel in wheels.stored_wheels(lock, python)}
    unpacked = tree_bytes(*(root / "wheels" / key for key in distinct.values()))
    taken = tree_bytes(root / "wheels", root / "environments")
    return {
        "environments": len(chosen),
        "tensorflow_releases": len({lock.packages["tensorflow"] for _, lock in chosen}),
        "distinct_wheels": len(distinct),
        "wheels_unpacked_once": unpacked,
        "taken": taken,
        "ratio": round(taken / unpacked, 4),
        "apart": sum(
            tree_bytes(*(root / "wheels" / wheel.key for wheel in wheels.stored_wheels(lock, python)))
            for _, lock in chosen
        ),
    }
