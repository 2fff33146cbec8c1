"""results.json: written whole, read with errors that help."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.locks.reading import read_requirements, versions
from tfjs_compat.results.case_result import SCHEMA, CaseResult, Results
from tfjs_compat.results.journal import JOURNAL, read_journal
from tfjs_compat.results.plan_file import read_plan
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import read_packed, read_regular, write_whole

RESULTS = "results.json"

LARGEST = 512 << 20
"""Bytes of a run's results that are read, packed or not: a hundred thousand cases of five thousand bytes."""


def write_results(results: Results, output: Path) -> Path:
    """Write OUTPUT/results.json, whole or not at all, and give its path. Raises MachineryError."""
    path = output / RESULTS
    write_whole(path, msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    return path


class _Head(msgspec.Struct):
    schema: int


_HEAD, RESULTS_READER = Reader[_Head](_Head), Reader[Results](Results)


def read_results(path: Path) -> Results:
    """The results of a run: ``path`` is its output folder, a results.json, or one that is kept (``.json.gz``).

    Of a run that has not ended, or was killed, they are what its plan and journal hold; ``complete`` is then false.
    Raises RequestError where there is nothing, or it is damaged or of another schema.
    """
    file = path / RESULTS if path.is_dir() else path
    try:
        content = read_packed(file, LARGEST) if file.name.endswith(".gz") else read_regular(file, LARGEST)
    except FileNotFoundError:
        if path.is_dir() and (partial := from_journal(path)) is not None:
            return partial
        hint = "`tfjs-compat run` writes one when it ends" if file != path else "give the output folder of a run"
        raise RequestError(f"{file}: there is no such file or folder\nhint: {hint}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _damaged(file, error) from None
    except OSError as error:
        raise RequestError(f"{file}: cannot be read: {error.strerror or error}") from None
    try:
        schema = _HEAD.decode(content).schema
        if schema != SCHEMA:
            older = schema < SCHEMA
            hint = "`tfjs-compat run` writes it anew" if older else "upgrade tfjs-compat"
            by = "an older" if older else "a newer"
            raise RequestError(
                f"{file}: written by {by} tfjs-compat: key 'schema' is {schema}, this one reads {SCHEMA}\nhint: {hint}"
            )
        return RESULTS_READER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(file, error) from None


def _damaged(file: Path, error: Exception) -> RequestError:
    return RequestError(f"{file}: damaged, or no results.json of tfjs-compat: {error}")


def from_journal(output: Path) -> Results | None:
    """The results that an output folder's plan and journal hold so far, in the order of the plan; None without a plan.

    A search plans as it goes: cases that ended and stand in no plan come last.
    """
    plan = read_plan(output)
    if plan is None:
        return None
    lines, damaged = read_journal(output)
    requested = {planned.id for planned in plan.cases if planned.requested}
    # What an earlier run found out counts for cases that this one was not to run.
    known = {name: line for name, line in lines.items() if line.run == plan.run or name not in requested}
    order = [planned.id for planned in plan.cases]
    ended = [name for name in dict.fromkeys([*order, *known]) if name in known]
    return Results(
        schema=SCHEMA,
        tool=plan.tool,
        started=plan.started,
        seconds=max((line.at for line in known.values()), default=0.0),
        matrix=plan.matrix,
        until=plan.until,
        complete=bool(order) and len(ended) == len(order),
        machine=plan.machine,
        left_out=(*plan.left_out, *([f"{JOURNAL}: {damaged} damaged lines"] if damaged else [])),
        cases=tuple(known[name].result for name in ended),
        planned=len(order) or None,
        locks=pinned(output, (known[name].result for name in ended)),
        source=plan.source,
        permissions=plan.permissions,
    )


def pinned(output: Path, cases: Iterable[CaseResult]) -> dict[str, dict[str, str]]:
    """What the locks of cases pin, by their ids: package → version, as OUTPUT/locks/ID.txt says.

    A lock whose file is gone or damaged is left out: it is for reports only.
    """
    found = {}
    for lock in dict.fromkeys(case.lock for case in cases if case.lock is not None):
        with contextlib.suppress(OSError, UnicodeDecodeError, RequestError):
            found[lock] = versions(read_requirements(read_regular(output / "locks" / f"{lock}.txt").decode()))
    return found
