"""Children started by a test through ``system/process.py``, and what they leave."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.process import ExitStatus, Limits

# Sleeps in a process of its own whose id it leaves in the file: alone, as a daemon, as one that hides.
SLEEPER = "import os, time, sys; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(300)"


class Child:
    """Runs Python code as a child; its output is in ``printed`` afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log.txt"

    def __call__(self, code: str, *arguments: str, env: dict[str, str] | None = None, **options: Any) -> ExitStatus:
        options.setdefault("limits", Limits(seconds=30))
        return process.run(
            [sys.executable, "-c", textwrap.dedent(code), *arguments],
            env=clean_environment(self.folder / "home") if env is None else env,
            cwd=self.folder,
            log=self.log,
            **options,
        )

    @property
    def printed(self) -> str:
        return self.log.read_text("utf-8", "replace")


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> bool:
    """Whether the condition came true in that time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_alive(pid_file: Path) -> bool:
    try:
        return bool(psutil.Process(int(pid_file.read_text())).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def daemon(*, cleared: bool = False) -> str:
    """Code that leaves a daemon: forked twice, in a session of its own, its output elsewhere, perhaps unmarked."""
    return f"""
        import os, sys, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                quiet = os.open(os.devnull, os.O_RDWR)
                for number in (0, 1, 2): os.dup2(quiet, number)
                environment = {{}} if {cleared} else os.environ
                os.execve(sys.executable, [sys.executable, "-c", {SLEEPER!r}, sys.argv[1]], environment)
            os._exit(0)
        while not os.path.exists(sys.argv[1]) or not os.path.getsize(sys.argv[1]): time.sleep(0.01)
    """
