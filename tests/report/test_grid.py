"""Tables and paragraphs at any width, and the reports that are made of nothing else."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from tfjs_compat.cli.views import checked
from tfjs_compat.cli.views import models as zoo
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report.grid import Column, Grid, Hanging
from tfjs_compat.results.artifact_report import ArtifactReport


def console(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, color_system=None)


def said(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def printed(what: RenderableType, width: int) -> str:
    on = console(width)
    on.print(what, crop=False)
    return said(on)


def column(title: str, *cells: str, **how: bool) -> Column:
    return Column(title, [Text(cell) for cell in cells], **how)


def test_what_fits_is_one_line_a_row() -> None:
    grid = Grid(
        [column("TF", "2.15.0", "2.16.1"), column("n", "1", "20", right=True), column("why", "because of it", "")]
    )
    assert printed(grid, 30).splitlines() == ["TF      n why", "2.15.0  1 because of it", "2.16.1 20"]


def test_what_does_not_fit_wraps_between_words_the_sentence_last() -> None:
    grid = Grid([column("with", "legacy-keras a<1"), column("why", "one two three")])
    assert printed(grid, 26).splitlines() == ["with         why", "legacy-keras one two three", "a<1"]
    assert printed(grid, 20).splitlines() == ["with         why", "legacy-keras one two", "a<1          three"]


def test_what_cannot_stand_beside_the_rest_goes_below_its_row() -> None:
    grid = Grid(
        [column("TF", "2.15.0"), column("result", "fails at it", stays=True, wraps=False), column("why", "abcdefghij")]
    )
    assert printed(grid, 20).splitlines() == ["TF     result", "2.15.0 fails at it", "    why: abcdefghij"]


def test_a_paragraph_hangs_inward_and_keeps_its_own_lines() -> None:
    told = Hanging(Text("a bb ccc dddd\n\ne"), 2, 4)
    assert printed(told, 13).splitlines() == ["  a bb ccc", "    dddd", "", "    e"]


def test_a_path_is_never_broken_or_cut() -> None:
    path = "out/cases/" + "x" * 100 + "/log.txt"
    assert f"    {path}" in printed(Hanging(Text(f"log: {path}"), 2, 4), 40).splitlines()
    assert path in printed(Grid([column("a", "b"), column("log", path)]), 40).split()


words = st.lists(st.text("abc<=é模", min_size=1, max_size=12), max_size=4).map(" ".join)


@given(
    st.integers(1, 4).flatmap(
        lambda rows: st.lists(st.lists(words, min_size=rows, max_size=rows), min_size=1, max_size=5)
    ),
    st.integers(20, 100),
)
def test_every_word_is_there_whole_and_no_line_ends_with_a_space(cells: Sequence[Sequence[str]], width: int) -> None:
    shown = printed(Grid([column(f"t{at}", *one) for at, one in enumerate(cells)]), width)
    wanted = sorted(word for one in cells for cell in one for word in cell.split())
    titles = {f"t{at}" for at in range(len(cells))}
    found = [word.rstrip(";").removesuffix(":") for word in shown.split()]
    assert sorted(word for word in found if word not in titles) == wanted
    lines = shown.splitlines()
    assert all(line == line.rstrip() for line in lines)
    longest = max((cell_len(word) for word in wanted), default=0)
    assert all(cell_len(line) <= max(width, longest + 10) for line in lines)


# ---------------------------------------------------------------------------------------------------------- `check`


def look(found: ArtifactReport, width: int = 70) -> str:
    on = console(width)
    checked.show(on, found)
    return said(on)


def examined(**changed: object) -> ArtifactReport:
    given_: dict[str, object] = {
        "folder": "web_model",
        "tfjs": "4.22.0",
        "runtime": "node cpu",
        "verdict": Verdict.WORKS,
        "stage": Stage.PREDICT,
        "issues": (),
        "message": "",
        "findings": (),
        "parity": None,
    }
    return ArtifactReport(**{**given_, **changed})  # type: ignore[arg-type]


def test_findings_of_one_id_are_one_paragraph_and_the_verdict_is_the_last_line() -> None:
    prefix = [Finding("keras3-weight-prefix", f"$.weights[{at}]", f"name {at}") for at in range(4)]
    strange = Finding("own-check", "$.topology", "it is \x1b[31mso", "warning")
    found = examined(
        verdict=Verdict.FAILS,
        stage=Stage.CHECK,
        runtime=None,
        issues=("keras3-weight-prefix",),
        message="$.weights[0]: name 0 (and 3 more: keras3-weight-prefix)",
        findings=(prefix[0], strange, *prefix[1:]),
    )
    told = look(found)
    assert "error: keras3-weight-prefix (4 places): name 0\n  first at $.weights[0]\n" in told
    assert "warning: own-check: it is so\n  at $.topology\n" in told
    assert told.count("$.weights") == 1
    assert told.splitlines()[-1] == "fails at check, TensorFlow.js 4.22.0: 4 errors"


@pytest.mark.parametrize(
    ("found", "last"),
    [
        (examined(), "works, TensorFlow.js 4.22.0 in node cpu"),
        (
            examined(verdict=Verdict.FAILS, stage=Stage.LOAD, message="Error: no"),
            "fails at load, TensorFlow.js 4.22.0 in node cpu: Error: no",
        ),
        (
            examined(verdict=Verdict.CONVERTS, message="it loads"),
            "nothing wrong found, TensorFlow.js 4.22.0 in node cpu: it loads",
        ),
    ],
)
def test_the_verdict_of_a_check(found: ArtifactReport, last: str) -> None:
    assert look(found).splitlines()[-1] == last


# --------------------------------------------------------------------------------------------------------- `models`


def test_models_keep_to_the_width_and_have_no_markup_of_docstrings() -> None:
    on = console(50)
    zoo.show(
        on,
        {
            "mlp": "A classifier.",
            "seed": "Two LSTM layers, the second with ``return_sequences``, and two Dense layers.",
        },
    )
    lines = said(on).splitlines()
    assert "zoo:mlp" in lines[1]
    assert max(map(len, lines)) <= 50
    assert "`" not in said(on)
