"""What a repair came to, for a terminal and as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.repairs.catalogue import REPAIRS
from tfjs_compat.report.causes import causes
from tfjs_compat.report.look import SEVERITIES, VERDICTS
from tfjs_compat.report.numbers import magnitude
from tfjs_compat.report.words import count, plain, short
from tfjs_compat.workflows.repair import RepairReport

_SHOWN = 12
_SHOWN_CAUSES = 3


def as_json(report: RepairReport) -> dict[str, Any]:
    """The report for scripts; the repaired model itself is in the target."""
    return {
        "written": report.written,
        "proven": report.checked.verdict is Verdict.WORKS,
        "applied": report.repaired.applied,
        "weights": report.repaired.weights,
        "checked": report.checked,
        "remains": report.remains,
        "reference": report.reference.case if report.reference is not None else None,
    }


def show(console: Console, report: RepairReport, target: Path) -> None:
    """Print what was repaired, what remains, and what proves the result."""
    _show_applied(console, report)
    for defect in report.remains[:_SHOWN]:
        message = f": {plain(defect.finding.message)}; use {defect.instead}"
        console.print(Text.assemble("remains ", (defect.finding.id, SEVERITIES["error"]), message), soft_wrap=True)
    if report.reference is not None and not report.reference.found:
        style = VERDICTS[Verdict.FAILS].style
        message = "no environment could build the reference, so there is nothing to compare with"
        console.print(Text(message, style), soft_wrap=True)
        for group in causes(report.reference.failures())[:_SHOWN_CAUSES]:
            console.print(Text(f"  {plain(short(group.message or group.key, 300))}"), soft_wrap=True)
    console.print(_verdict(report), soft_wrap=True)
    if report.written:
        weights = count(len(report.repaired.weights), "weight")
        console.print(Text(f"written: {target} ({weights}, every byte unchanged)"), soft_wrap=True)
    else:
        console.print(Text(f"nothing was written to {target}"), soft_wrap=True)


def _show_applied(console: Console, report: RepairReport) -> None:
    entries = {entry.id: entry for entry in REPAIRS}
    for applied in report.repaired.applied:
        entry = entries[applied.id]
        times = f" ({count(len(applied.paths), 'place')})"
        console.print(Text.assemble("repaired ", (applied.id, "bold"), f": {entry.title}{times}"), soft_wrap=True)
        if entry.costs:
            console.print(Text(f"  costs: {entry.costs}"), soft_wrap=True)
    if not report.repaired.applied and report.checked.tfjs is not None:
        console.print("nothing to repair: no known defect was found")


def _verdict(report: RepairReport) -> Text:
    """What TensorFlow.js made of the result, in one line."""
    checked = report.checked
    style = VERDICTS[checked.verdict].style
    where = f" in TensorFlow.js {checked.tfjs}" + (f" ({checked.runtime})" if checked.runtime else "")
    if checked.tfjs is None:
        return Text.assemble(("cannot be read", style), f": {plain(short(checked.message, 500))}")
    if checked.verdict is Verdict.WORKS and checked.parity is not None:
        largest = checked.parity.max_abs
        agreed = magnitude(largest) if largest is not None else "the last bit"
        return Text.assemble(("works", style), f"{where}: the predictions agree to {agreed}")
    if checked.verdict is Verdict.CONVERTS:
        # The message of such a check begins with what the line says already.
        unproven = short(checked.message.removeprefix("it loads; "), 300)
        why = "give --reference to prove its numbers" if report.reference is None else unproven
        return Text.assemble(("loads", style), f"{where}; its numbers are unproven: {why}")
    return Text.assemble((f"{checked.verdict} at {checked.stage}", style), f"{where}: {short(checked.message, 500)}")
