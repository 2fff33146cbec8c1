"""A comparison → the document that ``diff --json`` prints: a contract (docs/reports.md)."""

from __future__ import annotations

from typing import Any

import msgspec

from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.change_groups import groups
from tfjs_compat.results.comparison import Change, Comparison, Kind

_FIELDS = (
    *("verdict", "stage", "issue", "issues", "signature", "message", "as_expected", "lock", "log"),
    *("tfjs", "runtime", "keras_in_use", "model_digest", "attempts"),
)


def render(comparison: Comparison, _place: Place) -> str:
    """The document as text."""
    return msgspec.json.format(msgspec.json.encode(document(comparison)), indent=2).decode() + "\n"


def document(comparison: Comparison) -> dict[str, Any]:
    """Every case of both runs, what changed first; ``before`` and ``after`` are null for a run that lacks it."""
    return {
        "before": comparison.before,
        "after": comparison.after,
        "counts": comparison.counts(),
        "machine": comparison.machine,
        "groups": [
            {
                "kind": group.kind,
                "cause": group.cause,
                "cases": [change.case for change in group.changes],
                "packages": group.packages,
            }
            for group in groups(comparison)
        ],
        "changes": [_change(change) for change in comparison.of(Kind)],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "case": change.case,
        "kind": change.kind,
        "before": _end(change.before),
        "after": _end(change.after),
        "packages": change.packages,
        "conditions": change.conditions,
    }


def _end(case: CaseResult | None) -> dict[str, Any] | None:
    if case is None:
        return None
    largest = None if case.parity is None else case.parity.max_rel
    return {**{name: getattr(case, name) for name in _FIELDS}, "max_rel": largest}
