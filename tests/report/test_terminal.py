from __future__ import annotations

import io
import re
from pathlib import Path

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console
from support.samples import combination, parity, result, results

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.matrix.cases import Expectation
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report.terminal import closing, render, report
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results


def printed(found: Results, width: int = 80, color: bool = False) -> str:
    out = io.StringIO()
    system = "truecolor" if color else None
    console = Console(file=out, width=width, force_terminal=True, color_system=system, legacy_windows=False)
    console.print(report(found), crop=False)
    return out.getvalue()


def flat(found: Results, width: int = 300) -> str:
    return " ".join(printed(found, width).split())


def fails(issue: str | None = None, *more: str, stage: Stage = Stage.CONVERT, **changed: object) -> CaseResult:
    given_: dict[str, object] = {
        "verdict": Verdict.FAILS,
        "stage": stage,
        "issue": issue,
        "issues": (issue, *more) if issue else (),
        "signature": "ValueError: no lstm at all",
        "message": "ValueError: no lstm_3 at all",
        "parity": None,
        **changed,
    }
    return result(**given_)


def seed() -> Results:
    """What the main job ends with."""
    old, new = combination(tensorflow="2.15.0"), combination(tensorflow="2.16.1")
    dated = {"as_of": "2024-04-10"}
    expected = Expectation(verdict=Verdict.FAILS, reason="x")
    return results(
        result(combination=combination(tensorflow="2.15.0", **dated), resolved={"keras": "2.15.0"}),
        fails(
            "pkg-resources-gone",
            stage=Stage.IMPORT,
            combination=old,
            resolved={"keras": "2.15.0"},
            expected=expected,
            remedies=("pin `setuptools<81`",),
        ),
        fails(
            "duplicate-weight-name", combination=combination(**dated), resolved={"keras": "3.2.1"}, expected=expected
        ),
        fails(
            "pkg-resources-gone", stage=Stage.IMPORT, combination=new, resolved={"keras": "3.15.1"}, expected=expected
        ),
        result(
            combination=combination(process_env="legacy-keras", **dated),
            resolved={"keras": "3.2.1"},
            keras_in_use="2.16.0",
        ),
        fails(
            *("keras3-batch-shape", "keras3-weight-prefix"),
            stage=Stage.CHECK,
            combination=combination(constraints=("setuptools<81",)),
            resolved={"keras": "3.15.1"},
            expected=expected,
        ),
    )


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_table_tells_the_story_at_any_width(width: int) -> None:
    lines = printed(seed(), width).splitlines()
    assert all(cell_len(line.rstrip()) <= width for line in lines)
    whole = "\n".join(lines)
    for text in ("works", "fails at import", "fails at convert", "fails at check"):
        assert text in whole
    for keras in ("2.15.0", "3.2.1", "3.15.1", "2.16.0"):
        assert keras in whole
    joined = re.sub(r"\s+", "", whole)  # a narrow column may fold a word
    for text in ("pkg-resources-gone", "duplicate-weight-name", "keras3-batch-shape", "legacy-keras", "setuptools<81"):
        assert text in joined


def test_a_row_holds_what_belongs_together() -> None:
    rows = [line.split() for line in printed(seed(), 200).splitlines()]
    (legacy,) = (row for row in rows if "legacy-keras" in row and "works" in row)
    assert {"2.16.1", "2024-04-10", "2.16.0"} <= set(legacy)
    (duplicate,) = (row for row in rows if "duplicate-weight-name" in row and "3.2.1" in row)
    assert {"2.16.1", "2024-04-10", "convert"} <= set(duplicate)


def test_causes_are_grouped_the_most_frequent_first() -> None:
    text = flat(seed())
    assert "4 cases, 3 causes:" in text
    first, second = text.index("2 × pkg-resources-gone"), text.index("1 × duplicate-weight-name")
    assert first < second
    assert "Should cure it: pin `setuptools<81`" in text
    assert "Also found: keras3-weight-prefix." in text
    assert "https://github.com/tensorflow/hub/issues/934" in text


def test_an_unknown_cause_is_called_unknown_with_signature_and_log() -> None:
    text = flat(results(fails(), fails(message="ValueError: no lstm_7 at all"), fails(signature="OSError: gone")))
    assert "3 cases, 2 causes:" in text
    assert "2 × unknown: ValueError: no lstm at all" in text
    assert "1 × unknown: OSError: gone" in text
    assert "log: cases/mlp-layers/log.txt" in text


