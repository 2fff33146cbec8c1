"""What this system can keep a model from, found out by a child that is confined and tries it."""

from __future__ import annotations

import sys
from pathlib import Path

from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.child_files import read_child_file
from tfjs_compat.system.context import Context
from tfjs_compat.system.temporary import temporary_folder

_WORKER = Path(__file__).parents[1] / "inside" / "worker.py"

FORBIDDEN = {
    "writes": "writing to your files",
    "network": "using the network",
    "signals": "ending your other processes",
    "processes": "limiting your other processes, and talking to services of this machine",
}
"""What a confined case is kept from, by the names of inside/tfjs_case/confine.py."""


def missing_confinement(context: Context) -> list[str]:
    """What a model could do here although it is confined, in words; empty where nothing. Raises MachineryError."""
    with temporary_folder("confine-", context.store.folder("scratch")) as scratch:
        log = scratch / "log.txt"
        ended = process.run(
            [sys.executable, "-I", str(_WORKER), "--confine", str(scratch)],
            env=clean_environment(scratch / "home"),
            cwd=scratch,
            log=log,
            limits=process.Limits(seconds=30),
            stop=context.stop,
        )
        in_force = read_child_file(log, 1 << 16).decode("utf-8", "replace").split() if ended.ok else []
    return [what for name, what in FORBIDDEN.items() if name not in in_force]
