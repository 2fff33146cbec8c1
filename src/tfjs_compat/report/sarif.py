"""Results → SARIF 2.1.0 (OASIS), for code scanning: what does not work, at its place in the matrix file. Pure.

A rule is a cause. ``baselineState`` says what a comparison found: new, unchanged, updated or absent. What the machinery
failed for is a notification of the invocation, no result; a part of a run is no successful invocation.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import change_words, words
from tfjs_compat.report.background import Background
from tfjs_compat.report.headline import headline
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.comparison import Change, Kind

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_STATES = {Kind.SAME: "unchanged", Kind.REGRESSED: "new", Kind.NEW: "new", Kind.FIXED: "absent", Kind.GONE: "absent"}
_UNKNOWN = "unknown-cause"


def render(results: Results, _place: Place, background: Background = Background()) -> str:
    """The document."""
    results, background = words.cleaned(results), background.cleaned()
    changes, failing = background.changes(), background.failures(results)
    shown = [case for case in results.cases if case.verdict not in (Verdict.WORKS, Verdict.ERROR)]
    ended = [change for change in changes.values() if change.kind in (Kind.FIXED, Kind.GONE) and change.before]
    found = [_result(case, results, changes.get(case.id), case.id in failing) for case in shown]
    found += [
        _result(change.before, results, change, change.case in failing)
        for change in ended
        if change.before is not None and change.before.verdict not in (Verdict.WORKS, Verdict.ERROR)
    ]
    rules = {str(result["ruleId"]): _rule(str(result["ruleId"])) for result in found}
    errors = [case for case in results.cases if case.verdict is Verdict.ERROR]
    run = {
        "tool": {
            "driver": {"name": "tfjs-compat", "semanticVersion": results.tool or "0", "rules": list(rules.values())}
        },
        "invocations": [
            {
                "executionSuccessful": results.complete and not errors,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": f"{change_words.name(case)}: {case.message}"}}
                    for case in errors
                ],
            }
        ],
        "properties": {"matrix": results.matrix, "summary": headline(results, background)[1]},
        "results": found,
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _rule(id: str) -> dict[str, Any]:
    entry = catalogue().get(id)
    if entry is None:
        return {"id": id}
    links = {"helpUri": entry.links[0]} if entry.links else {}
    texts = {"shortDescription": {"text": entry.title}, "fullDescription": {"text": entry.explanation.strip()}}
    return {"id": id, **texts, **links}


def _result(case: CaseResult, results: Results, change: Change | None, is_failure: bool) -> dict[str, Any]:
    """One case. Its fingerprint is the case's key, which is the same on every day and machine."""
    text = f"{change_words.name(case)}: {words.result(case)}"
    cause = words.cause(case, 300)
    found: dict[str, Any] = {
        "ruleId": case.issue or _UNKNOWN,
        "level": "error" if is_failure else "note",
        "kind": "fail",
        "message": {"text": f"{text}: {cause}" if cause else text},
        "partialFingerprints": {"case/v1": case.id},
    }
    if change is not None and change.kind is not Kind.UNKNOWN:
        found["baselineState"] = _STATES.get(change.kind, "updated")
    if results.source is not None:
        rule = case.expected.rule if case.expected is not None else None
        found["locations"] = [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": results.source.file},
                    "region": {"startLine": results.source.line(rule, case.model)},
                }
            }
        ]
    if case.expected is not None and case.expected.reason and case.as_expected:
        found["suppressions"] = [{"kind": "external", "justification": case.expected.reason}]
    return found
