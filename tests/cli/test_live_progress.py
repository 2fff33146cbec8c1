from __future__ import annotations

import io
import re
import threading

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


def test_a_line_says_how_many_cases_are_done() -> None:
    out = console()
    with on_terminal(out) as progress:
        progress.begin("mlp")
        progress.cases(3, 40, 130.0)
        progress.end("mlp", "works")
    assert text(out).startswith("[0:00 3/40] mlp: works")


def test_a_terminal_shows_the_stage_and_how_long_the_rest_takes() -> None:
    out, stop = console(), threading.Event()
    display = Display(out, stop)
    stages = ["import"]
    display.begin("mlp-layers-" + "x" * 100)
    display.say("mlp-layers-" + "x" * 100, lambda: stages[-1])
    display.cases(3, 40, 130.5)
    out.print(display)
    stages.append("convert")
    out.print(display)
    shown = text(out)
    assert "0 s import  mlp-layers" in shown
    assert "0 s convert  mlp-layers" in shown
    assert "3 of 40 cases, 0:00 elapsed, about 2:10 left" in shown
    assert max(map(len, shown.splitlines())) <= 60
    stop.set()
    out.print(display)
    assert "stopping…" in text(out)


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
    assert "converting  case-0" in shown
    assert "and 1 more" in shown
    assert "1 done, 0:00 elapsed" in shown
    assert max(map(len, shown.splitlines())) <= 60
