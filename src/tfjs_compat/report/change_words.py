"""What all reports say about changes: one sentence on a comparison, one clause on a case or a package. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import words
from tfjs_compat.report.numbers import number
from tfjs_compat.report.words import count, short
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.change_groups import ChangeGroup, PackageChange, groups
from tfjs_compat.results.comparison import Change, Comparison, Kind, Versions

_PHRASES: Mapping[Kind, tuple[str, str]] = {
    Kind.REGRESSED: ("regressed", "regressed"),
    Kind.FAILS_EARLIER: ("fails earlier", "fail earlier"),
    Kind.OTHER_CAUSE: ("fails from another cause", "fail from another cause"),
    Kind.NUMBERS_DRIFTED: ("drifted in its numbers", "drifted in their numbers"),
    Kind.FLAKY: ("is flaky", "are flaky"),
    Kind.FAILS_LATER: ("fails later", "fail later"),
    Kind.FIXED: ("is fixed", "are fixed"),
    Kind.NEW: ("is new", "are new"),
    Kind.GONE: ("is gone", "are gone"),
    Kind.UNKNOWN: ("is unknown", "are unknown"),
    Kind.SAME: ("stayed the same", "stayed the same"),
}
_LEADS = 3


def phrase(kind: Kind, many: int = 1) -> str:
    """What became of so many cases: ``regressed``, ``are fixed``."""
    return _PHRASES[kind][many != 1]


def sentence(comparison: Comparison) -> str:
    """What changed, in one sentence: ``Since 2026-11-22 03:00: 2 cases regressed (…); 321 stayed the same.``

    Behind a kind stands the cause of most of its cases, and what changed in all of these and in none that stayed the
    same.
    """
    since = moment(comparison.before)
    counts = comparison.counts()
    same = counts.pop(Kind.SAME)
    rest = f"{count(same, 'case')} {phrase(Kind.SAME, same)}"
    if not any(counts.values()):
        return f"Nothing changed since {since}: {rest}." if same else f"Nothing to compare with {since}."
    first: dict[Kind, ChangeGroup] = {}
    for group in groups(comparison):
        first.setdefault(group.kind, group)
    parts: list[str] = []
    for kind, many in counts.items():
        if many:
            noun = "" if parts else " case" if many == 1 else " cases"
            detail = _detail(first[kind], many)
            parts.append(f"{many}{noun} {phrase(kind, many)}" + (f" ({detail})" if detail else ""))
    return f"Since {since}: {', '.join(parts)}; {same} {phrase(Kind.SAME, same)}."


def _detail(group: ChangeGroup, many: int) -> str:
    """The cause of a group, if it is one of the kinds in which a reader looks for one."""
    if group.kind not in (Kind.REGRESSED, Kind.FAILS_EARLIER, Kind.OTHER_CAUSE, Kind.FIXED, Kind.FAILS_LATER):
        return ""
    times = f"{len(group.changes)} × " if len(group.changes) != many else ""
    leads = ", ".join(map(package, group.leads[:_LEADS])) if len(group.leads) <= _LEADS else ""
    return "; ".join(filter(None, [f"{times}{short(group.cause, 80)}" if group.cause else "", leads]))


def moment(started: str) -> str:
    """A run's time to the minute.

    >>> moment("2026-11-23T12:00:00+00:00")
    '2026-11-23 12:00'
    """
    return short(started[:16].replace("T", " ", 1), 40) or "the baseline"


def package(change: PackageChange) -> str:
    """``keras 3.4.0 → 3.5.0``."""
    return versions(change.name, (change.old, change.new))


def versions(name: str, pair: Versions) -> str:
    """A difference as ``keras 3.4.0 → 3.5.0``, ``jax 0.4 → not installed``.

    >>> versions("jax", ("0.4", None))
    'jax 0.4 → none'
    """
    return short(f"{name} {pair[0] or 'none'} → {pair[1] or 'none'}", 120)


def evidence(packages: Sequence[PackageChange], many: int, most: int = 6) -> list[str]:
    """Lines on the packages that changed in a group of so many cases: in how many, and in how many unaffected ones."""
    lines: dict[tuple[int, int], list[str]] = {}
    for change in packages:
        lines.setdefault((change.cases, change.unaffected), []).append(package(change))
    return [_evidence_line(names, many, *key, most) for key, names in list(lines.items())[:4]]


def _evidence_line(names: Sequence[str], many: int, cases: int, unaffected: int, most: int) -> str:
    where = "changed" if many == 1 else "changed in all" if cases == many else f"changed in {cases} of {many}"
    also = f", and in {count(unaffected, 'case')} that stayed the same" if unaffected else ""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{where}{also}: {', '.join(names[:most])}{more}"


def conditions(changes: Iterable[Change], machine: Mapping[str, Versions]) -> list[str]:
    """What else differs between two runs: the machine, and what differs in some of the cases."""
    found = [versions(name, pair) for name, pair in machine.items() if name != "python"]
    times: dict[tuple[str, Versions], int] = {}
    for change in changes:
        for name, pair in change.conditions.items():
            times[name, pair] = times.get((name, pair), 0) + 1
    return found + [f"{versions(name, pair)} ({count(many, 'case')})" for (name, pair), many in times.items()]


def before_and_after(change: Change) -> str:
    """``works → fails at convert``, with what distinguishes the two where they read the same."""
    one, other = _end(change.before), _end(change.after)
    if one == other and change.before is not None and change.after is not None:
        one, other = _closer(change.before), _closer(change.after)
    return f"{one} → {other}"


def _end(case: CaseResult | None) -> str:
    if case is None:
        return "no result"
    return "flaky: " + attempts(case) if case.flaky else words.result(case)


def _closer(case: CaseResult) -> str:
    if case.verdict in (Verdict.WORKS, Verdict.MISMATCH):
        largest = case.parity.max_rel if case.parity is not None else None
        return f"{words.result(case)} to {number(largest)} of the scale"
    return f"{words.result(case)}: {words.cause(case, 80)}"


def attempts(case: CaseResult) -> str:
    """How each run of a case ended that was run more than once: ``works, then fails at convert``."""
    return ", then ".join(words.result(case.ended_as(attempt)) for attempt in case.attempts)


def name(case: CaseResult) -> str:
    """A case for a line of a list: model, route, combination."""
    return " · ".join((short(case.model, 80), short(case.route, 40), short(case.combination.slug(), 100)))
