"""The output folder of a run, held by one run at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import filelock

from tfjs_compat.errors import RequestError
from tfjs_compat.system.files import require_usable, target_errors

_FOLDERS = ("cases", "locks", "runs", "servers", ".results")
"""What a run makes in its output folder: as links they lead into folders of others."""


@contextlib.contextmanager
def lock_output(output: Path) -> Iterator[None]:
    """Make the output folder and hold it for this run alone.

    A block that raises before it has written anything leaves no folder. Raises RequestError where another run holds it
    or it cannot be written to, MachineryError on a full disk.
    """
    require_usable(f"--output {output}", output, below=True)
    made = not output.exists()
    lock = filelock.FileLock(output / ".lock", timeout=0)
    with target_errors(f"--output {output}"):
        try:
            output.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout:
            raise RequestError(
                f"--output {output}: another run is writing to it\nhint: give this run a folder of its own"
            ) from None
    try:
        for name in _FOLDERS:
            if (output / name).is_symlink():
                raise RequestError(f"--output {output}: {name} in it is a link, through which nothing is written")
        yield
    except BaseException:
        _leave_no_trace(output, made=made)
        raise
    finally:
        lock.release()


def _leave_no_trace(output: Path, *, made: bool) -> None:
    """Remove the lock file, and the folder if it was ``made``, where there is nothing else in it."""
    with contextlib.suppress(OSError):
        if [path.name for path in output.iterdir()] == [".lock"]:
            (output / ".lock").unlink()
            if made:
                output.rmdir()
