"""Look again at a matrix: resolve it as of now, run what that changed, and say what is news since the last time."""

from __future__ import annotations

import dataclasses
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tfjs_compat.engine.engine import Engine, make_engine
from tfjs_compat.engine.executor import open_executor
from tfjs_compat.engine.options import context_of
from tfjs_compat.engine.output import lock_output
from tfjs_compat.engine.plan import Plan, Planned, make_plan
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.engine.retries import with_retries
from tfjs_compat.engine.run import run_plan
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.locks.lock import Lock
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.change_groups import groups
from tfjs_compat.results.comparison import Change, Comparison, compare
from tfjs_compat.results.expectations import as_expected
from tfjs_compat.results.files import RESULTS, read_results, write_results
from tfjs_compat.results.watching import TO_EXPLAIN, news, next_state, still_holds, used_locks
from tfjs_compat.system.capacity import default_jobs
from tfjs_compat.system.files import disk_errors, write_whole
from tfjs_compat.system.progress import Progress
from tfjs_compat.version import __version__
from tfjs_compat.workflows.culprit_search import WORK
from tfjs_compat.workflows.ends import end_of_result
from tfjs_compat.workflows.inputs import require_inputs
from tfjs_compat.workflows.matrices import load_matrix
from tfjs_compat.workflows.run import require_runtimes
from tfjs_compat.workflows.unexpected import explanation_of, with_texts

_LOCKS = "locks"
_RETRIES = 1
"""How often a case is run again that ended unlike the last time, or by a fault, before that is spoken of."""


@dataclass(frozen=True)
class WatchRequest:
    """What to watch.

    ``state`` is the folder that holds what the last watch knew; a CI keeps it between runs. ``explain``: name the
    release that did it, for each cause that is new.
    """

    state: Path = Path(".tfjs-compat-watch")
    explain: bool = True
    run_options: RunRequest = field(default_factory=RunRequest)


class Watched(msgspec.Struct, frozen=True):
    """What a watch came to.

    ``results`` are those of every case now, ``ran`` of which were run and the others taken over. ``comparison`` is with
    the last time, None where this was the first; ``news`` are the changes to speak of.
    """

    results: Results
    ran: int
    comparison: Comparison | None
    news: tuple[Change, ...]


def watch(request: WatchRequest, progress: Progress | None = None, stop: threading.Event | None = None) -> Watched:
    """Run what changed since the last watch, compare, and write the new state.

    A case that ends unlike the last time is run once more, so that chance is not taken for a change. A fault of the
    machinery leaves what was known of a case as it was, a stop all that was known. Raises RequestError, MachineryError.
    """
    started, options = time.monotonic(), request.run_options
    jobs, output, state = options.jobs or default_jobs(), options.output.absolute(), request.state.absolute()
    if state == output:
        raise RequestError(f"--state {request.state}: it is the output folder\nhint: give it a folder of its own")
    matrix, bases = load_matrix(options)
    require_inputs(options.inputs)
    context = context_of(options, matrix.limits, jobs, progress, stop)
    with lock_output(state), lock_output(output), open_executor(options.executor, jobs, options.store) as opened:
        last = _last(request.state)
        require_runtimes(matrix, options, context)
        # Resolved anew: what an hour ago was the answer is what this is to look at.
        plan = make_plan(matrix, bases, context, jobs, only=options.only, fresh=True)
        taken_over = _taken_over(plan, last)
        todo = tuple(planned for planned in plan.cases if planned.case.id not in taken_over)
        require_runtimes(matrix, options, context, plan)
        engine = make_engine(
            options, matrix.until, context, output, opened, permissions=matrix.permissions, limits=matrix.limits
        )
        rest = msgspec.structs.replace(plan, cases=todo)
        ran = run_plan(rest, engine)
        if ran.complete:
            ran = with_retries(ran, rest, engine, _RETRIES, last)
        now = _united(plan, ran, taken_over, last)
        if last is not None and request.explain and now.complete:
            now = _explained(now, last, plan, state, engine)
        now = msgspec.structs.replace(now, seconds=round(time.monotonic() - started, 3))
        write_results(now, output)
        if now.complete:
            # What a watch says that is stopped may be read by nobody: the next one says it again.
            _write_state(next_state(last, now, {planned.case.id for planned in plan.cases}), plan, state)
    comparison = compare(last, now) if last is not None else None
    return Watched(now, len(ran.cases), comparison, news(comparison) if comparison is not None else ())


