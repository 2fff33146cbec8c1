"""Tasks for machines that see neither the coordinator's disk nor its store: the worker's side.

A task runs here in this machine's own store, with its own Pythons and Node; outcomes that the store keeps already are
taken from it. A machine with another tfjs-compat, or without the Python, cannot answer: that is its fault, and no
verdict.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.engine import cache, dask_worker
from tfjs_compat.engine.deciding_files import code_digest
from tfjs_compat.engine.options import memory_limit
from tfjs_compat.engine.parcels import RECEIVED, unpack, unpacked
from tfjs_compat.engine.remote_tasks import REMOTE_TASKS, Message, RemoteResult, RemoteTask, messages, plain
from tfjs_compat.engine.tasks import Task, TaskResult, Trial, TrialResult
from tfjs_compat.engine.worker import Worker, cache_key, lost, make_worker, perform
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.matrix.models import Kind, Model, find_model
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.child_files import read_child_file
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.trials.touched import place_of

_MOST_FILE = 64 << 20
_MOST_BACK = 128 << 20
_WATCH_SECONDS = 0.5


def run_remote_task(task: Mapping[str, Any]) -> dict[str, Any]:
    """Run a RemoteTask given as plain data, on this machine; its RemoteResult as plain data."""
    received = REMOTE_TASKS.convert(task)
    store = Store()
    try:
        result = _run(received, store)
    except MachineryError as error:
        # A fault of this machine: its trials have no verdict.
        lock = received.task.lock
        outcome = lost(Stage.INSTALL, error, lock)
        result = RemoteResult(tuple(TrialResult(trial.case.id, lock.id, outcome) for trial in received.task.trials))
    return plain(result)


def _run(received: RemoteTask, store: Store) -> RemoteResult:
    if code_digest(store) != received.code:
        raise MachineryError("this worker has another tfjs-compat than the coordinator")
    for digest, content in received.contents.items():
        unpack(digest, content, store)
    needed = {digest for digest, _ in (*received.models.values(), *([received.inputs] if received.inputs else []))}
    if missing := tuple(sorted(digest for digest in needed if unpacked(digest, store) is None)):
        return RemoteResult(missing=missing)
    with temporary_folder("remote-", store.folder("scratch")) as output:
        task = _here(received, store, output)
        results = _Results(received, task)
        with _worker(task, store, results.add, results.note) as worker:
            if not task.options.fresh:
                for result in _kept(task, worker, store):
                    results.add(result)
            rest = tuple(trial for trial in task.trials if trial.case.id not in results.ended)
            found = perform(msgspec.structs.replace(task, trials=rest), worker) if rest else TaskResult(())
        return results.rest(interrupted=found.interrupted)


class _Results:
    """The results of a task: sent on the channel as they come; those that could not be are ``rest``."""

    def __init__(self, received: RemoteTask, task: Task) -> None:
        self.ended: dict[str, TrialResult] = {}
        self._received, self._output = received, Path(task.output)
        self._folders = {trial.case.id: trial.folder(task.lock.id) for trial in task.trials}
        self._sent: list[str] = []
        self._notes: list[str] = []
        self._attempt = secrets.token_hex(8)
        self._send: Callable[[dict[str, Any]], None] | None = None
        if received.channel:
            try:
                self._send = dask_worker.open_channel(received.channel)
                self._send(plain(Message(received.name, self._attempt)))
            except Exception as error:
                self._go_without_channel(error)

    def add(self, result: TrialResult) -> None:
        """Take a result, and send it if that is possible."""
        self.ended[result.case] = result
        if self._send is None:
            return
        folder = self._folders[result.case]
        try:
            for message in messages(self._received.name, self._attempt, result, folder, _files(self._output / folder)):
                self._send(plain(message))
        except Exception as error:
            self._go_without_channel(error)
        else:
            self._sent.append(result.case)

    def _go_without_channel(self, error: Exception) -> None:
        """Whatever is wrong with the channel: from here on results come with the task."""
        self._send = None
        self.note(f"results come when their task ends, not one by one: {dask_worker.described(error)}")

    def note(self, text: str) -> None:
        """Remember what this machine goes without, for whoever looks at the run."""
        if text not in self._notes:
            self._notes.append(text)

    def rest(self, *, interrupted: bool) -> RemoteResult:
        """What goes back with the task."""
        left = {name: result for name, result in self.ended.items() if name not in self._sent}
        files = {self._folders[name]: _files(self._output / self._folders[name]) for name in left}
        return RemoteResult(tuple(left.values()), interrupted, files, sent=tuple(self._sent), notes=tuple(self._notes))


def _here(received: RemoteTask, store: Store, output: Path) -> Task:
    """The task with the paths that things have on this machine."""
    task = received.task

    def local(trial: Trial) -> Trial:
        model = trial.case.model
        if model.ref in received.models:
            digest, name = received.models[model.ref]
            root = store.root / RECEIVED / digest
            search = (str(root),) if model.kind is Kind.BUILDER else model.search
            moved = msgspec.structs.replace(model, path=str(root / name), search=search)
        else:
            moved = _example(model)
        return msgspec.structs.replace(trial, case=msgspec.structs.replace(trial.case, model=moved))

    inputs = None
    if received.inputs is not None:
        inputs = str(store.root / RECEIVED / received.inputs[0] / received.inputs[1])
    options = msgspec.structs.replace(
        task.options, store=str(store.root), inputs=inputs, memory=task.options.memory or memory_limit(1)
    )
    return msgspec.structs.replace(
        task,
        output=str(output),
        python=_python(task.lock.python.tag, store),
        trials=tuple(local(trial) for trial in task.trials),
        options=options,
    )


def _example(model: Model) -> Model:
    """An example of the zoo, from this machine's tfjs-compat."""
    found = find_model(model.ref, Path())
    return msgspec.structs.replace(model, path=found.path, search=found.search)


