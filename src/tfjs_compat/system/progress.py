"""What is going on, as the rooms report it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """Receives what is going on, and shows it. Called from several threads; raises nothing."""

    def begin(self, what: str) -> None:
        """Work on something begins: on a lock, an environment, a case. ``what`` names it until it ends."""

    def say(self, what: str, now: str | Callable[[], str]) -> None:
        """``now`` is the step that the work on ``what`` is at: a clause, a line that a tool printed, or a function that
        tells it to whoever looks."""

    def cases(self, done: int, total: int, seconds_left: float) -> None:
        """So many of all cases have ended, and the others are expected to take so long."""

    def end(self, what: str, result: str) -> None:
        """The work has ended, with this result; an empty one is not worth a line."""


class Silent:
    """A Progress that shows nothing."""

    def begin(self, what: str) -> None:
        """Ignore it."""

    def say(self, what: str, now: str | Callable[[], str]) -> None:
        """Ignore it."""

    def cases(self, done: int, total: int, seconds_left: float) -> None:
        """Ignore it."""

    def end(self, what: str, result: str) -> None:
        """Ignore it."""
