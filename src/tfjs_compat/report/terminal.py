"""Results → the table of cases and the causes, for a terminal of any width."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import axes, changes_terminal, words
from tfjs_compat.report.background import Background
from tfjs_compat.report.causes import Cause, causes
from tfjs_compat.report.grid import Column, Grid, Hanging, whole
from tfjs_compat.report.headline import Mood, sentences
from tfjs_compat.report.look import VERDICTS
from tfjs_compat.report.numbers import clock, magnitude
from tfjs_compat.report.printing import as_text
from tfjs_compat.report.words import count, plain, short
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.rules import rule_notes

WHOLE = 16
"""So many rows are shown even where all is as expected: they fit a screen."""

_SHOWN_CAUSES = 12
_SHOWN_CURES = 6


def render(results: Results, place: Place, background: Background = Background()) -> str:
    """The report as text, as wide and as colourful as the place's console; without one, for a file."""
    whole = report(results, f"{place.output}{os.sep}", background, every_case=place.every_case)
    return as_text(whole, place.console)


def report(
    results: Results, output: str = "", background: Background = Background(), *, every_case: bool = False
) -> RenderableType:
    """The whole report: the cases that are news, the others, the causes, what changed, one closing line.

    ``output``: the folder that logs are in. Of a long table what is no news is folded, unless ``every_case``.
    """
    results, background = words.cleaned(results), background.cleaned()
    marks = unexpected(results.cases)
    news, rest = background.news_first(results)
    fold = len(results.cases) > WHOLE and not every_case
    shown = news if fold else [*news, *rest]
    parts: list[RenderableType] = [Hanging(_caption(results), 0, 2)]
    if part := words.incomplete(results):
        parts.append(Hanging(Text(part, VERDICTS[Verdict.MISMATCH].style), 0, 2))
    parts += [_table(shown, marks)] if shown else []
    if fold and rest:
        parts.append(Hanging(_folded(rest, background), 0, 2))
    parts += [Hanging(Text(f"{mark} unexpected: {rule}", "bold"), 0, 2) for rule, mark in marks.items()]
    parts += _causes(results.cases, output, {case.id for case in shown})
    parts += [Hanging(Text("\n" + words.rule_note(note), "yellow"), 0, 2) for note in rule_notes(results)]
    if results.left_out:
        parts.append(Hanging(Text("\n" + words.left_out(results.left_out), "dim")))
    if background.comparison is not None:
        changes = [*changes_terminal.section(background.comparison, output)]
        parts += [Text(), *changes] if changes else []
    parts.append(Hanging(closing(results, background)))
    return Group(*parts)


def _folded(cases: Sequence[CaseResult], background: Background) -> Text:
    """One line in place of the rows of cases that are no news."""
    times = Counter(case.verdict for case in cases)
    verdicts = ", ".join(f"{times[verdict]} {verdict}" for verdict in Verdict if times[verdict])
    how = "as expected" if background.comparison is None else "as in the baseline"
    return Text(f"and {count(len(cases), 'case')} {how}: {verdicts} (--all shows them)", "dim")


def unexpected(cases: Sequence[CaseResult]) -> dict[str, str]:
    """The expectations that some case does not meet, each with the mark that stands at these cases."""
    rules = list(dict.fromkeys(_rule(case) for case in cases if words.mark(case) == "unexpected"))
    return dict(zip(rules, ["*"] if len(rules) == 1 else [f"*{at}" for at in range(1, len(rules) + 1)], strict=True))


def _rule(case: CaseResult) -> str:
    rule = case.expected
    if rule is None:
        return words.UNEXPECTED_WITHOUT_RULE
    reason = "; ".join(filter(None, [short(rule.reason, 200), rule.link]))
    return f"the matrix expects {words.expectation(case)}" + (f" ({reason})" if reason else "")


