"""Distributions of a lock installed by uv, and what it means where it fails."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tfjs_compat.environments.peers import Peers
from tfjs_compat.errors import MachineryError
from tfjs_compat.index import uv
from tfjs_compat.locks.lock import Lock
from tfjs_compat.locks.resolver import forget
from tfjs_compat.system.context import Context


class UnbuildableError(Exception):
    """A source build that the lock allows failed; the text is the installer's."""

    def short(self) -> str:
        """Which package failed to build and the last error that its build printed, in one line."""
        text = str(self)
        package = re.search(r"Failed to build `([^`]+)`", text)
        errors = [line.strip() for line in text.splitlines() if re.match(r"\s*(\w+\.)*\w*(Error|Exception)\b", line)]
        return f"{package[0] if package else 'a source build failed'}" + (f": {errors[-1]}" if errors else "")


@dataclass(frozen=True)
class Installer:
    """How uv is called to install, and what receives its output.

    ``on_line`` is called with each line that uv prints, ``warn`` with what makes an environment larger than it should
    be. ``peers`` are asked for unpacked wheels before uv asks the index.
    """

    on_line: Callable[[str], None] | None = None
    warn: Callable[[str], None] = lambda _: None
    call: uv.Call = uv.call
    peers: Peers | None = None


def install(
    lock: Lock, target: Sequence[str], inputs: Mapping[str, str], context: Context, installer: Installer
) -> bool:
    """Install the requirements files ``inputs`` (name → content) as they stand, with their hashes.

    ``target`` are uv's options that say where to. Whether files were copied because they could not be linked from uv's
    cache. A lock is kept no longer where the index's files do not have its hashes, or have them and are of no use: the
    index may have others by then. Raises UnbuildableError, MachineryError, Interrupted.
    """
    arguments = ["pip", "install", *target, "--no-deps", "--require-hashes"]
    arguments += [part for name in inputs for part in ("-r", name)]
    result, _ = installer.call(arguments, context, inputs=inputs, on_line=installer.on_line, builds=lock.source_builds)
    if result.ok:
        return uv.COPIED in uv.unwrapped(result.text)
    fault = uv.machinery_fault(result.text)
    if fault is None and "Failed to build" in result.text:
        raise UnbuildableError(result.text)
    if fault is None or "Hash mismatch for" in uv.unwrapped(result.text):
        forget(lock.id, context.store)
    raise MachineryError(fault or f"uv could not install lock {lock.id}: {uv.complaint(result.text)}")
