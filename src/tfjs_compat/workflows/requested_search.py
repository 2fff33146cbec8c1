"""The culprit between two ends of which one has no lock: what they request is taken apart, not their packages."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Planned, releases_of
from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.axes import RESOLVED
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.culprit.changes import Change
from tfjs_compat.search.culprit.explanation import Culprit, Explanation
from tfjs_compat.search.culprit.question import Question, Shows
from tfjs_compat.search.culprit.releases import upload_day, versions_between
from tfjs_compat.search.culprit.requested import requested_changes, requested_mixture
from tfjs_compat.search.culprit.suspicion import Evidence, release_weights
from tfjs_compat.search.culprit.trials import Trials, trial_of
from tfjs_compat.search.ddmin import ddmin
from tfjs_compat.search.least_satisfying import least_satisfying
from tfjs_compat.workflows.ends import plan_one


class RequestedSearch:
    """Searches between two ends by what they request."""

    def __init__(
        self,
        good: Planned,
        bad: Planned,
        question: Question | Shows,
        evidence: Evidence,
        engine: Engine,
        trials: Trials,
    ) -> None:
        self._good, self._bad, self._question, self._evidence = good, bad, question, evidence
        self._engine, self._trials = engine, trials
        self._unknown: set[str] = set()

    def run(self, said: Explanation) -> Explanation:
        """``said`` with the culprits. Raises MachineryError, Interrupted."""
        changes = requested_changes(self._good.case, self._bad.case)
        if not changes:
            return msgspec.structs.replace(said, reproduced=False, reason="the ends request the same")
        smallest = ddmin(changes, lambda subsets: [self._ask(subset) for subset in subsets], jobs=1)
        culprits, complete = [], smallest.complete
        for change in smallest.changes:
            found = self._narrowed(change, smallest.changes) if complete else None
            culprits.append(found or Culprit(change.kind, change.name, change.good, change.bad))
        return msgspec.structs.replace(
            said, culprits=tuple(culprits), changes=changes, minimal=smallest.minimal, unknown=len(self._unknown)
        )

    def _ask(self, applied: frozenset[Change], **versions: str) -> Answer | None:
        """The answer of the good end with these changes, and with axes at these versions."""
        combination, route = requested_mixture(self._good.case, self._bad.case, applied)
        combination = msgspec.structs.replace(combination, **versions)
        try:
            planned = plan_one(combination, self._bad, route, self._engine.options.until, self._engine.context)
        except RequestError:
            # There is no such case, for example a route that a converter does not have.
            return Answer.UNKNOWN
        (result,) = self._trials.ask([planned])
        if result is None:
            return None
        answer = self._question.answer(result)
        if answer is Answer.UNKNOWN:
            self._unknown.add(trial_of(planned))
        return answer

    def _narrowed(self, change: Change, needed: Sequence[Change]) -> Culprit | None:
        """A package's axis between two neighbouring releases; None for any other change, and after a stop."""
        if change.kind != "package" or None in (change.good, change.bad) or RESOLVED in (change.good, change.bad):
            return None
        assert change.good is not None
        assert change.bad is not None
        known = releases_of((change.name,), self._engine.context)[change.name]
        as_of, python = self._bad.case.combination.as_of, self._bad.python.minor
        versions = versions_between(change.good, change.bad, known, as_of, python)
        found = least_satisfying(
            len(versions),
            lambda at: self._ask(frozenset(needed), **{change.name: versions[at]}),
            release_weights(change.name, versions, self._evidence),
        )
        if not found.complete:
            return None
        bad = versions[found.yes]
        return Culprit("package", change.name, versions[found.no], bad, upload_day(bad, known), found.unknown)
