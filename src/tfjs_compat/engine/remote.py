"""Tasks for machines that see neither the coordinator's disk nor its store: the coordinator's side.

What a task needs travels by content digest (``parcels.py``): at first only the digests, and the content where a
machine lacks it. Each result comes back with its log and its converted model as soon as its trial has ended, on a
channel beside the tasks; where there is none, or it fails, with the task. ``remote_worker.py`` is the other side.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import msgspec

from tfjs_compat.engine.arrivals import Arrivals
from tfjs_compat.engine.deciding_files import code_digest
from tfjs_compat.engine.parcels import Parcel, parcel_of_file, parcel_of_model
from tfjs_compat.engine.remote_tasks import MESSAGES, REMOTE_RESULTS, Message, RemoteResult, RemoteTask, plain
from tfjs_compat.engine.remote_worker import run_remote_task
from tfjs_compat.engine.tasks import TASKS, Task, TaskResult
from tfjs_compat.engine.worker import hand_in
from tfjs_compat.errors import MachineryError
from tfjs_compat.matrix.models import Model
from tfjs_compat.system.files import write_whole
from tfjs_compat.system.store import Store

_POLL_SECONDS = 0.1
_MANY = 32
"""Messages of which there are likely more already."""
_SILENCE_SECONDS = 60.0


class Channel(Protocol):
    """Takes messages from the workers to the coordinator, in the order of each worker."""

    @property
    def name(self) -> str:
        """What a worker opens it by."""

    def receive(self) -> Sequence[Mapping[str, Any]]:
        """The messages that have come since the last call; waits for none. Raises any exception where it fails."""


@dataclass
class _Sent:
    """A task (plain data) whose future ``outer`` the coordinator holds.

    It was sent last under ``name``, as ``inner``; ``attempts`` are the starts of that. ``handed_in`` are the cases
    whose results the coordinator has, with their files. ``ended``: what came with the task when it had ended.
    """

    plain: dict[str, Any]
    outer: Future[Any]
    name: str = ""
    inner: Future[Any] | None = None
    attempts: set[str] = field(default_factory=set)
    arrivals: Arrivals = field(default_factory=Arrivals)
    handed_in: set[str] = field(default_factory=set)
    ended: RemoteResult | None = None


def _notify(future: Future[Any]) -> None:
    """Wake whoever waits for a future that was cancelled before it ran, as ThreadPoolExecutor's workers do."""
    if future.cancelled():
        with contextlib.suppress(Exception):
            future.set_running_or_notify_cancel()


