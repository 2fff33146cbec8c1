"""The table and the causes, for a terminal of any width."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tfjs_compat.outcomes import Stage, Verdict
from tfjs_compat.progress import clock
from tfjs_compat.report.causes import Cause, causes
from tfjs_compat.report.words import cause, cleaned, count, counts, expectation, left_out, plain, short
from tfjs_compat.results import CaseResult, Results

_STYLES = {
    Verdict.WORKS: "bold green",
    Verdict.CONVERTS: "cyan",
    Verdict.MISMATCH: "bold yellow",
    Verdict.FAILS: "red",
    Verdict.ERROR: "bold magenta",
}
_AXES = (
    ("tensorflow", "TF"),
    ("tensorflowjs", "tfjs"),
    ("python", "Python"),
    ("keras", "keras asked"),
    ("as_of", "as of"),
    ("tfjs_runtime", "runtime"),
)
# What a combination adds or changes: one column, because most cases have none of it.
_WITH = ("extra", "constraints", "overrides", "process_env")
_SHOWN_CAUSES = 12


def render(results: Results, output: str = "") -> RenderableType:
    """The whole report: the table of cases, the causes, one closing line. ``output``: the folder that logs are in."""
    results = cleaned(results)
    parts: list[RenderableType] = [_caption(results), _table(results)]
    parts += _causes(results.cases, output)
    if results.left_out:
        parts.append(Text("\n" + left_out(results.left_out), "dim"))
    parts.append(closing(results))
    return Group(*parts)


def _table(results: Results) -> Table:
    cases = results.cases
    axes = [(field, title) for field, title in _AXES if field == "tensorflow" or _varies(cases, field)]
    added = [field for field in _WITH if _varies(cases, field)]
    columns: list[tuple[str, list[Text]]] = [
        (title, [Text(plain(_value(case, field))) for case in cases]) for field, title in axes
    ]
    if added:
        columns.append(("with", [Text(plain(_added(case, added))) for case in cases]))
    columns.append(("Keras", [Text(plain(case.keras_in_use or case.resolved.get("keras", "-"))) for case in cases]))
    for field in ("model", "route"):
        if len({getattr(case, field) for case in cases}) > 1:
            columns.append((field, [Text(plain(getattr(case, field))) for case in cases]))
    columns.append(("result", [_result(case) for case in cases]))
    columns.append(("why", [_why(case) for case in cases]))
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for title, _ in columns:
        table.add_column(title, overflow="fold", no_wrap=title == "result")
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*row)
    return table


def _varies(cases: Sequence[CaseResult], field: str) -> bool:
    return len({getattr(case.combination, field) for case in cases}) > 1


def _value(case: CaseResult, field: str) -> str:
    value = getattr(case.combination, field)
    return " ".join(value) if isinstance(value, tuple) else str(value)


def _added(case: CaseResult, fields: Iterable[str]) -> str:
    return " ".join(filter(None, (_told(case, field) for field in fields)))


def _told(case: CaseResult, field: str) -> str:
    value = _value(case, field)
    return "" if value in ("", "resolved", "default") else value


def _result(case: CaseResult) -> Text:
    told = str(case.verdict) if case.verdict is Verdict.WORKS else f"{case.verdict} at {case.stage}"
    return Text(told, _STYLES[case.verdict])


def _caption(results: Results) -> Text:
    """What is the same for all cases."""
    cases = results.cases
    shown = {field for field in (*(name for name, _ in _AXES), *_WITH) if _varies(cases, field)}
    common: list[str] = []
    if cases:
        titles = {"tensorflowjs": "tensorflowjs", "python": "Python", "keras": "keras", "as_of": "as of"}
        for field in (*titles, *_WITH):
            if field not in shown and (value := _told(cases[0], field)):
                common.append(f"{titles.get(field, 'with')} {value}")
        for field in ("model", "route"):
            if len({getattr(case, field) for case in cases}) == 1:
                common.append(f"{field} {getattr(cases[0], field)}")
        runtimes = {f"{case.tfjs} in {case.runtime}" for case in cases if case.tfjs and case.runtime}
        common += [f"TensorFlow.js {one}" for one in runtimes] if len(runtimes) == 1 else []
    return Text(plain(f"{results.matrix}: " + ", ".join(common)), "bold")


def _why(case: CaseResult) -> Text:
    if case.verdict is Verdict.WORKS:
        agreed = case.parity.max_abs if case.parity is not None else None
        why = Text(f"agrees to {agreed:.0e}" if agreed is not None else "")
    else:
        why = Text(cause(case))
    if not case.as_expected and case.verdict is not Verdict.ERROR:
        rule = case.expected
        wanted = "should work" if rule is None or rule.verdict is Verdict.WORKS else f"expected {expectation(case)}"
        why.append(f"{' ' if why.plain else ''}(unexpected: {wanted})", "bold")
    return why


def _causes(cases: Sequence[CaseResult], output: str) -> list[RenderableType]:
    """What ended the cases that do not work, the most frequent cause first."""
    groups = [cause for cause in causes(cases) if cause.kind != "machinery"]
    if not groups:
        return []
    failing = sum(len(group.cases) for group in groups)
    parts: list[RenderableType] = [Text(f"\n{count(failing, 'case')}, {count(len(groups), 'cause')}:", "bold")]
    parts += [Padding(_cause(group, output), (0, 0, 0, 2)) for group in groups[:_SHOWN_CAUSES]]
    if len(groups) > _SHOWN_CAUSES:
        parts.append(Text(f"  and {count(len(groups) - _SHOWN_CAUSES, 'more cause')}: see results.json"))
    return parts


def _cause(group: Cause, output: str) -> Text:
    times = f"{len(group.cases)} × "
    if group.kind != "known":
        log = group.cases[0].log
        told = Text.assemble((times + ("unknown: " if group.kind == "unknown" else ""), "bold"), short(group.key, 300))
        where = f"\n  log: {plain(output + log)}" if log else ""
        return told.append(where if group.kind == "unknown" else f"\n  {short(group.message, 400)}")
    told = Text.assemble((times + group.key, "bold"), f": {group.title}.\n  {group.explanation}")
    if group.behind:
        told.append(f"\n  With it: {', '.join(group.behind)}.")
    if group.remedies:
        told.append(f"\n  Should cure it: {'; or '.join(group.remedies)}.")
    if group.links:
        told.append(f"\n  {group.links[0]}", "dim")
    return told


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
    """Print the report; a pipe gets lines as long as they are, not cut to 80 columns."""
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = max(console.width, 160)
    console.print(render(results, output))
