"""Why a search found nothing, for a terminal: what decided it first, with the way out; then the other causes."""

from __future__ import annotations

import os

import msgspec
from rich.console import Console
from rich.text import Text

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report.causes import Cause, causes
from tfjs_compat.report.grid import Hanging
from tfjs_compat.report.terminal import cause_summary, cause_text
from tfjs_compat.report.words import count, plain, short
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.endings import endings, proves_nothing
from tfjs_compat.workflows.find import WORK, Found

_SHOWN_CAUSES = 12
_MESSAGE = 400


def show_failures(console: Console, found: Found, output: str) -> None:
    """Print why nothing was found. ``output``: the folder that logs are in."""
    console.print(Hanging(Text(_head(found), "bold red"), 0, 2))
    # A model that is not built fails on each route by the same.
    for case in {case.message: case for case in found.narrowed.decisive}.values():
        _show_decisive(console, case)
    if not found.narrowed.decisive:
        console.print(Hanging(Text(f"Searched: {found.limits}."), 0, 2))
    for newer, older in found.narrowed.alike:
        line = f"Not tried: what is between {_versions(newer)} and {_versions(older)}, which end alike"
        console.print(Hanging(Text(f"{line} (--exhaustive tries it)."), 0, 2))
    groups, cured = _groups(found)
    if groups:
        console.print(cause_summary(groups))
        for group in groups[:_SHOWN_CAUSES]:
            console.print(cause_text(_with_remedies_left(group, found), output), crop=False)
    if cured:
        console.print(Hanging(Text(f"Cured on the way: {', '.join(cured)}."), 0, 2))
    for line in _left_out(found):
        console.print(Hanging(Text(line, "dim"), 0, 2))
    if any(tried.case.log is not None for tried in found.tried):
        console.print(Text(f"\nlogs: {output}{WORK}{os.sep}cases", "dim"), soft_wrap=True)


def _left_out(found: Found) -> list[str]:
    """What was not looked at, a line for each reason: that is often one of many combinations."""
    by_reason: dict[str, list[str]] = {}
    for skipped in found.left_out:
        by_reason.setdefault(plain(short(skipped.why, 200)), []).append(plain(short(skipped.what, 200)))
    lines = []
    for why, names in list(by_reason.items())[:_SHOWN_CAUSES]:
        more = f" and {len(names) - 1} more" if names[1:] else ""
        lines.append(f"not tried: {names[0]}{more}: {why}")
    return lines


def _permitted_by(case: CaseResult) -> str:
    """The option that allows what a case failed by; empty where it failed by something else."""
    known = catalogue().get(case.issue or "")
    return known.permitted_by if known is not None else ""


def _head(found: Found) -> str:
    """One sentence: what was decided, by what."""
    if found.ended is not None:
        return f"Nothing that works was found; the search ended {found.ended}."
    if found.narrowed.decisive:
        if permits := {_permitted_by(case) for case in found.narrowed.decisive} - {""}:
            return (
                f"The search stopped: the model does what it is not allowed to (without {', '.join(sorted(permits))})."
            )
        routes = ", ".join(dict.fromkeys(case.route for case in found.narrowed.decisive))
        return f"No version makes this work: what fails is in the model itself (route {routes})."
    if (everywhere := _everywhere(found)) is not None:
        environments, message = everywhere
        return f"Building the model failed in all {count(environments, 'environment')}, with one cause: {message}"
    return "Nothing works within the limits."


def _show_decisive(console: Console, case: CaseResult) -> None:
    """What decided, and what a person can do about it."""
    if case.reference is not None and proves_nothing(case) and case.verdict is Verdict.FAILS:
        why = short(plain(case.reference.why), _MESSAGE)
        console.print(Hanging(Text(f"What the Python model itself predicts proves nothing: {why}"), 2, 4))
        return
    known = [catalogue()[issue] for issue in case.issues if issue in catalogue()]
    issue = next((issue for issue in known if issue.independent_of != "nothing"), known[0] if known else None)
    # Behind other issues the message is theirs.
    said = f": {short(plain(case.message), _MESSAGE)}" if issue is None or issue.id == case.issue else "."
    console.print(Hanging(Text(f"{issue.title if issue else case.issue}{said}"), 2, 4))
    for remedy in issue.remedies if issue is not None else ():
        if remedy.for_a_person and (remedy.title in case.remedies or said == "."):
            console.print(Hanging(Text.assemble(("what helps: ", "green"), plain(remedy.title)), 2, 4))


def _everywhere(found: Found) -> tuple[int, str] | None:
    """The number of environments and the message, where building the model failed alike in every one that was tried."""
    reached = [tried.case for tried in found.tried if tried.tried and tried.case.stage.rank >= Stage.BUILD.rank]
    locks = {case.lock for case in reached}
    if len(locks) < 2 or {case.stage for case in reached} != {Stage.BUILD}:
        return None
    alike = all(endings(case) & endings(reached[0]) for case in reached)
    return (len(locks), short(reached[0].message, _MESSAGE)) if alike else None


def _groups(found: Found) -> tuple[list[Cause], tuple[str, ...]]:
    """The causes that stayed, what decided first; and the names of those that were cured on the way."""
    groups = [cause for cause in causes(found.failures()) if cause.kind != "machinery"]
    came_further = {step.issue for tried in found.tried for step in tried.steps if tried.case.issue != step.issue}
    cured = [cause for cause in groups if cause.key in came_further and not _reached_the_model(cause)]
    decisive = [case.issue for case in found.narrowed.decisive]
    stayed = [cause for cause in groups if cause not in cured]
    run = {tried.case.id for tried in found.tried if tried.tried}
    # What was run comes before what the versions ruled out.
    stayed.sort(key=lambda cause: (cause.key not in decisive, not any(case.id in run for case in cause.cases)))
    return stayed, tuple(cause.key for cause in cured)


def _reached_the_model(cause: Cause) -> bool:
    return any(case.stage.rank >= Stage.BUILD.rank for case in cause.cases)


def _with_remedies_left(cause: Cause, found: Found) -> Cause:
    """A cause with those of its remedies that the search did not try: for a person, or beyond its limits."""
    tried = {step.remedy for each in found.tried for step in each.steps if step.issue == cause.key}
    entry = catalogue().get(cause.key)
    decided = {find_route(case.route).base for case in found.narrowed.decisive}
    in_vain = {
        remedy.title
        for remedy in (entry.remedies if entry is not None else ())
        if remedy.tensorflow or remedy.tensorflowjs or remedy.route in decided
    }
    left = tuple(title for title in cause.remedies if title not in tried | in_vain)
    return msgspec.structs.replace(cause, remedies=left)


def _versions(case: CaseResult) -> str:
    return f"TensorFlow {case.combination.tensorflow} with tensorflowjs {case.combination.tensorflowjs}"