def test_the_folder_of_logs_is_shown() -> None:
    assert "log: out/cases/mlp-layers/log.txt" in render(results(fails()), Place(Path("out")))


def test_a_broken_artifact_comes_with_the_command_that_repairs_it() -> None:
    remedies = tuple(remedy.title for remedy in catalogue()["keras3-batch-shape"].remedies)
    broken = fails("keras3-batch-shape", stage=Stage.CHECK, remedies=remedies, log="cases/a case/0a1b/log.txt")
    text = render(results(broken), Place(Path("out")))
    assert "      tfjs-compat repair 'out/cases/a case/0a1b' --output repaired" in text.splitlines()
    # One line on any terminal: it is to be copied.
    assert "      tfjs-compat repair 'cases/a case/0a1b' --output repaired" in printed(results(broken), 40).splitlines()
    assert "tfjs-compat repair 'out" not in render(
        results(msgspec.structs.replace(broken, remedies=())), Place(Path("out"))
    )


def test_a_finding_outside_the_catalogue_shows_its_message() -> None:
    text = flat(results(fails("of-the-checks-own", message="$.x: it is so")))
    assert "1 × of-the-checks-own" in text
    assert "$.x: it is so" in text
    assert "unknown" not in text


def test_a_long_list_of_causes_ends() -> None:
    text = flat(results(*(fails(signature=f"Error: cause {chr(97 + at)}") for at in range(15))))
    assert "15 cases, 15 causes:" in text
    assert "and 3 more causes: see results.json" in text


def test_what_was_not_expected_is_marked() -> None:
    expected = Expectation(verdict=Verdict.FAILS, stage=Stage.CONVERT, issue="duplicate-weight-name", keras="3.2.*")
    text = flat(
        results(fails(as_expected=False, id="a"), result(as_expected=False, expected=expected, id="b"), result(id="c"))
    )
    assert "fails at convert *1 unknown" in text
    assert "works *2 agrees" in text
    assert "*1 unexpected: cases without an `[[expect]]` must work" in text
    assert "*2 unexpected: the matrix expects fails at convert with duplicate-weight-name, Keras 3.2.*" in text
    assert "2 of 3 cases did not end as expected." in text
    alone = flat(results(fails(as_expected=False), result()))
    assert "fails at convert * unknown" in alone
    assert "* unexpected: cases without" in alone
    assert "unexpected" not in flat(results(result(), fails(as_expected=True)))


def many_axes() -> Results:
    """Cases that differ in every axis, as `frontier` and then some."""
    every = [
        combination(
            tensorflow=f"2.{minor}.0",
            tensorflowjs=f"4.{minor}.0",
            python=f"3.{minor - 6}",
            keras="3.2.1" if minor % 2 else "resolved",
            as_of="today" if minor % 2 else "2024-04-10",
            process_env="legacy-keras+no-onednn" if minor % 2 else "default",
            constraints=("setuptools<81", "ydf<0.13", "tensorflow-decision-forests==1.9.0"),
            tfjs_runtime="4.22.0" if minor % 2 else "converter",
        )
        for minor in (15, 16, 17)
    ]
    return results(
        *(fails("duplicate-weight-name", "keras3-batch-shape", combination=each, as_expected=False) for each in every),
        result(combination=every[0], model="models/of/mine.py:build_the_model", route="graph"),
        fails(combination=every[0], log="cases/a-very-long-name-of-a-case-that-has-many-axes-and-so-a-long-id/log.txt"),
    )


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_no_word_is_broken_at_any_width(width: int) -> None:
    text = printed(many_axes(), width)
    words = {word.rstrip(";") for word in text.split()}
    for whole in ("duplicate-weight-name", "legacy-keras+no-onednn", "2024-04-10", "models/of/mine.py:build_the_model"):
        assert whole in words
    assert "fails at convert *" in text
    paths = [word for word in words if word.endswith("log.txt")]
    assert paths == ["cases/a-very-long-name-of-a-case-that-has-many-axes-and-so-a-long-id/log.txt"]
    assert all(cell_len(line) <= width or "log.txt" in line for line in text.splitlines())


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_line_ends_with_spaces(width: int) -> None:
    for found in (many_axes(), seed()):
        assert not re.search(" +$", printed(found, width), re.MULTILINE)


