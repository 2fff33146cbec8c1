"""uv as a child: the resolver and installer, and what its failures mean."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.address import hide_credentials, index_url, shown_index
from tfjs_compat.index.building import configuration_pipe, public_variables
from tfjs_compat.index.settings import uv_variables
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment, tool_environment
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import disk_errors
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.system.text import plain

_DISK = re.compile(r"No space left on device|os error 28\b|Disk quota exceeded|os error 122\b|Read-only file system")
_EXHAUSTED = re.compile(r"Too many open files|Cannot allocate memory|Resource temporarily unavailable")
_DAMAGED = re.compile(
    r"Hash mismatch for|unexpected (JSON|HTML)|Failed to (read from zip file|unzip|extract)|invalid Zip archive"
)
_NETWORK = re.compile(
    r"error sending request|Failed to fetch|dns error|Connection refused|timed? ?out|tls handshake|certificate"
    r"|network was disabled|Failed to download|client error|HTTP status|Could not connect",
    re.IGNORECASE,
)

_TRAIL = re.compile(r"(?:TRACE|DEBUG| ?INFO| ?WARN) ")

_MEMORY = 4 << 30
"""Bytes that uv may hold, which takes some hundred MB: an index may send a page without end."""

COPIED = "falling back to full copy"
"""What uv says where it cannot link from its cache."""


class UvResult(msgspec.Struct, frozen=True):
    """How a call of uv ended, what it printed, and apart from that the lines of its log, if it was asked for one."""

    ok: bool
    text: str
    trail: tuple[str, ...] = ()


class Call(Protocol):
    """Calls uv, as ``call`` does. Tests put something else in its place."""

    def __call__(
        self,
        arguments: Sequence[str],
        context: Context,
        *,
        inputs: Mapping[str, str] | None = None,
        on_line: Callable[[str], None] | None = None,
        builds: bool = False,
    ) -> tuple[UvResult, str]:
        """How the call ended, and a file that it wrote (see ``call``)."""


def call(
    arguments: Sequence[str],
    context: Context,
    *,
    inputs: Mapping[str, str] | None = None,
    result: str | None = None,
    seconds: float = 1800.0,
    variables: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
    builds: bool = False,
) -> tuple[UvResult, str]:
    """Call uv in an empty folder that holds ``inputs``; gives what it said and the content of the file ``result``.

    ``seconds`` is its time limit; ``variables`` are added to its environment. ``builds``: it may run code of packages,
    which then sees neither credentials nor the user's home (see ``index.building``). Raises MachineryError where uv
    cannot be run or does not end, Interrupted when the context's ``stop`` is set.
    """
    scratch_root = context.store.folder("scratch")
    with disk_errors(scratch_root), temporary_folder("uv-", scratch_root) as scratch:
        for name, content in (inputs or {}).items():
            (scratch / name).write_text(content, "utf-8")
        with _configured(scratch, builds) as (environment, options, descriptors):
            ended = process.run(
                [uv_executable(), *arguments, *options],
                env={**environment, **(variables or {})},
                cwd=scratch,
                log=scratch / "uv.log",
                limits=process.Limits(seconds=seconds, memory=None if builds else _MEMORY),
                stop=context.stop,
                on_line=None if on_line is None else lambda line: on_line(hide_credentials(line)),
                pass_fds=descriptors,
            )
        lines = hide_credentials(plain((scratch / "uv.log").read_text("utf-8", "replace"))).splitlines(keepends=True)
        text = "".join(line for line in lines if not _TRAIL.match(line))
        trail = tuple(line.strip() for line in lines if _TRAIL.match(line))
        if ended.limit_exceeded is not None or ended.exit_code < 0:
            raise MachineryError(f"uv {ended.describe()}")
        written = (scratch / result).read_text("utf-8") if result and (scratch / result).exists() else ""
        return UvResult(ended.ok, text, trail), written


def uv_executable() -> str:
    """The uv that was installed with this tool. Raises MachineryError where it is gone."""
    from uv import find_uv_bin

    try:
        return str(find_uv_bin())
    except FileNotFoundError as error:
        raise MachineryError(f"uv is not installed beside the tool: {error}") from None


def machine_fault(text: str) -> str | None:
    """What in uv's words this machine had not enough of, or None: disk, memory, processes, open files."""
    if (where := _line_with(text, _DISK)) is not None:
        return f"no space left, or not writable: {where}"
    if (where := _line_with(text, _EXHAUSTED)) is not None:
        return f"not enough memory, processes or open files: {where}"
    return None


def machinery_fault(text: str) -> str | None:
    """What in uv's words is a fault of the machine or the network, or None where it is neither."""
    if (fault := machine_fault(text)) is not None:
        return fault
    if (where := _line_with(text, _DAMAGED)) is not None:
        return f"the package index {shown_index()} sent something else than it lists: {where}"
    if (where := _line_with(text, _NETWORK)) is not None:
        return f"the package index {shown_index()} cannot be reached: {where}"
    return None


def unwrapped(text: str) -> str:
    """A text of uv in one line: before 0.12 it breaks lines at 80 columns, and so between any two words.

    >>> unwrapped("could not be queried\\n      due to a lack of credentials")
    'could not be queried due to a lack of credentials'
    """
    return " ".join(text.split())


def complaint(text: str) -> str:
    """What uv says went wrong, in one line and without what it did before that; its last words where it says nothing.

    >>> complaint("Resolved 5 packages in 10ms\\nerror: Failed to install: a-1.whl\\n  cause: The wheel is invalid")
    'Failed to install: a-1.whl cause: The wheel is invalid'
    """
    found = re.search(r"^error: ", text, re.MULTILINE)
    said = unwrapped(text[found.end() :]) if found else unwrapped(text)[-600:]
    return said[:600] or "it said nothing"


def _line_with(text: str, pattern: re.Pattern[str]) -> str | None:
    """The last line that a pattern is in, or what follows it where a line break is in the middle of it."""
    if lines := [line.strip() for line in text.splitlines() if pattern.search(line)]:
        return lines[-1].removeprefix("cause: ")[:300]
    flat = unwrapped(text)
    found = pattern.search(flat)
    return flat[found.start() :][:300] if found else None


@contextlib.contextmanager
def _configured(scratch: Path, builds: bool) -> Iterator[tuple[dict[str, str], list[str], tuple[int, ...]]]:
    """The variables, options and open files with which uv is called."""
    extra = {"UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}
    if builds and os.name == "posix":
        with configuration_pipe() as reading:
            environment = {**clean_environment(scratch / "home"), **public_variables(), **extra}
            yield environment, ["--config-file", f"/dev/fd/{reading}"], (reading,)
        return
    environment = {**tool_environment(()), **uv_variables(), "UV_NO_CONFIG": "1", **extra}
    if not any(name in environment for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")):
        # uv does not read pip's configuration: a user whose mirror stands only there is served all the same.
        environment["UV_DEFAULT_INDEX"] = index_url()
    yield environment, [], ()
