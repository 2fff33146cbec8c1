"""How cases ended, as far as a search compares it: alike or not, and whether any version could change it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.diagnosis.signatures import normalise
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult

_NUMBER = re.compile(r"-?\d[\d.]*(?:e[+-]?\d+)?")


def ending(result: CaseResult) -> str:
    """What a case that does not work ended with: equal for two cases of one model that ended alike, whatever the
    wording of their versions.

    The known issue, or the cause in its own words where it is unknown or several causes share its issue.
    """
    entry = catalogue().get(result.issue or "")
    known = result.verdict is Verdict.FAILS and entry is not None and not entry.show_message
    return entry.id if known and entry is not None else cause_of(result)


def cause_of(result: CaseResult) -> str:
    """The cause of a failure in its own words, its signature; for predictions how they differ, without by how much."""
    return result.signature or f"{result.issue or ''}: {_NUMBER.sub('<n>', normalise(result.message))}"


def keras_generation(result: CaseResult) -> str | None:
    """``2`` or ``3``: the generation of the Keras that was in use; None where there was none."""
    return result.keras_in_use.partition(".")[0] if result.keras_in_use else None


def decisive(results: Iterable[CaseResult]) -> CaseResult | None:
    """The first of these failures of one model on one format of which it is certain that no version cures it; or None.

    Its issue is in the model itself, or only another Keras might cure it and both generations (or none, where the
    model is no Keras model) ended alike.
    """
    generations: dict[str, set[str | None]] = {}
    for result in results:
        issues = [catalogue()[issue] for issue in result.issues if issue in catalogue()]
        if any(issue.independent_of == "versions" for issue in issues):
            return result
        if issues and issues[0].independent_of == "tensorflow":
            seen = generations.setdefault(ending(result), set())
            seen.add(keras_generation(result))
            if None in seen or len(seen) > 1:
                return result
    return None
