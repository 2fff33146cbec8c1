"""Tasks on machines that see neither the coordinator's disk nor its store.

What a task needs travels by content digest (``parcels.py``): at first only the digests, and the content where a machine
lacks it. It runs there in that machine's own store, with its own Pythons and Node; outcomes that this store keeps
already are taken from it. Logs and converted models come back with the result. A machine with another tfjs-compat, or
without the Python, cannot answer: that is its fault, and no verdict.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from tfjs_compat.engine import cache
from tfjs_compat.engine.deciding_files import code_digest
from tfjs_compat.engine.options import memory_limit
from tfjs_compat.engine.parcels import RECEIVED, Parcel, parcel_of_file, parcel_of_model, unpack, unpacked
from tfjs_compat.engine.tasks import TASKS, Task, TaskResult, Trial, TrialResult
from tfjs_compat.engine.worker import Worker, cache_key, lost, make_worker, perform
from tfjs_compat.errors import MachineryError
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.matrix.models import Kind, Model, find_model
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.child_files import read_child_file
from tfjs_compat.system.context import Context
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder

_MOST_FILE = 64 << 20
_MOST_BACK = 128 << 20
_WATCH_SECONDS = 0.5


class RemoteTask(msgspec.Struct, frozen=True):
    """A task to run elsewhere. ``code`` is the digest of what decides outcomes in the coordinator's tfjs-compat.

    ``models`` says by reference, and ``inputs`` for the file of inputs, which digest holds it, and under which name;
    ``contents`` are the files of the digests that are sent along.
    """

    task: Task
    code: str
    models: dict[str, tuple[str, str]]
    inputs: tuple[str, str] | None = None
    contents: dict[str, dict[str, bytes]] = {}


class RemoteResult(msgspec.Struct, frozen=True):
    """What a task came to elsewhere; ``missing``: the digests without which it could not begin.

    ``files`` are those of the trials' folders, by trial folder and name.
    """

    results: tuple[TrialResult, ...] = ()
    interrupted: bool = False
    files: dict[str, dict[str, bytes]] = {}
    missing: tuple[str, ...] = ()


_TASKS, _RESULTS = Reader[RemoteTask](RemoteTask), Reader[RemoteResult](RemoteResult)


def _notify(future: Future[Any]) -> None:
    """Wake whoever waits for a future that was cancelled before it ran, as ThreadPoolExecutor's workers do."""
    if future.cancelled():
        with contextlib.suppress(Exception):
            future.set_running_or_notify_cancel()


