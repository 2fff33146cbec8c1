"""What compares locks: diff-locks."""

from __future__ import annotations

from pathlib import Path

import click

from tfjs_compat.cli.console import outputs, print_json
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options.declaring import with_options
from tfjs_compat.cli.options.shared import AS_JSON, OUTPUT


@cli.command("diff-locks", short_help="Show the packages that differ between two locks.")
@click.argument("old")
@click.argument("new")
@with_options(OUTPUT, AS_JSON)
def diff_locks(old: str, new: str, output: Path, as_json: bool) -> None:
    """Show the packages that differ between OLD and NEW, with their versions.

    Each is a lock file (of OUTPUT/locks, a requirements.txt with hashes, a pylock.toml), a case of the last run (in
    --output) by its id or a part of it, or a run (a folder or a results.json); two runs are compared case by case.
    """
    from tfjs_compat import api
    from tfjs_compat.cli.views import lock_differences

    found = api.diff_locks(old, new, output, api.Store())
    if as_json:
        print_json(lock_differences.as_json(found))
    else:
        lock_differences.show(outputs()[0], found)
