"""What a report says beside the results themselves: what changed since a baseline, what makes the run fail."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from tfjs_compat.report.words import cleaned_comparison
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.comparison import Change, Comparison, Kind
from tfjs_compat.results.history import CaseHistory, PastEnd
from tfjs_compat.results.news import DEFAULT_FAIL_ON, failures, news


class Background(msgspec.Struct, frozen=True):
    """A comparison with a baseline, if there is one, and the kinds of change that make the run fail.

    ``history`` is how cases ended in earlier runs, by their ids.
    """

    comparison: Comparison | None = None
    fail_on: Collection[Kind] = DEFAULT_FAIL_ON
    history: Mapping[str, CaseHistory] = {}

    def cleaned(self) -> Background:
        """The same with every text made plain (see ``words.cleaned``)."""
        if self.comparison is None:
            return self
        return msgspec.structs.replace(self, comparison=cleaned_comparison(self.comparison))

    def past(self, case: str) -> tuple[PastEnd, ...]:
        """How the case ended in earlier runs, oldest first."""
        history = self.history.get(case)
        return history.ends if history is not None else ()

    def news(self, results: Results) -> frozenset[str]:
        """The ids of the cases that stand first."""
        return news(results, self.comparison)

    def failures(self, results: Results) -> frozenset[str]:
        """The ids of the cases that make the run fail."""
        return failures(results, self.comparison, self.fail_on)

    def changes(self) -> dict[str, Change]:
        """The change of each case that the comparison has, by the case's id."""
        return {change.case: change for change in self.comparison.changes} if self.comparison is not None else {}

    def news_first(self, results: Results) -> tuple[list[CaseResult], list[CaseResult]]:
        """The cases that stand first, by kind of change, and the rest in the order of the matrix."""
        first, order = self.news(results), list(Kind)
        ranks = {name: order.index(change.kind) for name, change in self.changes().items()}
        found = [case for case in results.cases if case.id in first]
        rest = [case for case in results.cases if case.id not in first]
        return sorted(found, key=lambda case: ranks.get(case.id, 0)), rest
