"""Plan → results, kept as they come: a line of the journal for each trial that ends, results.json at the end."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from tfjs_compat.engine.coordinator import run_trials
from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.grants import grant
from tfjs_compat.engine.plan import Plan
from tfjs_compat.engine.plan_document import document, open_document
from tfjs_compat.results.case_result import SCHEMA, CaseResult, Results
from tfjs_compat.results.files import RESULTS, from_journal, pinned, write_results
from tfjs_compat.results.journal import JOURNAL, Journal, read_journal, read_lines
from tfjs_compat.results.plan_file import PlanDocument, read_plan, write_plan
from tfjs_compat.system.files import disk_errors
from tfjs_compat.version import __version__


def run_plan(plan: Plan, engine: Engine) -> Results:
    """Run the requested cases of a plan, journal each as it ends, and give their results in the plan's order.

    OUTPUT/plan.json is written first. What the journal holds of the same matrix stays; that of another is removed.
    When the user interrupts, the results are those of the cases that had ended, and ``complete`` is false.
    """
    started, clock = datetime.datetime.now(datetime.timezone.utc), time.monotonic()
    planned = document(
        plan,
        engine.options.until,
        started.isoformat(timespec="seconds"),
        read_plan(engine.output),
        engine.options.permissions,
    )
    journal = begin(planned, engine)
    try:
        ended = run_trials(
            plan.cases, engine, lambda result: journal.append(result, time.monotonic() - clock, planned.run)
        )
    finally:
        journal.close()
    cases = tuple(ended.results[case.case.id] for case in plan.cases if case.case.id in ended.results)
    return Results(
        schema=SCHEMA,
        tool=__version__,
        started=planned.started,
        seconds=round(time.monotonic() - clock, 3),
        matrix=planned.matrix,
        until=planned.until,
        complete=ended.complete,
        machine=planned.machine,
        left_out=planned.left_out,
        cases=cases,
        planned=len(plan.cases),
        locks={name: lock.packages for name, lock in plan.locks().items()},
        source=planned.source,
        permissions=planned.permissions,
    )


class OpenJournal(NamedTuple):
    """The journal of work that plans as it goes: what ``append`` is called with is kept at once.

    ``earlier`` are the results of the same work, in their order, should it have been interrupted.
    """

    append: Callable[[CaseResult], None]
    earlier: tuple[CaseResult, ...]


@contextlib.contextmanager
def journalled(name: str, engine: Engine, digest: str | None = None) -> Iterator[OpenJournal]:
    """A journal for work that plans as it goes, such as a search.

    ``digest`` identifies the work, so that it can go on where it was interrupted; without one it begins anew.
    ``report`` shows what there is of it at any time. results.json is written at the end, however it ends.
    """
    clock = time.monotonic()
    started = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    planned = open_document(name, engine.options.until, started, digest, engine.options.permissions)
    journal = begin(planned, engine)
    complete = False
    try:
        yield OpenJournal(
            lambda result: journal.append(result, time.monotonic() - clock, planned.run),
            tuple(line.result for line in read_lines(engine.output)),
        )
        complete = not engine.context.stop.is_set()
    finally:
        journal.close()
        if (found := from_journal(engine.output)) is not None:
            write_results(msgspec.structs.replace(found, complete=complete), engine.output)


def begin(planned: PlanDocument, engine: Engine) -> Journal:
    """Write the plan and open the journal of the output folder; results of another matrix are removed."""
    output, before = engine.output, read_plan(engine.output)
    with disk_errors(output):
        if before is None or before.matrix_digest != planned.matrix_digest:
            (output / JOURNAL).unlink(missing_ok=True)
        # From here on the journal says what is known, until the run ends.
        (output / RESULTS).unlink(missing_ok=True)
    grant(planned.permissions, output, engine.context.store)
    write_plan(planned, output)
    return Journal(output)


def united(results: Results, output: Path) -> Results:
    """The content of results.json: the results of a run, and those that the journal holds of its plan's other cases."""
    plan = read_plan(output)
    if plan is None or len(plan.cases) == len(results.cases):
        return results
    known = {name: line.result for name, line in read_journal(output).lines.items()}
    known |= {case.id: case for case in results.cases}
    cases = tuple(known[planned.id] for planned in plan.cases if planned.id in known)
    complete = results.complete and len(cases) == len(plan.cases)
    locks = pinned(output, [case for case in cases if case.lock not in results.locks]) | results.locks
    return msgspec.structs.replace(results, cases=cases, complete=complete, planned=len(plan.cases), locks=locks)