def _python(tag: str, store: Store) -> Interpreter:
    for python in find_interpreters(store):
        if python.tag == tag:
            return python
    raise MachineryError(f"this worker has no {tag}, which the lock is for\nhint: give all machines the same Pythons")


@contextlib.contextmanager
def _worker(
    task: Task, store: Store, finished: Callable[[TrialResult], None], note: Callable[[str], None]
) -> Iterator[Worker]:
    """A worker with a context of its own, which stops when the scheduler no longer wants the task."""
    options, ended = task.options, threading.Event()
    context, given_up = Context(store, limits=options.limits), dask_worker.given_up()

    def watch() -> None:
        while not ended.wait(_WATCH_SECONDS):
            if given_up():
                context.stop.set()
                return

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    worker = make_worker(options, context, finished, peers=dask_worker.peers(note))
    try:
        yield worker
    finally:
        worker.close()
        ended.set()
        watching.join()


def _kept(task: Task, worker: Worker, store: Store) -> Iterator[TrialResult]:
    """The results of trials whose outcome this machine's store keeps."""
    for trial in task.trials:
        folder = Path(task.output) / trial.folder(task.lock.id)
        outcome = cache.kept_outcome(
            cache_key(trial, task, worker).key, store, folder, place=place_of(trial.case.model)
        )
        if outcome is not None:
            yield TrialResult(trial.case.id, task.lock.id, outcome)


def _files(folder: Path) -> dict[str, bytes]:
    """The regular files of a trial's folder; without the largest where they are too much for a message."""
    names = sorted(
        (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()),
        key=lambda path: path.stat().st_size,
    )
    found, size = dict[str, bytes](), 0
    for path in names:
        data = read_child_file(path, _MOST_FILE)
        size += len(data)
        if size > _MOST_BACK:
            break
        found[path.relative_to(folder).as_posix()] = data
    return found
