from __future__ import annotations

import io
import re

from rich.console import Console

from tfjs_compat.cli.live_progress import Display, Lines, on_terminal


def console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=60, force_terminal=terminal, color_system=None)


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def test_a_pipe_gets_a_line_for_each_activity_that_ends() -> None:
    out = console()
    with on_terminal(out) as progress:
        assert isinstance(progress, Lines)
        progress.begin("mlp")
        progress.say("mlp", "converting")
        progress.end("mlp", "works")
        progress.begin("nothing worth a line")
        progress.end("nothing worth a line", "")
    assert re.fullmatch(r"\[0:00\] mlp: works \(\d+ ms\)\n", text(out))


def test_an_activity_that_never_began_can_end() -> None:
    for progress in (Lines(console()), Display(console())):
        progress.end("mlp", "works")


def test_a_terminal_shows_what_runs_and_how_much_is_done() -> None:
    out = console()
    display = Display(out)
    for number in range(14):
        display.begin(f"case-{number}")
    display.say("case-0", "converting")
    display.end("case-1", "fails at convert")
    out.print(display)
    shown = text(out)
    assert "fails at convert  case-1" in shown
    assert "case-0 converting" in shown
    assert "and 1 more" in shown
    assert "0:00 elapsed, 1 done" in shown
    assert max(map(len, shown.splitlines())) <= 60