class RemoteExecutor(Executor):
    """Runs tasks over an executor whose workers share no disk with this machine.

    To the coordinator it is an executor of ``run_task``: the files of each trial are in the output folder when its
    result is handed in. ``close`` is called at the end.
    """

    def __init__(
        self, inner: Executor, store: Store, close: Callable[[], None] = lambda: None, channel: Channel | None = None
    ) -> None:
        self.inner, self.channel, self._close = inner, channel, close
        self._code = code_digest(store)
        self._hands = ThreadPoolExecutor(2, thread_name_prefix="tfjs-compat-remote")
        self._lock = threading.Lock()
        self._parcels: dict[str, Parcel | None] = {}
        self._sent: dict[str, _Sent] = {}
        self._closing = threading.Event()
        self._receiver = threading.Thread(target=self._receive, daemon=True)
        if channel is not None:
            self._receiver.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Submit ``run_task`` with a task as plain data; any other function is the inner executor's."""
        if fn.__name__ != "run_task":
            return self.inner.submit(fn, *args, **kwargs)
        outer: Future[Any] = Future()
        sent = _Sent(args[0], outer)

        def ended(future: Future[Any]) -> None:
            self._sent.pop(sent.name, None)
            _notify(future)
            if future.cancelled() and sent.inner is not None:
                sent.inner.cancel()

        outer.add_done_callback(ended)
        self._by_hand(outer, lambda: self._send(sent, with_contents=False))
        return outer

    def pack(self, models: Iterable[Model]) -> None:
        """Read the models that tasks will need, once each. Raises RequestError: one that cannot travel."""
        for model in models:
            self._parcel_of(model)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Give up what runs, and close what this executor was made of."""
        self._hands.shutdown(wait=wait, cancel_futures=cancel_futures)
        self._closing.set()
        if self.channel is not None:
            # One that hangs with its connection is not waited for.
            self._receiver.join(5)
        self.inner.shutdown(wait=False)
        self._close()

    def _send(self, sent: _Sent, *, with_contents: bool) -> None:
        """Send a task, without the trials whose results are here. What comes under an earlier name counts no more."""
        if sent.outer.done():
            return
        task = TASKS.convert(sent.plain)
        trials = tuple(trial for trial in task.trials if trial.case.id not in sent.arrivals.results)
        if not trials:
            self._end(sent, TaskResult(()))
            return
        remote, parcels = self._packed(msgspec.structs.replace(task, trials=trials))
        self._sent.pop(sent.name, None)
        sent.name, sent.attempts = secrets.token_hex(8), set()
        self._sent[sent.name] = sent
        remote = msgspec.structs.replace(
            remote,
            name=sent.name,
            channel=self.channel.name if self.channel is not None else "",
            contents={one.digest: one.content() for one in parcels} if with_contents else {},
        )
        inner = sent.inner = self.inner.submit(run_remote_task, plain(remote))
        inner.add_done_callback(lambda done: self._by_hand(sent.outer, lambda: self._take(sent, done)))
        if sent.outer.cancelled():
            inner.cancel()

    def _take(self, sent: _Sent, inner: Future[Any]) -> None:
        """Take what came with a task."""
        if sent.outer.done() or inner is not sent.inner:
            return
        if inner.cancelled():
            raise MachineryError("the cluster gave the work up: its scheduler or connection is gone")
        found = REMOTE_RESULTS.convert(inner.result())
        if found.missing:
            self._send(sent, with_contents=True)
            return
        for folder, files in found.files.items():
            for file, data in files.items():
                _write(Path(sent.plain["output"]), f"{folder}/{file}", data)
        with self._lock:
            sent.ended = found
            whole = sent.handed_in.issuperset(found.sent)
        # What took the channel may be behind the task.
        if whole:
            self._end(sent, TaskResult(found.results, found.interrupted, found.notes))
        elif not self._receiver.is_alive():
            raise _lost(sent)

    def _end(self, sent: _Sent, rest: TaskResult) -> None:
        """End a task: its results are those that arrived before, and the rest."""
        results = (*sent.arrivals.results.values(), *rest.results)
        with contextlib.suppress(Exception):
            # It may have been cancelled just now.
            sent.outer.set_result(msgspec.to_builtins(TaskResult(results, rest.interrupted, rest.notes)))

    def _receive(self) -> None:
        """Take what comes on the channel, until this executor or the channel ends."""
        assert self.channel is not None
        last = answered = time.monotonic()
        while not self._closing.is_set():
            try:
                found = self.channel.receive()
            except Exception:
                # A scheduler that is busy is asked again; one that is gone has given the tasks up by itself.
                if time.monotonic() - answered > _SILENCE_SECONDS:
                    break
                self._closing.wait(1.0)
                continue
            answered = time.monotonic()
            for each in found:
                message = MESSAGES.convert(each)
                if (sent := self._sent.get(message.task)) is not None:
                    try:
                        self._arrive(message, sent)
                    except Exception as error:
                        _fail(sent.outer, error)
            if found:
                last = time.monotonic()
            elif time.monotonic() - last > _SILENCE_SECONDS:
                self._give_up_missing()
            if len(found) < _MANY:
                self._closing.wait(_POLL_SECONDS)
        self._give_up_missing()

    def _give_up_missing(self) -> None:
        """End the tasks of which something did not arrive."""
        for sent in list(self._sent.values()):
            if sent.ended is not None:
                _fail(sent.outer, _lost(sent))

    def _arrive(self, message: Message, sent: _Sent) -> None:
        arrived = sent.arrivals.add(message)
        sent.attempts.add(message.attempt)
        if len(sent.attempts) > 1 and sent.arrivals.results and sent.inner is not None:
            # Its worker died, and it was started anew with all its trials: those that are here need not run again.
            superseded, sent.inner = sent.inner, None
            self._by_hand(sent.outer, lambda: self._send(sent, with_contents=False))
            superseded.cancel()
        if arrived is None:
            return
        for name, data in arrived.files.items():
            _write(Path(sent.plain["output"]), name, data)
        hand_in(sent.plain["run"], arrived.result)
        with self._lock:
            sent.handed_in.add(arrived.result.case)
            ended = sent.ended
        if ended is not None and sent.handed_in.issuperset(ended.sent):
            self._end(sent, TaskResult(ended.results, ended.interrupted, ended.notes))

    def _by_hand(self, outer: Future[Any], work: Callable[[], None]) -> None:
        """Do work on a thread of this executor: it reads and writes files, which no event loop should wait for."""

        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                _fail(outer, error)

        with contextlib.suppress(RuntimeError):
            # After a shutdown nobody waits for it.
            self._hands.submit(guarded)

    def _parcel_of(self, model: Model) -> Parcel | None:
        return self._parcel(model.ref, lambda: parcel_of_model(model))

    def _packed(self, task: Task) -> tuple[RemoteTask, list[Parcel]]:
        found: dict[str, Parcel] = {}
        models: dict[str, tuple[str, str]] = {}
        for trial in task.trials:
            model = trial.case.model
            parcel = self._parcel_of(model)
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


def _fail(future: Future[Any], error: BaseException) -> None:
    with contextlib.suppress(Exception):
        # It may have ended just now.
        future.set_exception(error)


def _lost(sent: _Sent) -> MachineryError:
    assert sent.ended is not None
    missing = set(sent.ended.sent) - sent.handed_in
    return MachineryError(f"{len(missing)} results of a task were lost on their way from the cluster")


def _write(output: Path, name: str, data: bytes) -> None:
    """Write a file of a trial, unless its name leads out of the output folder. Raises MachineryError."""
    relative = PurePosixPath(name)
    if not relative.is_absolute() and ".." not in relative.parts:
        write_whole(output / relative, data, lasting=False)
