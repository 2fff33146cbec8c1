"""A case that a search may run, and the steps that led to it."""

from __future__ import annotations

import msgspec

from tfjs_compat.matrix.cases import Case
from tfjs_compat.results.cures import Step


class Trial(msgspec.Struct, frozen=True, eq=False):
    """A case, and the steps that led to it. Two trials of one case are the same trial.

    ``cost`` says how much the steps changed, ``order`` which of its issue's remedies each of them was, ``after`` is the
    signature of the failure that the last of them is for.
    """

    case: Case
    steps: tuple[Step, ...] = ()
    cost: int = 0
    order: tuple[int, ...] = ()
    after: str | None = None

    def changed_nothing(self, signature: str | None) -> bool:
        """Whether the last step left the failure as it was: what builds on it has little hope."""
        return self.after is not None and self.after == signature

    def _asked(self) -> tuple[object, ...]:
        return (self.case.combination, self.case.model.ref, self.case.route)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trial) and self._asked() == other._asked()

    def __hash__(self) -> int:
        return hash(self._asked())