def axis_columns(combinations: Sequence[Combination], keras: Sequence[str]) -> tuple[list[Column], list[str]]:
    """A column for each axis on which combinations differ, and in words what all of them share."""
    differing, shared = axes.compare(combinations, keras)
    columns = [Column(axis.title, [Text(plain(value)) for value in axis.values]) for axis in differing]
    return columns, shared


def _axis_columns(cases: Sequence[CaseResult]) -> tuple[list[Column], list[str]]:
    return axis_columns([case.combination for case in cases], [axes.keras_of(case) for case in cases])


def _table(cases: Sequence[CaseResult], marks: Mapping[str, str]) -> Grid:
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
    agrees = f"agrees to {magnitude(largest)}" if largest is not None else ""
    # A proof that leaves out most of the model says so.
    return Text("; ".join(filter(None, (agrees, words.short(case.message, 200)))))


def _causes(cases: Sequence[CaseResult], output: str, shown: Collection[str]) -> list[RenderableType]:
    """The causes of the cases that do not work: those with a case that is shown, then in a line the others' names."""
    groups = [cause for cause in causes(cases) if cause.kind != "machinery"]
    if not groups:
        return []
    open_ = [group for group in groups if any(case.id in shown for case in group.cases)]
    folded = [group for group in groups if group not in open_]
    parts: list[RenderableType] = [cause_summary(groups)]
    parts += [cause_text(group, output) for group in open_[:_SHOWN_CAUSES]]
    if len(open_) > _SHOWN_CAUSES:
        parts.append(Text(f"  and {count(len(open_) - _SHOWN_CAUSES, 'more cause')}: see results.json"))
    if folded:
        names = ", ".join(f"{len(group.cases)} × {short(group.key, 60)}" for group in folded[:_SHOWN_CAUSES])
        more = f" and {len(folded) - _SHOWN_CAUSES} more" if len(folded) > _SHOWN_CAUSES else ""
        parts.append(Hanging(Text(f"known: {names}{more}", "dim"), 2, 4))
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
    if (command := _repairing(group, output)) is not None:
        below += [Text("To repair one:"), Text(command, "bold", no_wrap=True)]
    if group.culprit:
        below.append(Text.assemble(("Explained: ", "green"), plain(group.culprit)))
    below += [Text(link, "dim") for link in (*group.links[:1], *group.tracked[:3])]
    if (log := group.cases[0].log) and unknown:
        below.append(Text(f"log: {plain(output + log)}"))
    return Group(Hanging(Text.assemble((head, "bold"), title), 2, 4), *(_indented(text) for text in below))


def _indented(text: Text) -> RenderableType:
    """A paragraph; a command, which does not wrap, as one line that can be copied."""
    return whole(Text(" " * 6) + text) if text.no_wrap else Hanging(text, 4, 4)


def _repairing(group: Cause, output: str) -> str | None:
    """The command that repairs the artifact of a case, where that should cure it; ``output`` as in ``cause_text``."""
    known = catalogue().get(group.key)
    repairs = {remedy.title for remedy in known.remedies if remedy.variant == "repair"} if known is not None else set()
    case = next((case for case in group.cases if repairs & set(case.remedies) and case.log is not None), None)
    if case is None or not repairs & set(group.remedies) or case.stage.rank <= Stage.CONVERT.rank:
        return None
    folder = plain(output + str(case.log).rpartition("/")[0])
    return f"tfjs-compat repair {shlex.quote(folder)} --output repaired"


def closing(results: Results, background: Background = Background()) -> Text:
    """The line that a reader looks for first."""
    cases = results.cases
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in words.counts(results)) or "no case finished"
    line = Text(f"\n{count(len(cases), 'case')} in {clock(results.seconds)}: {verdicts}.")
    for mood, sentence in sentences(results, background):
        line.append(" ").append(plain(sentence), _MOODS[mood])
    return line


_MOODS: Mapping[Mood, str] = {
    "good": VERDICTS[Verdict.WORKS].style,
    "bad": "bold red",
    "error": VERDICTS[Verdict.ERROR].style,
    "part": "bold",
}
