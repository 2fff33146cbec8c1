"""The table and the causes, for a terminal of any width."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import axes
from tfjs_compat.report.causes import Cause, causes
from tfjs_compat.report.grid import Column, Grid, Hanging
from tfjs_compat.report.words import cause, cleaned, clock, count, counts, expectation, left_out, plain, short
from tfjs_compat.results.case_result import CaseResult, Results

_STYLES = {
    Verdict.WORKS: "bold green",
    Verdict.CONVERTS: "cyan",
    Verdict.MISMATCH: "bold yellow",
    Verdict.FAILS: "red",
    Verdict.ERROR: "bold magenta",
}
_SHOWN_CAUSES = 12
_SHOWN_CURES = 6


def render(results: Results, output: str = "") -> RenderableType:
    """The whole report: the table of cases, the causes, one closing line. ``output``: the folder that logs are in."""
    results = cleaned(results)
    marks = unexpected(results.cases)
    parts: list[RenderableType] = [Hanging(_caption(results), 0, 2)]
    parts += [_table(results, marks)] if results.cases else []
    parts += [Hanging(Text(f"{mark} unexpected: {wanted}", "bold"), 0, 2) for wanted, mark in marks.items()]
    parts += _causes(results.cases, output)
    if results.left_out:
        parts.append(Hanging(Text("\n" + left_out(results.left_out), "dim")))
    parts.append(Hanging(closing(results)))
    return Group(*parts)


def unexpected(cases: Sequence[CaseResult]) -> dict[str, str]:
    """What was wanted of the cases that ended otherwise, each with the mark that stands at those cases."""
    wanted = list(dict.fromkeys(_wanted(case) for case in cases if _is_unexpected(case)))
    return dict(zip(wanted, ["*"] if len(wanted) == 1 else [f"*{at}" for at in range(1, len(wanted) + 1)], strict=True))


def _is_unexpected(case: CaseResult) -> bool:
    return not case.as_expected and case.verdict is not Verdict.ERROR


def _wanted(case: CaseResult) -> str:
    rule = case.expected
    if rule is None:
        return "a case that the matrix says nothing of has to work"
    return f"the matrix says {expectation(case)}" + (f" ({short(rule.reason, 200)})" if rule.reason else "")


def _table(results: Results, marks: Mapping[str, str]) -> Grid:
    cases = results.cases
    columns = axes.columns([case.combination for case in cases])
    keras = [case.keras_in_use or case.resolved.get("keras", "-") for case in cases]
    columns.append(Column("Keras", [Text(plain(one)) for one in keras]))
    for field in ("model", "route"):
        if len({getattr(case, field) for case in cases}) > 1:
            columns.append(Column(field, [Text(plain(getattr(case, field))) for case in cases]))
    columns.append(Column("result", [_result(case, marks) for case in cases], stays=True, wraps=False))
    columns.append(Column("why", [_why(case) for case in cases]))
    return Grid(columns)


def _result(case: CaseResult, marks: Mapping[str, str]) -> Text:
    told = str(case.verdict) if case.verdict is Verdict.WORKS else f"{case.verdict} at {case.stage}"
    mark = f" {marks[_wanted(case)]}" if _is_unexpected(case) else ""
    return Text.assemble((told, _STYLES[case.verdict]), (mark, "bold"))


def _caption(results: Results) -> Text:
    """What is the same for all cases."""
    cases = results.cases
    common = axes.shared([case.combination for case in cases])
    for field in ("model", "route"):
        names = {getattr(case, field) for case in cases}
        common += [f"{field} {one}" for one in names] if len(names) == 1 and names != {results.matrix} else []
    runtimes = {f"{case.tfjs} in {case.runtime}" for case in cases if case.tfjs and case.runtime}
    common += [f"TensorFlow.js {one}" for one in runtimes] if len(runtimes) == 1 else []
    return Text(plain(f"{results.matrix}: " + ", ".join(common)), "bold")


def _why(case: CaseResult) -> Text:
    if case.verdict is not Verdict.WORKS:
        return Text(cause(case))
    agreed = case.parity.max_abs if case.parity is not None else None
    return Text(f"agrees to {agreed:.0e}" if agreed is not None else "")


def _causes(cases: Sequence[CaseResult], output: str) -> list[RenderableType]:
    """What ended the cases that do not work, the most frequent cause first."""
    groups = [cause for cause in causes(cases) if cause.kind != "machinery"]
    if not groups:
        return []
    failing = sum(len(group.cases) for group in groups)
    parts: list[RenderableType] = [Text(f"\n{count(failing, 'case')}, {count(len(groups), 'cause')}:", "bold")]
    parts += [cause_text(group, output) for group in groups[:_SHOWN_CAUSES]]
    if len(groups) > _SHOWN_CAUSES:
        parts.append(Text(f"  and {count(len(groups) - _SHOWN_CAUSES, 'more cause')}: see results.json"))
    return parts


def cause_text(group: Cause, output: str) -> Group:
    """One cause: what it is, what hides behind it, what should cure it. Print it without cropping: paths stay whole."""
    times = f"{len(group.cases)} × "
    unknown = group.kind == "unknown"
    if group.kind == "known":
        head, told = f"{times}{group.key}", [f": {group.title}."]
        below = [Text(group.explanation)]
        if catalogue()[group.key].show_message:
            below.append(Text.assemble("For one: ", (short(group.message, 300), "italic")))
    else:
        head, told = times + ("unknown: " if unknown else ""), [short(group.key, 300)]
        below = [] if unknown else [Text(short(group.message, 400))]
    if group.behind and group.kind == "known":
        below.append(Text(f"With it: {', '.join(group.behind)}."))
    if group.proven:
        shown = group.proven[:_SHOWN_CURES]
        below.append(Text.assemble(("Remedies run: ", "green"), plain("; ".join(shown)), "."))
    elif group.remedies and group.kind == "known":
        below.append(Text(f"Should cure it: {'; or '.join(group.remedies)}."))
    if group.links:
        below.append(Text(group.links[0], "dim"))
    if (log := group.cases[0].log) and unknown:
        below.append(Text(f"log: {plain(output + log)}"))
    return Group(Hanging(Text.assemble((head, "bold"), *told), 2, 4), *(Hanging(one, 4, 4) for one in below))


def closing(results: Results) -> Text:
    """The line that a reader looks for first."""
    cases = results.cases
    ended = ", ".join(f"{number} {verdict}" for verdict, number in counts(results))
    told = Text(f"\n{count(len(cases), 'case')} in {clock(results.seconds)}: {ended or 'none has ended'}. ")
    errors = [case for case in cases if case.verdict is Verdict.ERROR]
    surprises = [case for case in cases if not case.as_expected and case.verdict is not Verdict.ERROR]
    if not results.complete:
        told.append("Interrupted; what had ended is kept. ", "bold")
    if errors:
        told.append(
            f"The machinery failed for {count(len(errors), 'case')}: {short(errors[0].message, 200)} ", "bold magenta"
        )
    if surprises:
        told.append(f"{count(len(surprises), 'case')} did not end as expected.", "bold red")
    elif not errors and results.complete:
        stop = "" if results.until is Stage.PREDICT else f" (asked to stop after {results.until})"
        told.append(f"All as expected{stop}.", "bold green")
    return told


def show(console: Console, results: Results, output: str = "") -> None:
    """Print the report; a pipe gets long lines, and no path is cut or broken anywhere."""
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = max(console.width, 160)
    console.print(render(results, output), crop=False)
