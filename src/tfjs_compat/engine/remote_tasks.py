"""What crosses between the coordinator and workers on other machines: tasks there, results back. Plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tfjs_compat.engine.tasks import Task, TrialResult
from tfjs_compat.system.decoding import Reader

MESSAGE_BYTES = 2 << 20
"""What a message carries of a trial's files: the cluster's scheduler holds it until the coordinator takes it."""


class RemoteTask(msgspec.Struct, frozen=True):
    """A task to run elsewhere. ``code`` is the digest of what decides outcomes in the coordinator's tfjs-compat.

    ``models`` says by reference, and ``inputs`` for the file of inputs, which digest holds it, and under which name;
    ``contents`` are the files of the digests that are sent along. ``name`` is that of this sending of the task;
    ``channel`` (empty: there is none) takes each result to the coordinator as it comes.
    """

    task: Task
    code: str
    models: dict[str, tuple[str, str]]
    inputs: tuple[str, str] | None = None
    contents: dict[str, dict[str, bytes]] = {}
    name: str = ""
    channel: str = ""


class RemoteResult(msgspec.Struct, frozen=True):
    """What a task came to elsewhere; ``missing``: the digests without which it could not begin.

    ``files`` are those of the trials' folders, by trial folder and name. Of the cases ``sent`` the result and the files
    took the channel. ``notes``: what the machine went without, and why.
    """

    results: tuple[TrialResult, ...] = ()
    interrupted: bool = False
    files: dict[str, dict[str, bytes]] = {}
    missing: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True):
    """A part of what the channel takes to the coordinator.

    ``task`` is the name under which the task was sent, ``attempt`` that of one start of it: the cluster starts a task
    again whose worker dies. ``files`` are the next bytes of files of the trial that is on its way, by trial folder and
    name; ``result`` comes with the last of them. A message with neither says that the attempt begins.
    """

    task: str
    attempt: str
    files: tuple[tuple[str, bytes], ...] = ()
    result: TrialResult | None = None


REMOTE_TASKS, REMOTE_RESULTS = Reader[RemoteTask](RemoteTask), Reader[RemoteResult](RemoteResult)
MESSAGES = Reader[Message](Message)


def plain(value: RemoteTask | RemoteResult | Message) -> dict[str, Any]:
    """Plain data, in which bytes stay bytes."""
    found: dict[str, Any] = msgspec.to_builtins(value, builtin_types=(bytes,))
    return found


def messages(task: str, attempt: str, result: TrialResult, folder: str, files: dict[str, bytes]) -> Iterator[Message]:
    """A result and the files of its folder, in messages of a bounded size, in order."""
    part: list[tuple[str, bytes]] = []
    size = 0
    for name, content in files.items():
        for start in range(0, max(1, len(content)), MESSAGE_BYTES):
            block = content[start : start + MESSAGE_BYTES]
            if part and size + len(block) > MESSAGE_BYTES:
                yield Message(task, attempt, tuple(part))
                part, size = [], 0
            part.append((f"{folder}/{name}", block))
            size += len(block)
    yield Message(task, attempt, tuple(part), result)
