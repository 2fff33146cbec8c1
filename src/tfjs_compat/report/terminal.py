"""Results → the table of cases and the causes, for a terminal of any width."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import axes, words
from tfjs_compat.report.causes import Cause, causes
from tfjs_compat.report.grid import Column, Grid, Hanging
from tfjs_compat.report.look import VERDICTS
from tfjs_compat.report.numbers import clock, magnitude
from tfjs_compat.report.printing import as_text
from tfjs_compat.report.words import count, plain, short
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results

_SHOWN_CAUSES = 12
_SHOWN_CURES = 6


def render(results: Results, place: Place) -> str:
    """The report as text, as wide and as colourful as the place's console; without one, for a file."""
    return as_text(report(results, f"{place.output}{os.sep}"), place.console)


def report(results: Results, output: str = "") -> RenderableType:
    """The whole report: the table of cases, the causes, one closing line. ``output``: the folder that logs are in."""
    results = words.cleaned(results)
    marks = unexpected(results.cases)
    parts: list[RenderableType] = [Hanging(_caption(results), 0, 2)]
    if part := words.incomplete(results):
        parts.append(Hanging(Text(part, VERDICTS[Verdict.MISMATCH].style), 0, 2))
    parts += [_table(results, marks)] if results.cases else []
    parts += [Hanging(Text(f"{mark} unexpected: {rule}", "bold"), 0, 2) for rule, mark in marks.items()]
    parts += _causes(results.cases, output)
    if results.left_out:
        parts.append(Hanging(Text("\n" + words.left_out(results.left_out), "dim")))
    parts.append(Hanging(closing(results)))
    return Group(*parts)


def unexpected(cases: Sequence[CaseResult]) -> dict[str, str]:
    """The expectations that some case does not meet, each with the mark that stands at these cases."""
    rules = list(dict.fromkeys(_rule(case) for case in cases if words.mark(case) == "unexpected"))
    return dict(zip(rules, ["*"] if len(rules) == 1 else [f"*{at}" for at in range(1, len(rules) + 1)], strict=True))


def _rule(case: CaseResult) -> str:
    rule = case.expected
    if rule is None:
        return words.UNEXPECTED_WITHOUT_RULE
    return f"the matrix expects {words.expectation(case)}" + (f" ({short(rule.reason, 200)})" if rule.reason else "")


def axis_columns(combinations: Sequence[Combination], keras: Sequence[str]) -> tuple[list[Column], list[str]]:
    """A column for each axis on which combinations differ, and in words what all of them share."""
    differing, shared = axes.compare(combinations, keras)
    columns = [Column(axis.title, [Text(plain(value)) for value in axis.values]) for axis in differing]
    return columns, shared


def _axis_columns(cases: Sequence[CaseResult]) -> tuple[list[Column], list[str]]:
    return axis_columns([case.combination for case in cases], [axes.keras_of(case) for case in cases])


def _table(results: Results, marks: Mapping[str, str]) -> Grid:
    cases = results.cases
    columns, _ = _axis_columns(cases)
    for field in ("model", "route"):
        if len({getattr(case, field) for case in cases}) > 1:
            columns.append(Column(field, [Text(plain(getattr(case, field))) for case in cases]))
    columns.append(Column("result", [_result(case, marks) for case in cases], stays=True, wraps=False))
    columns.append(Column("why", [_why(case) for case in cases]))
    return Grid(columns)


def _result(case: CaseResult, marks: Mapping[str, str]) -> Text:
    mark = f" {marks[_rule(case)]}" if words.mark(case) == "unexpected" else ""
    return Text.assemble((words.result(case), VERDICTS[case.verdict].style), (mark, "bold"))


