"""Measuring: times, spread, a clean environment for whoever is measured, the facts of the machine."""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sys.executable).parent


def clean_environment(**extra: str) -> dict[str, str]:
    """The caller's environment without what would slow a side down or change what it does.

    A shell may export PYTHONDONTWRITEBYTECODE: then no side could keep bytecode.
    """
    dropped = ("PYTHON", "TF_", "KERAS", "TFJS_COMPAT", "NOX", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    path = os.pathsep.join([str(SCRIPTS), kept.get("PATH", "")])
    return {**kept, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1", **extra}


def timed(
    argv: list[str], *, fine: tuple[int, ...] = (0,), cwd: Path | None = None, log: Path | None = None, **extra: str
) -> float:
    """Seconds that a command takes; what it prints goes to ``log``. Raises where it ends otherwise than ``fine``."""
    started = time.monotonic()
    done = subprocess.run(argv, env=clean_environment(**extra), cwd=cwd, capture_output=True, text=True)
    seconds = time.monotonic() - started
    if log is not None:
        log.write_text(done.stdout + done.stderr)
    if done.returncode not in fine:
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-3000:]}")
    return seconds


def ours(*arguments: str, store: Path, cwd: Path, log: Path | None = None, **extra: str) -> float:
    """Seconds of a run of the tool, cases that do not work included."""
    command = [sys.executable, "-m", "tfjs_compat", *arguments]
    return timed(command, fine=(0, 1), cwd=cwd, log=log, TFJS_COMPAT_CACHE=str(store), **extra)


def summary(seconds: list[float], **more: Any) -> dict[str, Any]:
    """A measurement as it is written down: the median, how often, the least and the most."""
    return {
        "median": round(statistics.median(seconds), 4),
        "times": len(seconds),
        "least": round(min(seconds), 4),
        "most": round(max(seconds), 4),
        **more,
    }


def alternating(sides: dict[str, Callable[[], float]], times: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Measure the sides in turns, so that what else the machine does hits all alike."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(max(times.values())):
        for name, side in sides.items():
            if turn < times[name]:
                found[name].append(side())
                print(f"  {name}: {found[name][-1]:.2f} s", file=sys.stderr, flush=True)
    return {name: summary(seconds) for name, seconds in found.items() if seconds}


def ratio(slow: dict[str, Any], fast: dict[str, Any]) -> float:
    """How many times the median of one goes into the other's."""
    return round(slow["median"] / max(fast["median"], 1e-9), 1)


def machine() -> dict[str, Any]:
    """What was measured on; no names and no paths."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    uv = subprocess.run([str(SCRIPTS / "uv"), "--version"], capture_output=True, text=True).stdout.split()
    nox = subprocess.run([str(SCRIPTS / "nox"), "--version"], capture_output=True, text=True)
    pip = subprocess.run([str(SCRIPTS / "pip"), "--version"], capture_output=True, text=True).stdout.split()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "uv": uv[1] if len(uv) > 1 else "",
        "pip": pip[1] if len(pip) > 1 else "",
        "nox": (nox.stdout + nox.stderr).strip(),
        "date": datetime.date.today().isoformat(),
    }


def tree_bytes(*roots: Path) -> int:
    """Bytes of all files below some folders, each inode once, links not followed."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                facts = os.lstat(os.path.join(folder, name))  # noqa: PTH118 (hundreds of thousands of files)
                if (facts.st_dev, facts.st_ino) not in seen:
                    seen.add((facts.st_dev, facts.st_ino))
                    total += facts.st_size
    return total


def read_all(root: Path) -> None:
    """Read all files below a folder, and write out what is waiting to be: the disk is out of what follows."""
    os.sync()
    for folder, _, names in os.walk(root):
        for name in names:
            with contextlib.suppress(OSError), open(os.path.join(folder, name), "rb") as file:  # noqa: PTH118, PTH123
                while file.read(1 << 20):
                    pass


def remove(path: Path) -> None:
    """Remove a folder of the bench."""
    shutil.rmtree(path, ignore_errors=True)
