"""Every command, and what becomes of the errors that end one."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import click

from tfjs_compat.cli import (  # noqa: F401 (they add their commands)
    artifact_commands,
    catalogue_commands,
    comparison_commands,
    culprit_commands,
    doctor_command,
    env_commands,
    exit_codes,
    handover_commands,
    lock_commands,
    run_commands,
    search_commands,
    watch_command,
    wrong_usage,
)
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.streams import make_lenient
from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.system.text import shown


def main() -> None:
    """Run the command that the arguments name. Every error becomes one message on stderr and its exit code."""
    _without_inspection()
    make_lenient()
    try:
        cli.main(prog_name="tfjs-compat", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        _explain(error)
        sys.exit(exit_codes.of_error(error))


def _without_inspection() -> None:
    """Start anew where the caller's PYTHONINSPECT is set: Python would ask for commands, and lose the exit code."""
    if os.name == "posix" and sys.flags.inspect and not sys.flags.interactive and os.environ.pop("PYTHONINSPECT", ""):
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _explain(error: BaseException) -> None:
    if isinstance(error, click.exceptions.Abort):
        return
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
    elif isinstance(error, click.ClickException):
        click.echo(shown(wrong_usage.said(error)), err=True, nl=False)
    elif isinstance(error, Interrupted | KeyboardInterrupt):
        click.echo("interrupted", err=True)
    elif isinstance(error, RequestError | MachineryError | OSError):
        from tfjs_compat.index.address import hide_credentials

        # An OSError that nothing turned into one of ours: a full disk under stdout, a working folder that is gone.
        click.echo(f"error: {shown(hide_credentials(str(error)))}", err=True)
    elif isinstance(error, MemoryError) or (isinstance(error, ImportError) and not _is_ours(error)):
        # A library that does not find the memory to be loaded is an ImportError.
        why = f"there is too little memory, or a package is damaged: {error}" if str(error) else "out of memory"
        click.echo(f"error: {shown(why)}", err=True)
    else:
        traceback.print_exception(error)
        click.echo("error: a fault of tfjs-compat itself: please report it with the lines above", err=True)


def _is_ours(error: ImportError) -> bool:
    """Whether it is code of ours that asks for what is not there; not a library that cannot be loaded."""
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    return bool(frames) and Path(frames[-1]).is_relative_to(Path(__file__).parents[1])


if __name__ == "__main__":
    main()
