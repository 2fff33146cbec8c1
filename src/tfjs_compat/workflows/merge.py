"""Merge the output folders of runs of one plan, such as its shards, into one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tfjs_compat.engine.output import lock_output
from tfjs_compat.engine.retries import RETRIES
from tfjs_compat.errors import RequestError
from tfjs_compat.results.files import RESULTS, read_results, write_results
from tfjs_compat.results.history import keep_run
from tfjs_compat.results.journal import JOURNAL, Journal
from tfjs_compat.results.merge import Merged, Part, merge
from tfjs_compat.results.plan_file import read_plan, write_plan
from tfjs_compat.system.child_files import copy_settled
from tfjs_compat.system.files import disk_errors, remove_tree

_FOLDERS = ("locks", "cases", RETRIES)


def merge_runs(folders: Sequence[Path], output: Path) -> Merged:
    """Unite runs into OUTPUT: plan, journal, results.json, and the files of every case. Gives what it came to.

    A run that was killed gives what its journal holds. Raises RequestError as ``merge`` does, where a folder holds no
    run, or the output is one of them; MachineryError on a full disk.
    """
    distinct = list(dict.fromkeys(folder.absolute() for folder in folders))
    if any(folder.resolve() == output.resolve() for folder in distinct):
        hint = "hint: give the merged run a folder of its own"
        raise RequestError(f"--output {output}: it is one of the runs to merge\n{hint}")
    parts = {folder: _part(folder) for folder in distinct}
    whole = merge(list(parts.values()))
    run = secrets.token_hex(8)
    whole = msgspec.structs.replace(whole, plan=msgspec.structs.replace(whole.plan, run=run))
    output = output.absolute()
    with lock_output(output):
        _remove_earlier(output)
        for folder in sorted(parts, key=lambda folder: parts[folder].plan.started):
            for trial in (folder / "cases").glob("*/*"):
                # Of one that was run twice the files are those of the later run alone.
                remove_tree(output / trial.relative_to(folder))
            copy_settled(folder, output, _FOLDERS, over=True)
        write_plan(whole.plan, output)
        journal = Journal(output)
        try:
            for result in whole.results.cases:
                journal.append(result, whole.results.seconds, run)
        finally:
            journal.close()
        write_results(whole.results, output)
        if whole.results.complete:
            keep_run(whole.results, output)
    return whole


def _part(folder: Path) -> Part:
    if not folder.is_dir():
        raise RequestError(f"{folder}: there is no such folder\nhint: give the output folders of runs")
    try:
        plan = read_plan(folder)
    except RequestError as error:
        what = str(error).partition("\n")[0]
        raise RequestError(f"{what}\nhint: leave {folder.name} away: its cases are then named as missing") from None
    if plan is None:
        raise RequestError(f"{folder}: holds no run: there is no plan.json\nhint: give the output folders of runs")
    return Part(folder.name, plan, read_results(folder))


def _remove_earlier(output: Path) -> None:
    """Remove what an earlier merge or run left here; nothing where there was none. Raises MachineryError."""
    if read_plan(output) is None:
        return
    with disk_errors(output):
        for name in (RESULTS, JOURNAL):
            (output / name).unlink(missing_ok=True)
    for name in _FOLDERS:
        remove_tree(output / name)
