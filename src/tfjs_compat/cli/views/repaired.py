"""What a repair came to, for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.repairs.catalogue import REPAIRS
from tfjs_compat.report.causes import causes
from tfjs_compat.report.words import count, plain, short
from tfjs_compat.workflows.repair import RepairReport

_SHOWN = 12
_SHOWN_CAUSES = 3


def as_json(report: RepairReport) -> dict[str, Any]:
    """What a script wants to know; the repaired model itself is in the target."""
    return {
        "written": report.written,
        "proven": report.checked.verdict is Verdict.WORKS,
        "applied": report.repaired.applied,
        "weights": report.repaired.weights,
        "checked": report.checked,
        "remains": report.remains,
        "reference": report.reference.case if report.reference is not None else None,
    }


def _why_unproven(message: str) -> str:
    """What a check says of numbers that prove nothing, without what the line says already."""
    return short(message.removeprefix("it loads; "), 300)


def show(console: Console, report: RepairReport, target: Path) -> None:
    """Print what was repaired, what remains, and what proves the result."""
    entries = {entry.id: entry for entry in REPAIRS}
    for applied in report.repaired.applied:
        entry = entries[applied.id]
        times = f" ({count(len(applied.paths), 'place')})"
        console.print(Text.assemble("repaired ", (applied.id, "bold"), f": {entry.title}{times}"))
        if entry.costs:
            console.print(Text(f"  {entry.costs}"))
    if not report.repaired.applied and report.checked.tfjs is not None:
        console.print("nothing to repair: no defect that a repair knows")
    for defect in report.remains[:_SHOWN]:
        instead = f": {plain(defect.finding.message)}; use {defect.instead}"
        console.print(Text.assemble("remains ", (defect.finding.id, "bold red"), instead))
    if report.reference is not None and not report.reference.found:
        console.print(
            Text("no environment was found that builds the reference, so that nothing can be compared", "red")
        )
        for group in causes(report.reference.failures())[:_SHOWN_CAUSES]:
            console.print(Text(f"  {plain(short(group.message or group.key, 300))}"), soft_wrap=True)
    checked = report.checked
    where = f"TensorFlow.js {checked.tfjs}" + (f" ({checked.runtime})" if checked.runtime else "")
    if checked.tfjs is None:
        why = plain(short(checked.message, 500))
        console.print(Text.assemble(("cannot be read", "bold red"), f": {why}"), soft_wrap=True)
    elif checked.verdict is Verdict.WORKS and checked.parity is not None:
        agreed = f"{checked.parity.max_abs:.0e}" if checked.parity.max_abs is not None else "the last bit"
        console.print(Text.assemble(("works", "bold green"), f" in {where}: the predictions agree to {agreed}"))
    elif checked.verdict is Verdict.CONVERTS:
        why = "give --reference to prove its numbers" if report.reference is None else _why_unproven(checked.message)
        console.print(Text.assemble(("it loads", "bold"), f" in {where}; its numbers are unproven: {why}"))
    else:
        console.print(Text.assemble((f"{checked.verdict} at {checked.stage}", "bold red"), f" in {where}: "), end="")
        console.print(Text(short(checked.message, 500)), soft_wrap=True)
    weights = count(len(report.repaired.weights), "weight")
    if report.written:
        console.print(Text(f"written: {target} ({weights}, every byte of them as it was)"), soft_wrap=True)
    else:
        console.print(Text(f"nothing was written to {target}"), soft_wrap=True)
