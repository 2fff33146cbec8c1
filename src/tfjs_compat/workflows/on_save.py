"""Run, or convert, again at each save of what the answer rests on, until it is stopped.

What imports and starts is kept from one save to the next (trials/warm_pool.py), and ends with the command.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.matrix.models import Model, files_of, find_model
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.matrix.shipped import shipped_folder
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.comparison import Change, compare, kind_of
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.system.progress import Progress, Silent
from tfjs_compat.system.saves import Cancellation, Paths, at_rest, changed, look, wait_for_save
from tfjs_compat.trials.runtimes.record import read_record
from tfjs_compat.trials.touched import opened_paths
from tfjs_compat.trials.warm_pool import open_warm_pool
from tfjs_compat.workflows.convert import convert, work_folder
from tfjs_compat.workflows.find import WORK, Found, find
from tfjs_compat.workflows.matrices import load_matrix, matrix_path
from tfjs_compat.workflows.run import run

T = TypeVar("T")

ProgressOf = Callable[[threading.Event], AbstractContextManager[Progress]]
"""What a run reports to, from its beginning to its end; the event is what stops it."""


class Save(NamedTuple, Generic[T]):
    """What a save came to. ``answer`` is None where there is none: ``error`` then says why.

    ``saved``: what was saved, made or removed since the last answer; empty for the first. ``seconds``: from when the
    save was seen to the answer. ``watched``: how many files the answer rests on.
    """

    saved: tuple[str, ...]
    answer: T | None
    error: RequestError | MachineryError | None
    seconds: float
    watched: int


class RanAgain(NamedTuple):
    """The results of a matrix, and what changed since the last save; None for the first."""

    results: Results
    changes: tuple[Change, ...] | None


class ConvertedAgain(NamedTuple):
    """What a conversion came to, and what became of the case; None for the first. ``target`` holds what was written."""

    found: Found
    change: Change | None
    target: Path


def run_on_save(
    request: RunRequest,
    tell: Callable[[Save[RanAgain]], None],
    stop: threading.Event,
    progress: ProgressOf = lambda _: nullcontext(Silent()),
) -> None:
    """Run a request now and at each save, and ``tell`` what each came to, until ``stop`` is set.

    Raises RequestError and MachineryError where the first run ends so; later ones are told.
    """
    last: Results | None = None

    def once(stopped: threading.Event) -> RanAgain:
        nonlocal last
        with progress(stopped) as reporter:
            results = run(request, reporter, stopped, warm=warm)
        if not results.complete:
            raise Interrupted
        changes = compare(last, results).changes if last is not None else None
        last = results
        return RanAgain(results, changes)

    def opened(answer: RanAgain) -> Iterable[Path]:
        return _opened(answer.results.cases, request.output, answer.results.permissions)

    with open_warm_pool(request.store, request.output) as warm:
        _at_each_save(once, lambda: _files_of_run(request), opened, tell, stop)


def convert_on_save(
    request: SearchRequest,
    target: Path,
    tell: Callable[[Save[ConvertedAgain]], None],
    stop: threading.Event,
    progress: ProgressOf = lambda _: nullcontext(Silent()),
    *,
    force: bool = False,
) -> None:
    """Convert a model to ``target`` now and at each save, and ``tell`` what each came to, until ``stop`` is set.

    The way that worked last is tried first; where it works again, or cannot build the model any more, no other is
    looked for. ``force`` counts for what is there when the command begins; what the command itself wrote is replaced.
    Raises as ``run_on_save`` does.
    """
    last: Found | None = None
    way: Found | None = None
    read = list[Path]()

    def finder(asked: SearchRequest, reporter: Progress | None, stopped: threading.Event | None) -> Found:
        found = find(asked, reporter, stopped, warm=warm, last=way)
        cases = [tried.case for tried in found.tried]
        read[:] = _opened(cases, asked.run_options.output / WORK, asked.run_options.permissions())
        return found

    def once(stopped: threading.Event) -> ConvertedAgain:
        nonlocal last, way, force
        with progress(stopped) as reporter:
            found = convert(request, target, force=force, progress=reporter, stop=stopped, finder=finder)
        if found.interrupted:
            raise Interrupted
        change = _change(last, found) if last is not None else None
        force = force or found.found
        last, way = found, found if found.found else way
        return ConvertedAgain(found, change, target)

    options = request.run_options
    with open_warm_pool(options.store, work_folder(target, options.store)) as warm:
        _at_each_save(once, lambda: _files_of_search(request), lambda _: read, tell, stop)


def shown_case(found: Found) -> CaseResult | None:
    """The case that stands for a search: the one that works, else what decided, else the one that came farthest."""
    if found.case is not None:
        return found.case
    farthest_first = sorted(found.failures(), key=lambda case: -case.stage.rank)
    return next(iter((*found.narrowed.decisive, *farthest_first)), None)


def _change(last: Found, found: Found) -> Change | None:
    before, after = shown_case(last), shown_case(found)
    if before is None or after is None:
        return None
    return Change(after.id, kind_of(before, after), before, after)


def _at_each_save(
    once: Callable[[threading.Event], T],
    files: Callable[[], Paths],
    opened: Callable[[T], Iterable[Path]],
    tell: Callable[[Save[T]], None],
    stop: threading.Event,
) -> None:
    """Call ``once`` now and at each save, and ``tell`` what it came to; a save meanwhile stops it and begins again.

    ``files`` gives what to look at; where it cannot be said any more, what there was is looked at. ``opened`` is what
    an answer rests on besides.
    """
    paths, more = files(), tuple[Path, ...]()
    before, saved, first = look(paths()), tuple[str, ...](), True
    while not stop.is_set():
        started = time.monotonic()
        answer: T | None = None
        error: RequestError | MachineryError | None = None
        every = _joined(paths, more)
        with Cancellation(every, before, stop) as cancellation:
            try:
                answer = once(cancellation.event)
            except Interrupted:
                pass
            except (RequestError, MachineryError) as fault:
                if first and not cancellation.saved:
                    raise
                error = fault
        if stop.is_set():
            return
        if not cancellation.saved and (answer is not None or error is not None):
            with suppress(RequestError):
                paths = files()
            more = tuple(opened(answer)) if answer is not None else more
            every = _joined(paths, more)
            now = look(every())
            # What is looked at from now on, as it is now; of what was looked at before a save may have come meanwhile.
            before = {**now, **{path: before[path] for path in before if path in now}}
            first = False
            tell(Save(saved, answer, error, time.monotonic() - started, len(now)))
            saved = ()
        if cancellation.saved:
            # Begun anew also where all is as it was: nothing has been said of it.
            latest = at_rest(every, before, stop)
            saved, before = tuple(dict.fromkeys((*saved, *changed(before, latest)))), latest
        else:
            saved, before = wait_for_save(every, before, stop)


def _joined(paths: Paths, more: Iterable[Path]) -> Paths:
    return lambda: (*paths(), *more)


def _files_of_run(request: RunRequest) -> Paths:
    """What a run's request names: matrix, models, inputs, lock. Raises RequestError."""
    _, bases = load_matrix(request)
    named = [path for path in (request.inputs, request.lock) if path is not None]
    file = matrix_path(request.matrix, neutral=request.says_what_to_run)
    if request.lock is None and file.parent != shipped_folder():
        named.append(file)
    return _files([find_model(ref, bases[ref]) for ref in bases], named)