class RemoteExecutor(Executor):
    """Runs tasks over an executor whose workers share no disk with this machine.

    To the coordinator it is an executor of ``run_task``: the files of each trial are in the output folder when its
    future is done. ``close`` is called at the end.
    """

    def __init__(self, inner: Executor, store: Store, close: Callable[[], None] = lambda: None) -> None:
        self.inner, self._close = inner, close
        self._code = code_digest(store)
        self._hands = ThreadPoolExecutor(2, thread_name_prefix="tfjs-compat-remote")
        self._lock = threading.Lock()
        self._parcels: dict[str, Parcel | None] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit ``run_task`` with a task as plain data; any other function is the inner executor's."""
        if fn.__name__ != "run_task":
            return self.inner.submit(fn, *args, **kwargs)
        outer: Future[Any] = Future()
        outer.add_done_callback(_notify)
        self._by_hand(outer, lambda: self._send(args[0], outer, with_contents=False))
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Give up what runs, and close what this executor was made of."""
        self._hands.shutdown(wait=wait, cancel_futures=cancel_futures)
        self.inner.shutdown(wait=False)
        self._close()

    def _send(self, plain: dict[str, Any], outer: Future[Any], *, with_contents: bool) -> None:
        if outer.cancelled():
            return
        task, parcels = self._packed(TASKS.convert(plain))
        if with_contents:
            task = msgspec.structs.replace(task, contents={one.digest: one.content() for one in parcels})
        inner = self.inner.submit(run_remote_task, msgspec.to_builtins(task, builtin_types=(bytes,)))

        def ended(done: Future[Any]) -> None:
            self._by_hand(outer, lambda: self._take(plain, done, outer))

        def given_up(future: Future[Any]) -> None:
            if future.cancelled():
                inner.cancel()

        inner.add_done_callback(ended)
        outer.add_done_callback(given_up)

    def _take(self, plain: dict[str, Any], inner: Future[Any], outer: Future[Any]) -> None:
        if outer.cancelled():
            return
        if inner.cancelled():
            raise MachineryError("the cluster gave the work up: its scheduler or connection is gone")
        found = _RESULTS.convert(inner.result())
        if found.missing:
            self._send(plain, outer, with_contents=True)
            return
        output = Path(plain["output"])
        for folder, files in found.files.items():
            for name, data in files.items():
                relative = PurePosixPath(folder, name)
                if not relative.is_absolute() and ".." not in relative.parts:
                    write_whole(output / relative, data, lasting=False)
        result = TaskResult(found.results, found.interrupted)
        with contextlib.suppress(Exception):
            # It may have been cancelled just now.
            outer.set_result(msgspec.to_builtins(result))

    def _by_hand(self, outer: Future[Any], work: Callable[[], None]) -> None:
        """Do work on a thread of this executor: it reads and writes files, which no event loop should wait for."""

        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                with contextlib.suppress(Exception):
                    outer.set_exception(error)

        with contextlib.suppress(RuntimeError):
            # After a shutdown nobody waits for it.
            self._hands.submit(guarded)

    def _packed(self, task: Task) -> tuple[RemoteTask, list[Parcel]]:
        found: dict[str, Parcel] = {}
        models: dict[str, tuple[str, str]] = {}
        for trial in task.trials:
            model = trial.case.model
            parcel = self._parcel(model.ref, lambda model=model: parcel_of_model(model))  # type: ignore[misc]
            if parcel is not None:
                found[parcel.digest] = parcel
                name = Path(model.path).relative_to(parcel.root).as_posix()
                models[model.ref] = (parcel.digest, name)
        inputs = None
        if (path := task.options.inputs) is not None:
            parcel = self._parcel(f"inputs {path}", lambda: parcel_of_file(Path(path)))
            assert parcel is not None
            found[parcel.digest] = parcel
            inputs = (parcel.digest, parcel.names[0])
        return RemoteTask(task, self._code, models, inputs), list(found.values())

    def _parcel(self, name: str, make: Callable[[], Parcel | None]) -> Parcel | None:
        """A parcel, packed once in a run."""
        with self._lock:
            if name not in self._parcels:
                self._parcels[name] = make()
            return self._parcels[name]


def run_remote_task(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Run a RemoteTask given as plain data, on this machine; its RemoteResult as plain data."""
    received = _TASKS.convert(plain)
    store = Store()
    try:
        result = _run(received, store)
    except MachineryError as error:
        # A fault of this machine: its trials have no verdict.
        task = received.task
        outcomes = [(trial.case.id, lost(Stage.INSTALL, error, task.lock)) for trial in task.trials]
        result = RemoteResult(tuple(TrialResult(name, task.lock.id, outcome) for name, outcome in outcomes))
    found: dict[str, Any] = msgspec.to_builtins(result, builtin_types=(bytes,))
    return found


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
        with _worker(task, store) as worker:
            kept = [] if task.options.fresh else list(_kept(task, worker, store))
            ended = {result.case for result in kept}
            rest = tuple(trial for trial in task.trials if trial.case.id not in ended)
            found = perform(msgspec.structs.replace(task, trials=rest), worker) if rest else TaskResult(())
        results = (*kept, *found.results)
        cases = {result.case for result in results}
        folders = [trial.folder(task.lock.id) for trial in task.trials if trial.case.id in cases]
        return RemoteResult(results, found.interrupted, {name: _files(output / name) for name in folders})


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
def _worker(task: Task, store: Store) -> Iterator[Worker]:
    """A worker with a context of its own, which stops when the scheduler no longer wants the task."""
    options, ended = task.options, threading.Event()
    context, given_up = Context(store, limits=options.limits), _given_up()

    def watch() -> None:
        while not ended.wait(_WATCH_SECONDS):
            if given_up():
                context.stop.set()
                return

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    worker = make_worker(options, context)
    try:
        yield worker
    finally:
        worker.close()
        ended.set()
        watching.join()


def _given_up() -> Callable[[], bool]:
    """Whether whoever sent this task has given it up, as far as that can be known here."""
    try:
        from distributed import worker as workers

        worker, key = workers.get_worker(), vars(workers)["thread_state"].key
    except (ImportError, ValueError, AttributeError, KeyError):
        return lambda: False

    def given_up() -> bool:
        state = worker.state.tasks.get(key)
        return state is None or state.state == "cancelled"

    return given_up


def _kept(task: Task, worker: Worker, store: Store) -> Iterator[TrialResult]:
    """The results of trials whose outcome this machine's store keeps."""
    for trial in task.trials:
        folder = Path(task.output) / trial.folder(task.lock.id)
        outcome = cache.kept_outcome(cache_key(trial, task, worker).key, store, folder)
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
