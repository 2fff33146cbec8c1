"""What a check of an artifact found, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report.grid import Hanging
from tfjs_compat.report.look import SEVERITIES, VERDICTS
from tfjs_compat.report.numbers import magnitude
from tfjs_compat.report.words import count, plain
from tfjs_compat.results.artifact_report import ArtifactReport

_SHOWN = 20


def show(console: Console, found: ArtifactReport) -> None:
    """Print what was found, a paragraph for all findings of an id; what is known of it; and last the verdict."""
    groups: dict[str, list[Finding]] = {}
    for finding in found.findings:
        groups.setdefault(finding.id, []).append(finding)
    for group in list(groups.values())[:_SHOWN]:
        _show_group(console, group)
    if len(groups) > _SHOWN:
        console.print(f"and {len(groups) - _SHOWN} more kinds: see --json")
    for issue in found.issues:
        if issue in catalogue() and found.verdict is Verdict.FAILS:
            entry = catalogue()[issue]
            console.print()
            console.print(Hanging(Text.assemble((issue, "bold"), f": {entry.title}."), 0, 2), crop=False)
            console.print(Hanging(Text(entry.explanation.strip()), 2, 2))
            if entry.remedies:
                titles = "; or ".join(remedy.title for remedy in entry.remedies)
                console.print(Hanging(Text(f"Should cure it: {titles}."), 2, 2))
    if groups:
        console.print()
    why = plain(found.message)
    if found.verdict is Verdict.FAILS and found.stage is Stage.CHECK and groups:
        # The places are shown above.
        why = count(sum(finding.severity == "error" for finding in found.findings), "error")
    if found.verdict is Verdict.WORKS and found.parity is not None:
        largest = found.parity.max_abs
        agrees = magnitude(largest) if largest is not None else "the last bit"
        why = f"its predictions agree with {found.compared_with} to {agrees}"
    ending = "nothing wrong found" if found.verdict is Verdict.CONVERTS else str(found.verdict)
    ending += f" at {found.stage}" if found.verdict in (Verdict.FAILS, Verdict.MISMATCH) else ""
    where = f", TensorFlow.js {found.tfjs}" + (f" in {found.runtime}" if found.runtime else "")
    verdict = Text.assemble((ending, VERDICTS[found.verdict].style), where, f": {why}" if why else "")
    console.print(Hanging(verdict, 0, 2), crop=False)


def _show_group(console: Console, group: Sequence[Finding]) -> None:
    """Print one id: how often it was found, the first message and the first place."""
    first = group[0]
    times = f" ({count(len(group), 'place')})" if len(group) > 1 else ""
    said = Text.assemble(
        (first.severity, SEVERITIES[first.severity]),
        ": ",
        (plain(first.id), "bold"),
        f"{times}: {plain(first.message)}",
    )
    console.print(Hanging(said, 0, 2), crop=False)
    which = "first at " if len(group) > 1 else "at "
    console.print(Hanging(Text(which + plain(first.path), "dim"), 2, 4), crop=False)