def _last(state: Path) -> Results | None:
    """What the last watch knew; None for the first time. Raises RequestError where it cannot be read."""
    if not (state / RESULTS).exists():
        return None
    try:
        return read_results(state)
    except RequestError as error:
        text = str(error)
        hint = "" if "\nhint: " in text else f"\nhint: remove {state} to begin anew: the next watch is then the first"
        raise RequestError(f"--state {text}{hint}") from None


def _explained(now: Results, last: Results, plan: Plan, state: Path, engine: Engine) -> Results:
    """The results; the first of each cause that is new with what made the difference to the last time.

    The good end is the same case in the lock of the last time, which the state still holds.
    """
    planned = {one.case.id: one for one in plan.cases}
    inner = dataclasses.replace(engine, output=engine.output / WORK)
    texts: dict[str, str] = {}
    for group in groups(compare(last, now), TO_EXPLAIN):
        change = group.changes[0]
        before, after = change.before, change.after
        if before is None or after is None or before.lock in (None, after.lock) or engine.context.stop.is_set():
            continue
        try:
            good = end_of_result(before, state, engine.context)
        except (RequestError, MachineryError):
            # The model changed too, or the Python of then is gone: there is no such end to go back to.
            continue
        text = explanation_of(planned[change.case], after, good, (), inner)
        texts.update({one.case: text for one in group.changes if text})
    return with_texts(now, texts)


def _taken_over(plan: Plan, last: Results | None) -> dict[str, CaseResult]:
    """The last results that still hold, as this matrix judges them."""
    if last is None or last.until != plan.matrix.until:
        return {}
    known = {case.id: case for case in last.cases}
    found = {}
    for planned in plan.cases:
        case, before = planned.case, known.get(planned.case.id)
        lock = planned.lock.id if isinstance(planned.lock, Lock) else None
        if before is not None and still_holds(before, lock, case.model.digest, same_tool=last.tool == __version__):
            found[case.id] = _judged_again(before, planned, last)
    return found


def _judged_again(before: CaseResult, planned: Planned, last: Results) -> CaseResult:
    rule, keras = planned.case.expected, before.resolved.get("keras")
    expected = as_expected(rule, last.until, before.verdict, before.stage, before.issues, keras)
    return msgspec.structs.replace(before, expected=rule, as_expected=expected, cached=True)


def _united(plan: Plan, ran: Results, taken_over: dict[str, CaseResult], last: Results | None) -> Results:
    """The results of every case of the plan, in its order."""
    found = {**taken_over, **{case.id: case for case in ran.cases}}
    cases = tuple(found[planned.case.id] for planned in plan.cases if planned.case.id in found)
    return msgspec.structs.replace(
        ran,
        cases=cases,
        complete=len(cases) == len(plan.cases),
        planned=len(plan.cases),
        locks=used_locks(cases, last, ran),
    )


def _write_state(state: Results, plan: Plan, folder: Path) -> None:
    """Write what the next watch compares with, and the locks of it. Raises MachineryError."""
    locks, used = plan.locks(), {case.lock for case in state.cases if case.lock is not None}
    for name in used & set(locks):
        write_whole(folder / _LOCKS / f"{name}.txt", locks[name].text)
    write_results(state, folder)
    with disk_errors(folder):
        for path in (folder / _LOCKS).glob("*.txt"):
            if path.stem not in used:
                path.unlink()
