"""A case that a search may evaluate, and the steps that led to it."""

from __future__ import annotations

import msgspec

from tfjs_compat.matrix.cases import Case
from tfjs_compat.results.remedies import Step


class Candidate(msgspec.Struct, frozen=True, eq=False):
    """A case, and the steps that led to it. Two candidates of one case are the same candidate.

    ``cost``: how much the steps changed, as ``change_cost`` counts it. ``order``: for each step, the place of its
    remedy among those of its issue. ``left_routes``: the base routes that the steps started from. ``remedied``: the
    ``cause_of`` what the last step is for; None where there is no step.
    """

    case: Case
    steps: tuple[Step, ...] = ()
    cost: int = 0
    order: tuple[int, ...] = ()
    left_routes: frozenset[str] = frozenset()
    remedied: str | None = None

    def changed_nothing(self, cause: str) -> bool:
        """Whether the last step left the cause of failure as it was: what builds on it has little hope."""
        return self.remedied == cause

    def with_step(self, case: Case, step: Step, cost: int, place: int) -> Candidate:
        """The candidate that one more step leads to. ``cost`` is that of the step, ``place`` its remedy's."""
        left = self.left_routes | {self.case.route.base}
        return Candidate(case, (*self.steps, step), self.cost + cost, (*self.order, place), left)

    def _identity(self) -> tuple[object, ...]:
        return (self.case.combination, self.case.model.ref, self.case.route)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candidate) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())
