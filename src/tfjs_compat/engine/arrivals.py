"""The results of a task on another machine, as they arrive one by one. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tfjs_compat.engine.remote_tasks import Message
from tfjs_compat.engine.tasks import TrialResult


class Arrived(NamedTuple):
    """A result that is here with all its files, by their paths below the output folder."""

    result: TrialResult
    files: dict[str, bytes]


class Arrivals:
    """What came of one task: ``results`` by case.

    A task whose worker died is started again, and may come to the same case twice: the first result counts. Of a trial
    that was on its way when its worker died nothing is left.
    """

    def __init__(self) -> None:
        self.results: dict[str, TrialResult] = {}
        self._on_the_way: dict[str, dict[str, list[bytes]]] = {}

    def add(self, message: Message) -> Arrived | None:
        """Take a message; gives the result that is complete by it, if it is the first of its case."""
        for name, data in message.files:
            self._on_the_way.setdefault(message.attempt, {}).setdefault(name, []).append(data)
        if message.result is None:
            return None
        files = self._on_the_way.pop(message.attempt, {})
        if message.result.case in self.results:
            return None
        self.results[message.result.case] = message.result
        return Arrived(message.result, {name: b"".join(parts) for name, parts in files.items()})
