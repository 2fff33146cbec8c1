"""The exit code of each command: the one place that decides it.

0 as expected · 1 not as expected (nothing found) · 2 the request is wrong · 3 the machinery failed · 130 interrupted.
A run with both 1 and 3 exits 3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfjs_compat.results.case_result import Results

OK, UNEXPECTED, WRONG_REQUEST, MACHINERY, INTERRUPTED = 0, 1, 2, 3, 130


def of_results(results: Results) -> int:
    """The exit code of a run. Interrupted where it did not come to its end."""
    if not results.complete:
        return INTERRUPTED
    if any(case.verdict == "error" for case in results.cases):
        return MACHINERY
    return OK if all(case.as_expected for case in results.cases) else UNEXPECTED
