"""A comparison → what changed, grouped by kind and root cause, in Markdown. Pure."""

from __future__ import annotations

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.report import change_words
from tfjs_compat.report.markdown_text import as_name, code, escape, marked
from tfjs_compat.report.words import cleaned_comparison, short
from tfjs_compat.report.writers import Place
from tfjs_compat.results.change_groups import ChangeGroup, groups
from tfjs_compat.results.comparison import Comparison, Kind

_EMOJI = {
    Kind.REGRESSED: "🔴",
    Kind.FAILS_EARLIER: "🟠",
    Kind.OTHER_CAUSE: "🟠",
    Kind.NUMBERS_DRIFTED: "🟡",
    Kind.FLAKY: "🎲",
    Kind.FAILS_LATER: "🔵",
    Kind.FIXED: "🟢",
    Kind.NEW: "🆕",
    Kind.GONE: "👋",
    Kind.UNKNOWN: "❔",
}
_CASES = 10
_GROUPS = 30


def render(comparison: Comparison, _place: Place) -> str:
    """The document: the sentence on the comparison, then the groups."""
    comparison = cleaned_comparison(comparison)
    sentence = f"**{escape(change_words.sentence(comparison))}**"
    return "\n\n".join(["### What changed", sentence, *section(comparison)]) + "\n"


def section(comparison: Comparison) -> list[str]:
    """A paragraph and a list for each group, and a line on what else differs."""
    found = groups(comparison)
    parts = [_group(group) for group in found[:_GROUPS]]
    if len(found) > _GROUPS:
        parts.append(f"and {len(found) - _GROUPS} more groups")
    if others := change_words.conditions(comparison.of(Kind), comparison.machine):
        parts.append(f"Also changed: {escape('; '.join(others[:8]))}.")
    return parts


def _group(group: ChangeGroup) -> str:
    many = len(group.changes)
    entry = catalogue().get(group.cause)
    cause = f": {as_name(short(group.cause, 200))}" if group.cause else ""
    title = f" ({marked(entry.title)})" if entry else ""
    lines = [f"{_EMOJI[group.kind]} **{many} × {group.kind}**{cause}{title}", ""]
    for change in group.changes[:_CASES]:
        lines.append(f"- {as_name(change_words.name(change.shown))}: {escape(change_words.before_and_after(change))}")
    if many > _CASES:
        lines.append(f"- and {many - _CASES} more")
    lines += [f"- {escape(evidence)}" for evidence in change_words.evidence(group.packages, many)]
    shown = group.changes[0].after
    if shown is not None and group.cause and shown.message:
        lines.append(f"- message: {code(short(shown.message, 300))}")
    if shown is not None and shown.explanation:
        lines += [f"- {escape(short(line, 600))}" for line in shown.explanation.splitlines()]
    return "\n".join(lines)