def _caption(results: Results) -> Text:
    """What is the same for all cases."""
    cases = results.cases
    _, common = _axis_columns(cases)
    for field in ("model", "route"):
        names = {getattr(case, field) for case in cases}
        common += [f"{field} {name}" for name in names] if len(names) == 1 and names != {results.matrix} else []
    runtimes = {f"{case.tfjs} in {case.runtime}" for case in cases if case.tfjs and case.runtime}
    common += [f"TensorFlow.js {runtime}" for runtime in runtimes] if len(runtimes) == 1 else []
    return Text(plain(": ".join(filter(None, (results.matrix, ", ".join(common))))), "bold")


def _why(case: CaseResult) -> Text:
    if case.verdict is not Verdict.WORKS:
        return Text(words.cause(case))
    largest = case.parity.max_abs if case.parity is not None else None
    return Text(f"agrees to {magnitude(largest)}" if largest is not None else "")


def _causes(cases: Sequence[CaseResult], output: str) -> list[RenderableType]:
    """The causes of the cases that do not work, the most frequent first."""
    groups = [cause for cause in causes(cases) if cause.kind != "machinery"]
    if not groups:
        return []
    parts: list[RenderableType] = [cause_summary(groups)]
    parts += [cause_text(group, output) for group in groups[:_SHOWN_CAUSES]]
    if len(groups) > _SHOWN_CAUSES:
        parts.append(Text(f"  and {count(len(groups) - _SHOWN_CAUSES, 'more cause')}: see results.json"))
    return parts


def cause_summary(groups: Sequence[Cause]) -> Text:
    """The line above causes: how many cases they have, and how many they are."""
    failing = sum(len(group.cases) for group in groups)
    return Text(f"\n{count(failing, 'case')}, {count(len(groups), 'cause')}:", "bold")


def cause_text(group: Cause, output: str) -> Group:
    """One cause: what it is, what follows it, what should cure it. Print it without cropping: paths stay whole."""
    times = f"{len(group.cases)} × "
    unknown = group.kind == "unknown"
    if group.kind == "known":
        head, title = f"{times}{group.key}", f": {group.title}."
        below = [Text(group.explanation)]
        if catalogue()[group.key].show_message:
            below.append(Text.assemble("Example: ", (short(group.message, 300), "italic")))
    else:
        head, title = times + ("unknown: " if unknown else ""), short(group.key, 300)
        below = [] if unknown else [Text(short(group.message, 400))]
    if group.behind and group.kind == "known":
        below.append(Text(f"Also found: {', '.join(group.behind)}."))
    if group.proven:
        shown = group.proven[:_SHOWN_CURES]
        below.append(Text.assemble(("Remedies run: ", "green"), plain("; ".join(shown)), "."))
    elif group.remedies and group.kind == "known":
        below.append(Text(f"Should cure it: {'; or '.join(group.remedies)}."))
    if group.links:
        below.append(Text(group.links[0], "dim"))
    if (log := group.cases[0].log) and unknown:
        below.append(Text(f"log: {plain(output + log)}"))
    return Group(Hanging(Text.assemble((head, "bold"), title), 2, 4), *(Hanging(text, 4, 4) for text in below))


def closing(results: Results) -> Text:
    """The line that a reader looks for first."""
    cases = results.cases
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in words.counts(results)) or "no case finished"
    line = Text(f"\n{count(len(cases), 'case')} in {clock(results.seconds)}: {verdicts}. ")
    errors = [case for case in cases if case.verdict is Verdict.ERROR]
    surprises = sum(words.mark(case) == "unexpected" for case in cases)
    part = words.incomplete(results)
    if part:
        line.append(f"{part} ", "bold")
    if errors:
        message = short(errors[0].message, 200)
        line.append(f"The machinery failed for {count(len(errors), 'case')}: {message} ", VERDICTS[Verdict.ERROR].style)
    if surprises:
        line.append(f"{count(surprises, 'case')} did not end as expected.", "bold red")
    elif cases and not errors and not part:
        stop = "" if results.until is Stage.PREDICT else f" (until {results.until})"
        line.append(f"All as expected{stop}.", VERDICTS[Verdict.WORKS].style)
    return line
