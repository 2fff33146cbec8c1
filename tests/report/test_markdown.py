from __future__ import annotations

import re

from hypothesis import given, settings
from markdown_it import MarkdownIt
from support.hostile import hostile_results
from support.samples import FORESEEN, failed, result, results

from tfjs_compat.outcomes.reference import Reference, Strength
from tfjs_compat.report import markdown
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import Results

HEADINGS = ("#### Not as expected", "#### All cases", "#### Causes", "#### Proofs")


@settings(max_examples=50)
@given(hostile_results())
def test_no_text_breaks_markdown(found: Results) -> None:
    text = markdown.render(found, Place())
    text.encode()
    tables = [block.split("\n") for block in text.split("\n\n") if block.startswith("|")]
    for table in tables:
        assert len({line.count("|") for line in table}) == 1
    assert bool(tables) == bool(found.cases)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inline = [child for token in tokens for child in token.children or []]
    assert {child.content for child in inline if child.type == "html_inline"} <= {"<br>"}
    assert not {child.type for child in inline} & {"link_open", "image", "em_open", "s_open"}
    assert not {token.type for token in tokens} & {"html_block", "fence", "code_block", "list_item_open", "hr"}
    assert sum(token.type == "heading_open" for token in tokens) == 1 + len({*HEADINGS} & {*text.split("\n")})
    # What GitHub makes links of by itself: names in what is left as text, addresses in what is written outside of code.
    assert not re.search(r"@\w", "".join(child.content for child in inline if child.type == "text"))
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"https?://|www\.", outside, re.IGNORECASE)


def test_an_unexpected_result_has_a_mark_that_is_explained() -> None:
    found = results(result(), failed(), failed(expected=FORESEEN, as_expected=True))
    text = markdown.render(found, Place())
    assert "❌ fails at convert: `duplicate-weight-name` (unexpected)" in text
    assert "❌ fails at convert: `duplicate-weight-name` (expected)" in text
    assert "unexpected: the matrix expects another result" in text
    assert "unexpected" not in markdown.render(results(result()), Place())


def test_what_works_says_what_it_rests_on() -> None:
    whole = Reference(strength=Strength(8, 8))
    weak = Reference(strength=Strength(8, 2, ("dense/kernel", "dense/bias")))
    found = results(*(result(id=name, reference=whole) for name in "abcd"), result(id="e", reference=weak), failed())
    proofs = markdown.render(found, Place()).partition("#### Proofs")[2]
    assert "| 1 comparison, all 8 weight tensors show | 4 |" in proofs
    assert "2 of 8 weight tensors show" in proofs
    assert "dense/kernel" in proofs
    assert "fails" not in proofs
