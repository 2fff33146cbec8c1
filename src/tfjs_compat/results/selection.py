"""One case of a run's results, by its id or a part of it. Pure."""

from __future__ import annotations

from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.results.case_result import CaseResult, Results

_NAMED = 8


def find_case(results: Results, name: str) -> CaseResult:
    """The case that is called ``name``, or the only one whose id (or trial) holds it.

    Raises RequestError where there is none, or where there are several.
    """
    exact = [case for case in results.cases if name in (case.id, case.trial)]
    found = exact or [case for case in results.cases if name.lower() in case.trial.lower() or name in case.id]
    if len(found) == 1:
        return found[0]
    if not found:
        raise RequestError(
            f"case '{name}': the results have none\nhint: {nearest(name, [c.id for c in results.cases])}"
        )
    listed = "\n".join(f"  {case.id} ({case.verdict})" for case in found[:_NAMED])
    more = f"\n  and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    raise RequestError(
        f"case '{name}': {len(found)} cases have that in their id\nhint: give more of one:\n{listed}{more}"
    )