def test_a_cause_is_a_paragraph_that_hangs_inward() -> None:
    lines = printed(seed(), 60).splitlines()
    start = next(at for at, line in enumerate(lines) if "pkg-resources-gone:" in line)
    block = lines[start : next(at for at in range(start, len(lines)) if "duplicate-weight-name:" in lines[at])]
    assert block[0].startswith("  2 × pkg")
    assert len(block) > 5
    assert all(re.match(r"    \S", line) for line in block[1:])


@pytest.mark.parametrize(
    ("found", "sentence", "absent"),
    [
        (results(result(), result()), "2 cases in 1:05: 2 works. All as expected.", "Incomplete"),
        (results(fails(as_expected=True)), "1 case in 1:05: 1 fails. All as expected.", "did not"),
        (results(fails(as_expected=False)), "1 case did not end as expected.", "All as expected"),
        (
            results(result(), result(verdict=Verdict.ERROR, as_expected=False, message="no space\nleft")),
            "The machinery failed for 1 of 2 cases: no space left",
            "as expected",
        ),
        (results(result(), complete=False, planned=7), "Incomplete run: 1 of 7 cases finished", "All as expected"),
        (
            results(result(verdict=Verdict.CONVERTS, stage=Stage.CONVERT), until=Stage.CONVERT),
            "1 converts. All as expected (until convert).",
            "works",
        ),
        (results(), "0 cases in 1:05", "did not"),
    ],
)
def test_the_closing_line(found: Results, sentence: str, absent: str) -> None:
    line = closing(found).plain
    assert sentence in line
    assert absent not in line


def test_a_mismatch_is_not_called_works() -> None:
    case = result(verdict=Verdict.MISMATCH, issue="numbers-differ", issues=("numbers-differ",), parity=parity(False))
    text = flat(results(case))
    assert " mismatch " in text
    assert "numbers-differ" in text
    assert "works" not in text


def test_without_a_case_there_is_a_report() -> None:
    assert "0 cases" in flat(results())


HOSTILE = {
    "escapes": "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x1b[H \x1bc \x9b31m",
    "an unfinished escape": "text \x1b[",
    "markup": "[red]red[/red] [/] [link=https://x]x[/link] [bold",
    "emoji code": ":warning: :x:",
    "control": "a\rb\bc\x00d\x7fe\tf\x0bg",
    "bidi": "\u202egnp.exe\u2066 \u200b",
    "wide": "模型" * 40,
    "long": "x" * 5000,
    "many lines": "line\n" * 300,
    "surrogate": "a\udcff b",
}


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_and_not_obeyed(text: str, width: int) -> None:
    found = results(
        fails(signature=text, message=text, model=text, log=text),
        fails(text, text, message=text, combination=combination(extra=(text,), process_env=text)),
        result(verdict=Verdict.ERROR, message=text, as_expected=False, resolved={"keras": text}),
        result(verdict=Verdict.CONVERTS, stage=Stage.CHECK, message=text, tfjs=text, runtime=text),
        matrix=text,
        left_out=(f"{text}: {text}",),
    )
    shown = printed(found, width)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\udc80-\udcff]", shown)
    long = [line for line in shown.splitlines() if cell_len(line) > width]
    # Only what has no place to break: it is not cut.
    assert all(max(map(cell_len, line.split()), default=0) > width - 30 for line in long)


def test_markup_of_others_is_text() -> None:
    text = flat(results(fails(signature="[red]alarm[/red] :warning:")))
    assert "[red]alarm[/red] :warning:" in text


def test_escapes_of_others_are_gone_where_ours_are_used() -> None:
    shown = printed(results(fails(signature="\x1b[5;42mblink\x1b[0m")), color=True)
    assert "\x1b[" in shown
    assert "\x1b[5;42m" not in shown
    assert "blink" in shown


def test_a_pipe_gets_long_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    shown = render(seed(), Place(console=Console(file=io.StringIO(), width=80)))
    assert max(len(line.rstrip()) for line in shown.splitlines()) > 100
    assert "\x1b" not in shown
