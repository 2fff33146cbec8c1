"""What a reproduction or a reduction is and showed, for a terminal and as plain values."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from tfjs_compat.handover.reproduction.account import Shown
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report.look import VERDICTS
from tfjs_compat.report.numbers import clock
from tfjs_compat.report.words import count, plain, short
from tfjs_compat.workflows.check_reproduction import Checked
from tfjs_compat.workflows.reduce import Irreducible, ReducedCase, Size
from tfjs_compat.workflows.repro import Written

_MOST = 500
_LOG_LINES = 15


def written_as_json(written: Written | None) -> dict[str, Any]:
    """What was written, for scripts."""
    if written is None:
        return {"written": False}
    return {
        "written": True,
        "output": written.folder,
        "archive": written.archive,
        "case": written.reproduction.case,
        "shown": written.reproduction.shown,
    }


def show_written(console: Console, written: Written | None) -> None:
    """Print where it is, what it shows, and how to check it."""
    if written is None:
        console.print("nothing fails, so there is nothing to reproduce")
        return
    console.print(Text(f"{written.reproduction.case}: {_shown(written.reproduction.shown)}"), soft_wrap=True)
    console.print(Text(f"written: {written.folder} and {written.archive}"), soft_wrap=True)
    console.print(Text(f"anybody:  cd {written.folder} && uv run repro.py"), soft_wrap=True)
    console.print(Text(f"check it: tfjs-compat repro --check {written.folder}"), soft_wrap=True)


def show_checked(console: Console, checked: Checked) -> None:
    """Print whether the failure showed, and what did instead."""
    style = VERDICTS[Verdict.WORKS if checked.confirmed else Verdict.FAILS].style
    verdict = "reproduced" if checked.confirmed else "NOT reproduced"
    console.print(Text.assemble((verdict, style), f": {_shown(checked.expected)}"), soft_wrap=True)
    if not checked.confirmed:
        instead = _shown(checked.seen) if checked.seen is not None else "nothing failed"
        console.print(Text(f"this run: {instead}"), soft_wrap=True)
        for line in checked.log.strip().splitlines()[-_LOG_LINES:]:
            console.print(Text(f"  {plain(line)}"), soft_wrap=True)


def _shown(shown: Shown) -> str:
    return f"fails at {shown.stage}: {plain(short(shown.message, _MOST))}"


def reduced_as_json(reduced: ReducedCase | Irreducible | None) -> dict[str, Any]:
    """What was found, for scripts."""
    if reduced is None:
        return {"reduced": False, "why": "nothing fails"}
    if isinstance(reduced, Irreducible):
        return {"reduced": False, "case": reduced.case, "why": reduced.why}
    return {"reduced": True, **msgspec.structs.asdict(reduced)}


def show_reduced(console: Console, reduced: ReducedCase | Irreducible | None) -> None:
    """Print the model, how much smaller it is, and how sure that is."""
    if reduced is None:
        console.print("nothing fails, so there is nothing to reduce")
        return
    if isinstance(reduced, Irreducible):
        console.print(Text(f"{reduced.case}: {plain(reduced.why)}"), soft_wrap=True)
        return
    console.print(Text(plain(reduced.code.rstrip())), soft_wrap=True)
    console.print()
    before, after = _size(reduced.before), _size(reduced.after)
    signature = plain(short(reduced.signature or "the predictions differ", _MOST))
    console.print(Text(f"{before} → {after}, and still fails at {reduced.stage}: {signature}"), soft_wrap=True)
    if reduced.by_issue:
        console.print(
            "the same known issue; what else was found with it needs more than the configuration", soft_wrap=True
        )
    how = "no step makes it smaller" if reduced.minimal else "perhaps not the smallest"
    ended = {"time": "; the time was up", "interrupted": "; interrupted"}.get(reduced.ended or "", "")
    unknown = f"; {count(reduced.unknown, 'candidate')} had no answer" if reduced.unknown else ""
    trials = f"{count(reduced.trials, 'trial')}, {clock(reduced.seconds)}"
    console.print(Text(f"{trials}; {how}{unknown}{ended}"), soft_wrap=True)
    console.print(Text(f"written: {reduced.file}"), soft_wrap=True)
    options = " ".join(reduced.options)
    hand_over = f"tfjs-compat repro --model {reduced.file}:build {options} --output bundle/"
    console.print(Text(f"hand it over: {hand_over}"), soft_wrap=True)


def _size(size: Size) -> str:
    parameters = f", {count(size.parameters, 'parameter')}" if size.parameters is not None else ""
    return f"{count(size.layers, 'layer')}{parameters}"
