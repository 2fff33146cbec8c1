"""Tables and paragraphs at any width."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text
from support.consoles import shown_by

from tfjs_compat.report.grid import Column, Grid, Hanging


def printed(what: RenderableType, width: int) -> str:
    return shown_by(lambda console: console.print(what, crop=False), width)


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
    paragraph = Hanging(Text("a bb ccc dddd\n\ne"), 2, 4)
    assert printed(paragraph, 13).splitlines() == ["  a bb ccc", "    dddd", "", "    e"]


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
def test_every_word_is_whole_and_no_line_ends_blank(cells: Sequence[Sequence[str]], width: int) -> None:
    shown = printed(Grid([column(f"t{at}", *texts) for at, texts in enumerate(cells)]), width)
    wanted = sorted(word for column_cells in cells for cell in column_cells for word in cell.split())
    titles = {f"t{at}" for at in range(len(cells))}
    found = [word.rstrip(";").removesuffix(":") for word in shown.split()]
    assert sorted(word for word in found if word not in titles) == wanted
    lines = shown.splitlines()
    assert all(line == line.rstrip() for line in lines)
    longest = max((cell_len(word) for word in wanted), default=0)
    assert all(cell_len(line) <= max(width, longest + 10) for line in lines)
