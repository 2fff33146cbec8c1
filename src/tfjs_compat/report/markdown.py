"""Results → Markdown for documents and comments on pull requests: the table, and below it the causes. Pure.

Texts come from logs and models and are hostile: what is not the catalogue's own is a code span, or has every character
escaped that Markdown, HTML or GitHub (@names, links) would take for its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import change_words, changes_markdown, words
from tfjs_compat.report.background import Background
from tfjs_compat.report.causes import Cause, causes
from tfjs_compat.report.headline import headline
from tfjs_compat.report.look import VERDICTS
from tfjs_compat.report.markdown_text import as_head, as_name, code, escape, marked
from tfjs_compat.report.pivot import Pivot, label, pivot
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.rules import rule_notes

MOST_BYTES = 1 << 20
"""What GitHub takes for a job summary, in UTF-8 (docs.github.com, "Workflow commands for GitHub Actions")."""

_SHOWN_CAUSES = 30
_SHOWN_NEWS = 50
_SHOWN_PROOFS, _SHOWN_OF_A_PROOF = 30, 3


def render(results: Results, _place: Place, background: Background = Background()) -> str:
    """The document: what changed or is not as expected, then the table of all cases, then causes and proofs.

    A job summary on GitHub may have 1 MiB (a comment 65,536 characters, some 600 cases): where the document would be
    larger, first the table of all cases is left out, then the end.
    """
    results, background = words.cleaned(results), background.cleaned()
    found = causes(results.cases)
    before, after = _before_the_table(results, background), _after_the_table(results, found)
    table = _table(pivot(results.cases), found) if results.cases else ""
    whole = _document([*before, table, *after])
    if _size(whole) <= MOST_BYTES:
        return whole
    left_out = f"The table of {words.count(len(results.cases), 'case')} is left out here: it would be too large."
    return _cut(_document([*before, left_out, *after]))


def _before_the_table(results: Results, background: Background) -> list[str]:
    counts = ", ".join(f"{number} {verdict}" for verdict, number in words.counts(results))
    parts = [f"### TensorFlow.js compatibility: {escape(results.matrix)}"]
    parts.append(f"**{escape(headline(results, background)[1])}**" + (f" {counts}." if counts else ""))
    if background.comparison is not None:
        parts += changes_markdown.section(background.comparison)
    news, _ = background.news_first(results)
    news = [case for case in news if case.id not in background.changes()]
    if news:
        parts.append("#### Not as expected")
        parts.append(_news(news[:_SHOWN_NEWS]))
    if len(news) > _SHOWN_NEWS:
        parts.append(f"and {len(news) - _SHOWN_NEWS} more: see the table")
    parts += [escape(words.rule_note(note)) for note in rule_notes(results)]
    if results.cases:
        parts.append("#### All cases")
    return parts


def _news(cases: Sequence[CaseResult]) -> str:
    lines = [_line(["case", "result", "why", "the matrix expects"]), _line(["---"] * 4)]
    for case in cases:
        result = f"{VERDICTS[case.verdict].emoji} {words.result(case)}"
        lines.append(
            _line(
                [
                    as_name(change_words.name(case)),
                    result,
                    as_name(words.cause(case, 120)),
                    marked(words.expectation(case)),
                ]
            )
        )
    return "\n".join(lines)


def _after_the_table(results: Results, found: Sequence[Cause]) -> list[str]:
    parts = [f"{name}: {marked(meaning)}" for name, meaning in words.marks(results.cases)]
    if note := words.left_out(results.left_out):
        parts.append(escape(note))
    if found:
        parts.append("#### Causes")
        parts += [_cause(number, cause) for number, cause in enumerate(found[:_SHOWN_CAUSES], 1)]
    if len(found) > _SHOWN_CAUSES:
        parts.append(f"and {words.count(len(found) - _SHOWN_CAUSES, 'more cause')}: see results.json")
    if proofs := words.proofs(results.cases):
        parts.append("#### Proofs")
        parts.append(_proofs(proofs[:_SHOWN_PROOFS]))
    if len(proofs) > _SHOWN_PROOFS:
        parts.append(f"and {words.count(len(proofs) - _SHOWN_PROOFS, 'more kind')} of proof: see results.json")
    parts.append("Started " + escape(" · ".join(words.facts(results))))
    return parts


def _proofs(proofs: Sequence[tuple[str, Sequence[CaseResult]]]) -> str:
    lines = [_line(["works by", "cases", ""]), _line(["---"] * 3)]
    for proof, cases in proofs:
        names = ", ".join(as_name(change_words.name(case)) for case in cases[:_SHOWN_OF_A_PROOF])
        lines.append(_line([escape(proof), str(len(cases)), names + (", …" if len(cases) > _SHOWN_OF_A_PROOF else "")]))
    return "\n".join(lines)


def _document(parts: Sequence[str]) -> str:
    return "\n\n".join(filter(None, parts)) + "\n"


def _size(text: str) -> int:
    return len(text.encode())


def _cut(text: str) -> str:
    """The text without the lines at its end that are too many."""
    if _size(text) <= MOST_BYTES:
        return text
    note = "\n\nThe rest is left out here.\n"
    start = text.encode()[: MOST_BYTES - _size(note)].decode(errors="ignore")
    return start.rpartition("\n")[0] + note


def _table(table: Pivot, found: Sequence[Cause]) -> str:
    numbers = {id(case): number for number, cause in enumerate(found, 1) for case in cause.cases}
    heads = [escape(title) for title in table.row_titles]
    names = [as_name if title == "model" else as_head for title in table.row_titles]
    heads += ["<br>".join(map(as_head, label(table.column_titles, column))) or "–" for column in table.columns]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for row in table.rows:
        cells = ["<br>".join(_cell(case, numbers.get(id(case))) for case in cell) for cell in row.cells]
        lines.append(_line([*(name(head) for name, head in zip(names, row.heads, strict=True)), *cells]))
    if table.sums:
        lines.append(_line(["works", *[""] * (len(table.row_titles) - 1), *table.sums]))
    caption = f"For all: {', '.join(map(escape, table.caption))}.\n\n" if table.caption else ""
    return caption + "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(case: CaseResult, number: int | None) -> str:
    text = f"{VERDICTS[case.verdict].emoji} {words.result(case)}"
    if case.issues and case.verdict is not Verdict.ERROR:
        text += f": {as_name(words.cause(case, 60))}"
    elif number is not None:
        text += f": cause {number}"
    return text + (f" ({words.mark(case)})" if words.mark(case) else "")


def _cause(number: int, cause: Cause) -> str:
    """A cause as a paragraph that begins with its number, not as a list item: nothing in it can end a list."""
    named = cause.kind in ("known", "named")
    title = ": ".join(filter(None, [as_name(cause.key) if named else "", marked(cause.title)]))
    lines = [f"**{number}.** {len(cause.cases)} × {title}"]
    if cause.explanation:
        lines.append(marked(cause.explanation))
    else:
        lines.append(code(words.short(cause.message or cause.key, 400)))
    if cause.kind == "unknown" and cause.cases[0].log:
        lines.append(f"log: {code(words.short(cause.cases[0].log, 300))}")
    if cause.behind:
        lines.append("also found: " + ", ".join(as_name(words.short(issue)) for issue in cause.behind[:12]))
    if cause.proven:
        lines.append("remedies run: " + "; ".join(map(marked, cause.proven)))
    elif cause.remedies:
        lines.append("should cure it: " + "; or ".join(map(marked, cause.remedies)))
    if cause.culprit:
        lines.append(f"explained: {escape(cause.culprit)}")
    lines += [f"<{link}>" for link in (*cause.links, *cause.tracked) if re.fullmatch(r"https?://[\w./#?=&%-]+", link)]
    return "  \n".join(lines)
