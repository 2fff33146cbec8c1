"""Results → workflow commands of GitHub Actions, which show as annotations at the matrix file. Pure.

One command a line (docs.github.com, "Workflow commands for GitHub Actions"). GitHub shows ten annotations of each level
for a step, so that cases of one cause stand in one; what fails the run comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import change_words, words
from tfjs_compat.report.background import Background
from tfjs_compat.report.headline import headline
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.change_groups import cause_of
from tfjs_compat.results.comparison import Change
from tfjs_compat.results.rules import rule_notes

Level = Literal["error", "warning", "notice"]
_NAMED = 8


def render(results: Results, place: Place, background: Background = Background()) -> str:
    """The commands. Errors: what makes the run fail, and faults of the machinery; the rest are warnings and notices."""
    results, background = words.cleaned(results), background.cleaned()
    mood, sentence = headline(results, background)
    title = f"tfjs-compat {words.short(results.matrix, 80)}"
    changes, failing = background.changes(), background.failures(results)
    news, _ = background.news_first(results)
    lines = [
        *_groups(results, changes, [case for case in news if case.id in failing], "error", place),
        *_groups(results, changes, [case for case in news if case.verdict is Verdict.ERROR], "error", place),
        *_groups(
            results,
            changes,
            [case for case in news if case.id not in failing and case.verdict is not Verdict.ERROR],
            "warning",
            place,
        ),
    ]
    lines += [
        _command("warning", results, note.rule.rule, "", "expectation", words.rule_note(note))
        for note in rule_notes(results)
    ]
    if mood != "good" and not any(line.startswith("::error") for line in lines):
        lines.append(_command("error", results, None, "", title, sentence))
    lines.append(_command("notice", results, None, "", title, sentence))
    return "\n".join(lines) + "\n"


def _groups(
    results: Results, changes: dict[str, Change], cases: Sequence[CaseResult], level: Level, place: Place
) -> Iterable[str]:
    """A command for each kind of change and cause among the cases."""
    groups: dict[tuple[str, str], list[CaseResult]] = {}
    for case in cases:
        change = changes.get(case.id)
        what = str(change.kind) if change is not None else words.result(case)
        groups.setdefault((what, cause_of(case)), []).append(case)
    for (what, cause), group in groups.items():
        first = group[0]
        title = f"{len(group)} × {what}" + (f": {words.short(cause, 120)}" if cause else "")
        rule = first.expected.rule if first.expected is not None else None
        yield _command(level, results, rule, first.model, title, _text(group, changes, place))


def _text(cases: Sequence[CaseResult], changes: dict[str, Change], place: Place) -> str:
    lines = []
    for case in cases[:_NAMED]:
        change = changes.get(case.id)
        how = change_words.before_and_after(change) if change is not None else words.result(case)
        lines.append(f"{change_words.name(case)}: {how}")
    if len(cases) > _NAMED:
        lines.append(f"and {len(cases) - _NAMED} more")
    first = cases[0]
    if first.message:
        lines.append(words.short(first.message, 400))
    change = changes.get(first.id)
    if change is not None and change.packages:
        packages = [change_words.versions(name, pair) for name, pair in change.packages.items()]
        more = f" and {len(packages) - 10} more" if packages[10:] else ""
        lines.append(f"packages: {', '.join(packages[:10])}{more}")
    if first.log:
        lines.append(f"log: {place.output / first.log}")
    return "\n".join(lines)


def _command(level: Level, results: Results, rule: int | None, model: str, title: str, text: str) -> str:
    """``::error file=F,line=N,title=T::TEXT``, at the expectation or else where the matrix names the model."""
    source = results.source
    where = ""
    if source is not None:
        where = f"file={_property(source.file)},line={source.line(rule, model)},"
    return f"::{level} {where}title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
