"""What is going on, as the rooms report it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives what is going on, and shows it. Called from several threads; raises nothing."""

    def begin(self, what: str) -> None:
        """Work on something begins: on a lock, an environment, a case. ``what`` names it until it ends."""

    def say(self, what: str, now: str) -> None:
        """``now`` is the step that the work on ``what`` is at: a clause, or a line that a tool printed."""

    def end(self, what: str, result: str) -> None:
        """The work has ended, with this result; an empty one is not worth a line."""


class Silent:
    """A Progress that shows nothing."""

    def begin(self, what: str) -> None:
        """Ignore it."""

    def say(self, what: str, now: str) -> None:
        """Ignore it."""

    def end(self, what: str, result: str) -> None:
        """Ignore it."""
