"""What a save came to: a block of a few lines for somebody who edits a model, or one line of JSON."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from tfjs_compat.report import change_words, words
from tfjs_compat.report.changes_terminal import STYLES
from tfjs_compat.report.look import VERDICTS
from tfjs_compat.report.numbers import magnitude
from tfjs_compat.report.printing import widen
from tfjs_compat.report.words import count, plain, short
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.comparison import Change, Kind
from tfjs_compat.system.saves import shown
from tfjs_compat.workflows.on_save import ConvertedAgain, RanAgain, Save, shown_case

_MOST_CASES = 8
_MOST_NAMES = 3


def show_run(console: Console, save: Save[RanAgain]) -> None:
    """Print what a run came to: every case of a few, of many those that do not work or changed."""
    if save.answer is None:
        _print(console, [_head(save, ""), *_error(save)])
        return
    cases, changes = save.answer.results.cases, save.answer.changes
    by_case = {change.case: change for change in changes or ()}
    few = len(cases) <= _MOST_CASES
    listed = [case for case in cases if few or _is_news(case, by_case.get(case.id), first=changes is None)]
    counts = ", ".join(f"{number} {verdict}" for verdict, number in words.counts(save.answer.results))
    lines = [_head(save, f"{count(len(cases), 'case')}: {counts}")]
    for case in listed[:_MOST_CASES]:
        lines += _case(case, by_case.get(case.id))
    if (rest := len(listed) - _MOST_CASES) > 0:
        lines.append(Text(f"  and {count(rest, 'more case')}: `tfjs-compat report` lists them", "dim"))
    gone = [change.case for change in changes or () if change.kind is Kind.GONE]
    lines += [Text(f"  gone: {plain(short(', '.join(gone), 200))}", "dim")] if gone else []
    _print(console, lines)


def run_as_json(save: Save[RanAgain]) -> dict[str, Any]:
    """A run for one line of JSON: every case in short, with what became of it since the last save."""
    answer = save.answer
    kinds = {change.case: change.kind for change in (answer.changes or ())} if answer is not None else {}
    cases = [_case_as_json(case, kinds.get(case.id)) for case in answer.results.cases] if answer is not None else []
    return {**_as_json(save), "cases": cases}


def show_converted(console: Console, save: Save[ConvertedAgain]) -> None:
    """Print what a conversion came to: what was written, or why nothing was."""
    if save.answer is None:
        _print(console, [_head(save, ""), *_error(save)])
        return
    found, target = save.answer.found, save.answer.target
    lines = [_head(save, count(found.trials, "trial"))]
    if (case := shown_case(found)) is not None:
        lines += _case(case, save.answer.change)
    if found.case is not None:
        lines.append(Text(f"    written: {target}{os.sep}model.json"))
    else:
        kept = ", which holds what was written before" if (target / "model.json").is_file() else ""
        ended = f"; the search ended {found.ended}" if found.ended else ""
        lines.append(Text(f"    nothing was written to {target}{kept}{ended}", "dim"))
    _print(console, lines)


def converted_as_json(save: Save[ConvertedAgain]) -> dict[str, Any]:
    """A conversion for one line of JSON. ``output``: the folder that was written, null where none was."""
    answer = save.answer
    if answer is None:
        return {**_as_json(save), "found": False, "case": None, "output": None}
    case, change = shown_case(answer.found), answer.change
    return {
        **_as_json(save),
        "found": answer.found.found,
        "case": _case_as_json(case, change.kind if change is not None else None) if case is not None else None,
        "output": str(answer.target) if answer.found.found else None,
    }


def show_waiting(console: Console, save: Save[Any]) -> None:
    """Say, once, what is waited for."""
    files = count(save.watched, "file")
    console.print(Text(f"waiting for a save ({files} watched; Ctrl-C ends it)", "dim"), soft_wrap=True)


def _is_news(case: CaseResult, change: Change | None, *, first: bool) -> bool:
    return (first and not case.as_expected) or (change is not None and change.kind is not Kind.SAME)


def _head(save: Save[Any], what: str) -> Text:
    now = datetime.datetime.now().strftime("%H:%M:%S")
    head = Text.assemble((now, "bold"))
    if save.saved:
        names = ", ".join(plain(short(shown(path), 80)) for path in save.saved[:_MOST_NAMES])
        more = f" and {len(save.saved) - _MOST_NAMES} more" if save.saved[_MOST_NAMES:] else ""
        head.append(f"  {names}{more}")
    head.append(f"  {what}" if what else "")
    return head.append(f"  {save.seconds:.1f} s", "dim")


def _error(save: Save[Any]) -> Iterator[Text]:
    for number, line in enumerate(str(save.error).splitlines()):
        yield Text(f"  {'' if number else 'error: '}{plain(line)}", "" if number else "red")


def _case(case: CaseResult, change: Change | None) -> Iterator[Text]:
    style = VERDICTS[case.verdict].style
    what = " · ".join((plain(short(case.model, 60)), plain(case.route), plain(short(_versions(case), 80))))
    yield Text.assemble("  ", (words.result(case), style), f"  {what}", ("  kept" if case.cached else "", "dim"))
    if cause := words.cause(case):
        yield Text(f"    {plain(cause)}")
    if case.message and case.verdict not in ("works", "error") and short(case.message, 160) not in cause:
        yield Text(f"    {plain(short(case.message, 300))}")
    elif case.parity is not None and case.parity.max_abs is not None and not cause:
        yield Text(f"    agrees to {magnitude(case.parity.max_abs)}, {plain(words.proof(case))}", "dim")
    if case.remedies:
        yield Text(f"    hint: {plain(short(case.remedies[0], 200))}")
    if change is not None and change.kind is not Kind.NEW:
        same = change.kind is Kind.SAME
        said = "as before" if same else f"{change.kind}: {plain(change_words.before_and_after(change))}"
        yield Text(f"    {said}", "dim" if same else STYLES.get(change.kind, "bold"))


def _versions(case: CaseResult) -> str:
    keras = f", Keras {case.keras_in_use}" if case.keras_in_use else ""
    process = f", {case.combination.process_env}" if case.combination.process_env not in ("", "default") else ""
    return f"TensorFlow {case.combination.tensorflow}{keras}{process}"


def _as_json(save: Save[Any]) -> dict[str, Any]:
    return {
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
        "saved": [shown(path) for path in save.saved],
        "seconds": round(save.seconds, 3),
        "watched": save.watched,
        "error": str(save.error) if save.error is not None else None,
    }


def _case_as_json(case: CaseResult, kind: Kind | None) -> dict[str, Any]:
    fields = ("id", "model", "route", "verdict", "stage", "issue", "signature", "message", "remedies", "cached")
    numbers = case.parity.max_abs if case.parity is not None else None
    return {**{name: getattr(case, name) for name in fields}, "max_abs": numbers, "change": kind}


def _print(console: Console, lines: Sequence[Text]) -> None:
    widen(console)
    for line in lines:
        console.print(line, soft_wrap=True)
    console.file.flush()
