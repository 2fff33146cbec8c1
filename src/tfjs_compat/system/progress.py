"""What is going on, as the rooms report it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Somebody who is told what is going on. Called from several threads."""

    def begin(self, what: str) -> None:
        """Something started: a lock, an environment, a case."""

    def say(self, what: str, now: str) -> None:
        """What that something does right now."""

    def end(self, what: str, result: str) -> None:
        """It ended, with this result (empty: nothing worth a line)."""


class Silent:
    """Nobody."""

    def begin(self, what: str) -> None:
        """Nothing."""

    def say(self, what: str, now: str) -> None:
        """Nothing."""

    def end(self, what: str, result: str) -> None:
        """Nothing."""
