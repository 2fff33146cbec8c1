"""Planned cases → their results. It cuts the work into tasks, gives them to an executor, and takes what comes back.

Kept outcomes are taken from the cache first.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.engine import cache
from tfjs_compat.engine.durations import Durations
from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.gather import gather
from tfjs_compat.engine.plan import Planned
from tfjs_compat.engine.remote import RemoteExecutor
from tfjs_compat.engine.schedule import Piece, pieces
from tfjs_compat.engine.tasks import HANDED_IN, TASK_RESULTS, Task, Trial, TrialResult
from tfjs_compat.engine.worker import (
    INBOX,
    STOP_FILE,
    Worker,
    cache_key,
    in_this_process,
    lost,
    make_worker,
    run_task,
)
from tfjs_compat.environments.environment import is_built
from tfjs_compat.environments.wheels import remove_abandoned_fillings
from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.outcomes.wrong_inputs import WrongInputs
from tfjs_compat.results.case_result import CaseResult, case_result, trial_id
from tfjs_compat.system.files import finish_removals, read_regular, remove_tree, write_whole
from tfjs_compat.system.temporary import remove_abandoned
from tfjs_compat.trials.touched import place_of

_BUILD_SECONDS = 15.0
_UNKNOWN_SIGNATURE = ".UnknownSignature"
"""Of inside/tfjs_case/signatures.py."""


class Ended(msgspec.Struct, frozen=True):
    """The results of cases by their ids; ``complete`` is false where a stop kept some from their end."""

    results: dict[str, CaseResult]
    complete: bool


def run_trials(
    planned: Sequence[Planned], engine: Engine, ended: Callable[[CaseResult], None] = lambda _: None
) -> Ended:
    """Run planned cases: as far as they are kept, from the cache, else for real. ``ended`` is called with each result.

    A fault of the machinery is a result of the cases it concerns (verdict ``error``), never the end of the others.
    Raises what ``ended`` raises, and RequestError for a model that cannot travel to other machines.
    """
    coordinator = _Coordinator(planned, engine, ended)
    with in_this_process(coordinator.run, coordinator.worker):
        complete = coordinator.run_all()
    return Ended(coordinator.results, complete)


class _Coordinator:
    """One call of run_trials. Results come from threads, processes and other machines; each counts once."""

    def __init__(self, planned: Sequence[Planned], engine: Engine, ended: Callable[[CaseResult], None]) -> None:
        self.run = secrets.token_hex(8)
        self.results: dict[str, CaseResult] = {}
        self._planned = {case.case.id: case for case in planned}
        self._engine, self._ended = engine, ended
        self._durations = Durations(engine.context.store)
        self._left: dict[str, float] = {}
        self._seconds_left = 0.0
        self._lock = threading.Lock()
        self._fault: BaseException | None = None
        self._why_lost = ""
        self._notes: set[str] = set()
        self._closed = False
        self.worker: Worker = make_worker(
            engine.options, engine.context, self._take, engine.operations, warm=engine.warm
        )

    def run_all(self) -> bool:
        """Run everything; whether every case came to an end."""
        try:
            return self._run_all()
        finally:
            with self._lock:
                self._closed = True

    def _run_all(self) -> bool:
        engine, progress = self._engine, self._engine.context.progress
        if engine.context.store.read_only:
            what = f"store {engine.context.store.root}"
            progress.begin(what)
            progress.end(what, "read-only: what it holds is used, nothing new is kept")
        self._clear_up_after_the_killed()
        self._write_locks()
        todo = [planned for planned in self._planned.values() if not self._known(planned)]
        if isinstance(engine.executor, RemoteExecutor):
            engine.executor.pack(planned.case.model for planned in todo)
        try:
            self._run_over(engine.executor, todo)
            if left := self._left_by_lost_workers():
                what = "worker"
                progress.begin(what)
                progress.end(what, f"a process of the pool is gone; {len(left)} cases that it left run here")
                with ThreadPoolExecutor(engine.jobs, thread_name_prefix="tfjs-compat") as here:
                    self._run_over(here, left)
        finally:
            with contextlib.suppress(OSError):
                # Each server has removed its own folder there.
                (engine.output / "servers").rmdir()
        if self._fault is not None:
            raise self._fault
        self._give_up_lost_cases()
        return len(self.results) == len(self._planned)

    def _run_over(self, executor: Executor, todo: Sequence[Planned]) -> None:
        """Run cases, as tasks over an executor, until they have results or a stop is asked for."""
        engine, stop_file = self._engine, self._engine.output / STOP_FILE
        pieces = self._pieces(todo)
        self._left = {planned.case.id: piece.seconds / len(piece.cases) for piece in pieces for planned in piece.cases}
        self._seconds_left = sum(self._left.values())
        self._say_how_much_is_done()
        tasks = [msgspec.to_builtins(self._task(piece)) for piece in pieces]
        stop_file.unlink(missing_ok=True)
        try:
            gather(
                executor,
                run_task,
                tasks,
                engine.context.stop,
                self._take_all,
                stopping=lambda: _touch(stop_file),
                # A process that dies takes its pool along: what it did not finish has no verdict yet.
                tolerated=(Exception,),
                tolerating=self._note_lost_task,
                waiting=self._take_handed_in,
            )
        except (Interrupted, KeyboardInterrupt):
            pass
        finally:
            self._take_handed_in()
            with contextlib.suppress(OSError):
                stop_file.unlink(missing_ok=True)
                (engine.output / INBOX).rmdir()

    def _note_lost_task(self, error: BaseException) -> None:
        """Keep why the first task without a result has none."""
        said = str(error).strip().splitlines() or [type(error).__name__]
        self._why_lost = self._why_lost or f": {said[0]}"

    def _say_how_much_is_done(self) -> None:
        left = max(0.0, self._seconds_left) / self._engine.jobs
        self._engine.context.progress.cases(len(self.results), len(self._planned), left)

    def _take_handed_in(self) -> None:
        """Take the results that workers in other processes of this machine left in the output folder."""
        for path in sorted((self._engine.output / INBOX).glob("[!.]*.json")):
            with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
                found = HANDED_IN.decode(read_regular(path))
                if found.run == self.run and found.result.case not in self.results:
                    self._take(found.result)
                path.unlink()

    def _left_by_lost_workers(self) -> list[Planned]:
        if self._engine.context.stop.is_set() or self._fault is not None or self._engine.remote:
            return []
        return [planned for name, planned in self._planned.items() if name not in self.results]

    def _clear_up_after_the_killed(self) -> None:
        """Remove what runs left that were killed: their servers' folders here, their children's in the store."""
        output, store = self._engine.output, self._engine.context.store
        remove_tree(output / "servers")
        remove_tree(output / INBOX)
        finish_removals(output, *(output / "cases").glob("*"))
        if not store.read_only:
            remove_abandoned("", store.folder("scratch"))
            remove_abandoned_fillings(store)
            finish_removals(*(store.root / name for name in ("outcomes", "conversions")))

    def _pieces(self, todo: Sequence[Planned]) -> list[Piece]:
        store, layout = self._engine.context.store, self._engine.options.layout

        def preparing(lock: Lock) -> float:
            return 0.0 if is_built(lock.id, store, layout) else _BUILD_SECONDS

        def known_since(planned: Planned) -> int:
            return self._durations.known_since(planned.case) if self._engine.longest_unknown_first else 0

        durations = self._durations
        return pieces(todo, self._engine.jobs, lambda planned: durations.of(planned.case), preparing, known_since)

    def _task(self, piece: Piece) -> Task:
        trials = tuple(Trial(planned.case, planned.variables) for planned in piece.cases)
        python = piece.cases[0].python
        return Task(self.run, str(self._engine.output), piece.lock, python, trials, self._engine.options)

    def _write_locks(self) -> None:
        locks = {planned.lock.id: planned.lock for planned in self._planned.values() if isinstance(planned.lock, Lock)}
        for lock in locks.values():
            # Not lasting: the next run writes them again.
            write_whole(self._engine.output / "locks" / f"{lock.id}.txt", lock.text, lasting=False)

    def _known(self, planned: Planned) -> bool:
        """Whether a case needs no worker: it has no lock, stops at its lock, or its outcome is kept."""
        lock, until = planned.lock, self._engine.options.until
        if not isinstance(lock, Lock):
            self._end(planned, self._without_lock(planned))
        elif until is Stage.RESOLVE:
            self._end(planned, Outcome(Stage.RESOLVE, resolved=lock.resolved(), lock=lock.id))
        elif not self._engine.options.fresh and (outcome := self._kept(planned, lock)) is not None:
            self._end(planned, outcome, cached=True)
        else:
            return False
        return True

    def _kept(self, planned: Planned, lock: Lock) -> Outcome | None:
        trial = Trial(planned.case, planned.variables)
        key = cache_key(trial, self._task(Piece(lock, (planned,))), self.worker)
        folder = self._engine.output / trial.folder(lock.id)
        name, progress = planned.case.id, self._engine.context.progress

        def warn(reason: str) -> None:
            progress.begin(name)
            progress.end(name, f"its kept outcome cannot be used, so it runs again: {reason}")

        return cache.kept_outcome(
            key.key, self._engine.context.store, folder, place=place_of(planned.case.model), warn=warn
        )

    def _without_lock(self, planned: Planned) -> Outcome:
        answer = planned.lock
        if not isinstance(answer, Unresolved):
            return Outcome(Stage.RESOLVE, machinery=str(answer))
        failure = Failure(Stage.RESOLVE, answer.message, packages=answer.packages, text=answer.text)
        folder = self._engine.output / "cases" / trial_id(planned.case.id, None)
        write_whole(folder / "log.txt", answer.text + "\n", lasting=False)
        return Outcome(Stage.RESOLVE, failure, log="log.txt")

    def _take(self, result: TrialResult) -> None:
        """Take what a worker in this process found, or one elsewhere sent, as it comes."""
        planned = self._planned[result.case]
        if result.seconds is not None and result.case not in self.results:
            self._durations.record(planned.case, result.seconds)
        self._end(planned, result.outcome)

    def _take_all(self, plain: dict[str, Any]) -> None:
        """Take what came with a task; of a worker in this process all of it is here already."""
        found = TASK_RESULTS.convert(plain)
        for result in found.results:
            if result.case not in self.results:
                self._take(result)
        for note in found.notes:
            if note not in self._notes:
                self._notes.add(note)
                self._engine.context.progress.begin("cluster")
                self._engine.context.progress.end("cluster", note)
        if found.interrupted:
            self._engine.context.stop.set()

    def _end(self, planned: Planned, outcome: Outcome, *, cached: bool = False) -> None:
        until, progress = self._engine.options.until, self._engine.context.progress
        if isinstance(planned.lock, Lock):
            resolved = planned.lock.resolved()
            outcome = msgspec.structs.replace(outcome, lock=planned.lock.id, resolved=resolved)
        result = case_result(planned.case, outcome, until, cached=cached, variables=planned.variables)
        wrong = self._wrong_request(planned, outcome)
        with self._lock:
            # What comes a second time, or after the end, says nothing new.
            if self._fault is not None or self._closed or result.id in self.results:
                return
            if wrong is not None:
                self._fault = wrong
                self._engine.context.stop.set()
                return
            self.results[result.id] = result
            try:
                self._ended(result)
            except BaseException as error:
                # Without a journal nothing that runs now would be known of.
                self._fault = error
                self._engine.context.stop.set()
                return
            self._seconds_left -= self._left.pop(result.id, 0.0)
        if not cached:
            self._say_how_much_is_done()
            progress.end(result.id, summary(result))

    def _wrong_request(self, planned: Planned, outcome: Outcome) -> RequestError | None:
        """What a case says of the inputs that were given, or of the signature: they are the request's, and no other
        case can do with them.

        Those of one model alone (of a function beside a builder) do not end a run of several: it goes on without them.
        """
        wrong, inputs, model = outcome.wrong_inputs, self._engine.options.inputs, planned.case.model
        if wrong is not None and inputs is not None:
            return _wrong_inputs(f"--inputs {inputs}", wrong, model.ref)
        chain = outcome.failure.chain if outcome.failure is not None else ()
        unknown = next((raised for raised in chain if raised.type.endswith(_UNKNOWN_SIGNATURE)), None)
        if wrong is None and unknown is None:
            return None
        # Looked at only now: a run may have a hundred thousand cases, and each of them comes by here.
        if any(other.case.model.ref != model.ref for other in self._planned.values()):
            return None
        if wrong is not None:
            return _wrong_inputs(f"{model.path}: {model.function}_inputs", wrong, model.ref)
        return RequestError(f"model '{model.ref}': {unknown.message}") if unknown is not None else None

    def _give_up_lost_cases(self) -> None:
        """End the cases of workers that died without a result as faults of the machinery."""
        if self._engine.context.stop.is_set():
            return
        for planned in self._planned.values():
            if planned.case.id not in self.results and isinstance(planned.lock, Lock):
                error = MachineryError(f"the worker that ran it ended without a result{self._why_lost}")
                self._end(planned, lost(Stage.IMPORT, error, planned.lock))


def _wrong_inputs(what: str, wrong: WrongInputs, ref: str) -> RequestError:
    hint = wrong.hint()
    return RequestError(f"{what}: {wrong.reason(f'model {ref}')}" + (f"\nhint: {hint}" if hint else ""))


def _touch(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.touch()


def summary(result: CaseResult) -> str:
    """One clause on a result: verdict, stage, cause."""
    if result.verdict is Verdict.WORKS:
        return "works"
    cause = result.issue or result.signature or result.message
    return f"{result.verdict} at {result.stage}" + (f": {cause}" if cause else "")