def _files_of_search(request: SearchRequest) -> Paths:
    """What a search's request names: the model, inputs, the file of what is installed. Raises RequestError."""
    named = [request.run_options.inputs] if request.run_options.inputs is not None else []
    if request.installed_from is not None and Path(request.installed_from).is_file():
        named.append(Path(request.installed_from))
    return _files([find_model(request.model, Path.cwd())], named)


def _files(models: Iterable[Model], named: Iterable[Path]) -> Paths:
    def now() -> Iterable[Path]:
        found = [path.absolute() for path in named]
        for model in models:
            with suppress(OSError):
                found += files_of(model)
        return dict.fromkeys(found)

    return now


def _opened(cases: Iterable[CaseResult], output: Path, permissions: Permissions) -> list[Path]:
    """What the models of cases opened, as the records in the output folder say it.

    Without what they may write: that is no save, and there would be no end of it. Of models that are not confined that
    may be anything, so that nothing that they opened counts.
    """
    if not permissions.confined:
        return []
    folders = dict.fromkeys(output.absolute() / "cases" / case.trial for case in cases)
    events = [event for folder in folders for event in read_record(folder / "record.jsonl")]
    written = [Path(folder) for folder in permissions.write]
    paths = map(Path, opened_paths(events))
    return [path for path in paths if not any(path.is_relative_to(folder) for folder in written)]
