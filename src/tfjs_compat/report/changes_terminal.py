"""A comparison → what changed, grouped by kind and root cause, for a terminal of any width."""

from __future__ import annotations

import os
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.report import change_words
from tfjs_compat.report.grid import Hanging
from tfjs_compat.report.printing import as_text
from tfjs_compat.report.words import cleaned_comparison, short
from tfjs_compat.report.writers import Place
from tfjs_compat.results.change_groups import ChangeGroup, groups
from tfjs_compat.results.comparison import Comparison, Kind

STYLES = {
    Kind.REGRESSED: "bold red",
    Kind.FAILS_EARLIER: "red",
    Kind.OTHER_CAUSE: "red",
    Kind.NUMBERS_DRIFTED: "yellow",
    Kind.FLAKY: "yellow",
    Kind.FIXED: "bold green",
    Kind.FAILS_LATER: "cyan",
    Kind.UNKNOWN: "magenta",
}
_CASES = 4
_GROUPS = 20


def render(comparison: Comparison, place: Place) -> str:
    """The changes and the sentence on them as text."""
    comparison = cleaned_comparison(comparison)
    closing = Hanging(Text(change_words.sentence(comparison), style(comparison)))
    return as_text(Group(*section(comparison, f"{place.output}{os.sep}"), closing), place.console)


def style(comparison: Comparison) -> str:
    """The style of the sentence on a comparison: that of its gravest kind."""
    counts = comparison.counts()
    return next((style for kind, style in STYLES.items() if counts[kind]), "bold green")


def section(comparison: Comparison, output: str = "") -> Iterable[RenderableType]:
    """The groups, what regressed first, each with its cases, the packages that changed in them, message and log."""
    found = groups(comparison)
    for group in found[:_GROUPS]:
        yield from _group(group, output)
    if len(found) > _GROUPS:
        yield Text(f"  and {len(found) - _GROUPS} more groups: `--json` has all")
    if others := change_words.conditions(comparison.of(Kind), comparison.machine):
        yield Hanging(Text(f"Also changed: {'; '.join(others[:8])}.", "dim"), 0, 2)


def _group(group: ChangeGroup, output: str) -> Iterable[RenderableType]:
    many = len(group.changes)
    head = Text.assemble(f"{many} × ", (str(group.kind), STYLES.get(group.kind, "bold")))
    if group.cause:
        head.append(f": {short(group.cause, 300)}")
    if entry := catalogue().get(group.cause):
        head.append(f" ({entry.title})")
    yield Hanging(head, 0, 2)
    for change in group.changes[:_CASES]:
        line = f"{change_words.name(change.shown)}: {change_words.before_and_after(change)}"
        yield Hanging(Text(line), 2, 4)
    if many > _CASES:
        yield Hanging(Text(f"and {many - _CASES} more"), 2, 4)
    for evidence in change_words.evidence(group.packages, many):
        yield Hanging(Text(evidence), 4, 6)
    shown = group.changes[0].after
    if shown is not None and group.cause:
        if shown.message and short(shown.message, 300) != short(group.cause, 300):
            yield Hanging(Text(short(shown.message, 300), "italic"), 4, 6)
        if shown.log:
            yield Hanging(Text(f"log: {output}{shown.log}", "dim"), 4, 6)
        for line in (shown.explanation or "").splitlines():
            yield Hanging(Text(line), 4, 6)
