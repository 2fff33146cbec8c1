"""Cases grouped by the cause of their failure, the most frequent first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report.words import cures, short
from tfjs_compat.results.case_result import CaseResult


class Cause(msgspec.Struct, frozen=True):
    """One cause and its cases.

    ``known``: in the catalogue, which gives title, explanation, remedies and links. ``named``: a check gives it a
    name that the catalogue lacks. ``unknown``: a signature only. ``machinery``: says nothing about the versions.
    ``behind`` are the other issues that were found in its cases, ``message`` is that of its first case, ``proven``
    says which remedies cured how many of its cases, where they were run; ``tracked`` are the pages where the
    matrix says that the failure is tracked; ``culprit`` is what `explain` says of one of the cases, its first line.
    """

    kind: Literal["known", "named", "unknown", "machinery"]
    key: str
    cases: tuple[CaseResult, ...]
    title: str
    explanation: str = ""
    remedies: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    message: str = ""
    proven: tuple[str, ...] = ()
    tracked: tuple[str, ...] = ()
    culprit: str = ""


def causes(cases: Sequence[CaseResult]) -> tuple[Cause, ...]:
    """The causes of everything that does not work, machinery first, then by the number of cases."""
    groups: dict[tuple[bool, str], list[CaseResult]] = {}
    for case in cases:
        if case.verdict is not Verdict.WORKS and (key := _key(case)):
            groups.setdefault((case.verdict is not Verdict.ERROR, key), []).append(case)
    return tuple(
        msgspec.structs.replace(
            _cause(key, group), proven=proven(group), tracked=_tracked(group), culprit=_culprit(group)
        )
        for (_, key), group in _ordered(groups)
    )


def _tracked(cases: Sequence[CaseResult]) -> tuple[str, ...]:
    links = [case.expected.link for case in cases if case.expected is not None and case.expected.link]
    return tuple(dict.fromkeys(links))


def _ordered(
    groups: Mapping[tuple[bool, str], list[CaseResult]],
) -> list[tuple[tuple[bool, str], list[CaseResult]]]:
    return sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1])))


def proven(cases: Sequence[CaseResult]) -> tuple[str, ...]:
    """What cured how many of these cases, the most frequent first, then why remedies could not be tried.

    Empty where none was run.

    A chain of remedies is given as the changes that it made, in order.
    """
    run = [case for case in cases if case.cure is not None]
    untried = [case.cure for case in run if case.cure is not None and case.cure.unknown and not case.cure.works]
    times = Counter(cures(case) for case in run)
    nothing = times.pop("", 0) - len(untried)
    lines = [f"{text} ({number} of {len(run)})" for text, number in times.most_common()]
    lines += [f"cured by nothing ({nothing} of {len(run)})"] if nothing else []
    faults = Counter(short(cure.message, 300) for cure in untried)
    return (*lines, *(f"could not be tried: {fault} ({number} of {len(run)})" for fault, number in faults.items()))


def _culprit(cases: Sequence[CaseResult]) -> str:
    found = next((case.explanation for case in cases if case.explanation), "")
    return found.partition("\n")[0]


def _key(case: CaseResult) -> str:
    if case.verdict is Verdict.ERROR:
        return short(case.message, 300) or "error"
    return case.issue or case.signature or short(case.message, 300)


def _cause(key: str, group: Sequence[CaseResult]) -> Cause:
    first, cases = group[0], tuple(group)
    if first.verdict is Verdict.ERROR:
        return Cause("machinery", key, cases, "The machinery failed", message=first.message)
    behind = tuple(sorted({issue for case in group for issue in case.issues} - {key}))
    if first.issue is None:
        title = "Unknown cause" if first.verdict is Verdict.FAILS else "Without a verdict"
        return Cause("unknown", key, cases, title, behind=behind, message=first.message)
    entry = catalogue().get(key)
    if entry is None:
        return Cause("named", key, cases, "", remedies=first.remedies, behind=behind, message=first.message)
    # Some of a group may help only some of its cases.
    remedies = tuple(dict.fromkeys(title for case in group if case.issue == key for title in case.remedies))
    explanation = entry.explanation.strip()
    return Cause("known", key, cases, entry.title, explanation, remedies, entry.links, behind, first.message)
