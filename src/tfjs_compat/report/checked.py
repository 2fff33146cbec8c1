"""What a check of an artifact found, for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from tfjs_compat.diagnosis import Checked
from tfjs_compat.known_issues import catalogue
from tfjs_compat.outcomes import Verdict
from tfjs_compat.report.words import plain

_SHOWN = 40


def show(console: Console, found: Checked) -> None:
    """Print every finding with its place, then what is known of it, then the verdict."""
    for finding in found.findings[:_SHOWN]:
        style = "red" if finding.severity == "error" else "yellow"
        told = Text.assemble((f"{finding.severity}: ", style), (finding.id, "bold"), f": {plain(finding.message)}")
        console.print(told.append(f"\n  {plain(finding.path)}", "dim"))
    if len(found.findings) > _SHOWN:
        console.print(f"and {len(found.findings) - _SHOWN} more: see --json")
    for issue in found.issues:
        if issue in catalogue() and found.verdict is Verdict.FAILS:
            entry = catalogue()[issue]
            console.print(Text.assemble(("\n" + issue, "bold"), f": {entry.title}. {entry.explanation.strip()}"))
            if entry.remedies:
                console.print(Text(f"  Should cure it: {'; or '.join(one.title for one in entry.remedies)}."))
    where = f" in TensorFlow.js {found.tfjs}" + (f", {found.runtime}" if found.runtime else "")
    said = "nothing wrong found" if found.verdict is Verdict.CONVERTS else f"{found.verdict} at {found.stage}"
    console.print(Text.assemble("\n", (f"{said}{where}", "bold"), f": {plain(found.message)}" if found.message else ""))
