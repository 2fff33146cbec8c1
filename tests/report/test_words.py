from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import FORESEEN, failed, parity, result, results

from tfjs_compat.outcomes.interface import Interface, Place
from tfjs_compat.outcomes.reference import Reference, Strength
from tfjs_compat.outcomes.rewriting import Rewriting, Rewrote
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import words
from tfjs_compat.report.background import Background
from tfjs_compat.report.headline import headline
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.remedies import RemedyResult, Step


@pytest.mark.parametrize(
    ("case", "mark"),
    [
        (result(), ""),
        (failed(), "unexpected"),
        (failed(expected=FORESEEN, as_expected=True), "expected"),
        (failed(expected=FORESEEN, stage=Stage.LOAD), "unexpected"),
        (result(expected=FORESEEN, as_expected=False), "unexpected"),
        (result(verdict=Verdict.CONVERTS, as_expected=False), "unexpected"),
        (result(verdict=Verdict.ERROR, as_expected=False), ""),
    ],
)
def test_a_result_has_a_mark_where_it_needs_one(case: CaseResult, mark: str) -> None:
    assert words.mark(case) == mark


@pytest.mark.parametrize(
    ("found", "mood", "sentence"),
    [
        (results(result(), failed(as_expected=True)), "good", "All as expected."),
        (results(result(), failed()), "bad", "1 of 2 cases did not end as expected."),
        (results(result(verdict=Verdict.ERROR, as_expected=False)), "error", "The machinery failed for 1 of 1 case: "),
        (results(), "part", "No case finished."),
        (results(result(), complete=False, planned=5), "part", "Incomplete run: 1 of 5 cases finished"),
        (results(failed(), complete=False, planned=5), "bad", "Incomplete run: 1 of 5 cases finished"),
    ],
)
def test_the_headline(found: Results, mood: str, sentence: str) -> None:
    assert headline(found, Background())[0] == mood
    assert sentence in headline(found, Background())[1]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (results(result()), ""),
        (results(result(), planned=1), ""),
        (results(result(), complete=False), "Incomplete run: 1 case finished; the others are missing here."),
        (results(complete=False, planned=40), "Incomplete run: 0 of 40 cases finished; the others are missing here."),
        (results(result(), planned=2), "Incomplete run: 1 of 2 cases finished; the others are missing here."),
    ],
)
def test_a_part_of_a_run_says_how_much_finished(found: Results, sentence: str) -> None:
    assert words.incomplete(found) == sentence
    assert bool(sentence) != ("All as expected" in headline(found, Background())[1])


def test_a_result_compares_with_its_expectation() -> None:
    assert words.against_expectation(result()) == "as expected"
    assert words.against_expectation(failed()) == "not as expected"
    lost = result(verdict=Verdict.ERROR, as_expected=False)
    assert words.against_expectation(lost) == "unknown (machinery error)"


def test_remedies_that_cured_a_case_stand_in_order() -> None:
    steps = (Step("a", "one", ("x", "y")), Step("b", "two", ("z",)))
    assert words.cures(failed(cure=RemedyResult(works=True, trials=2, steps=steps))) == "cured by x and y, then z"
    assert words.cures(failed(cure=RemedyResult(works=False, trials=2))) == ""
    assert words.cures(failed()) == ""


def test_left_out_cases_are_counted_by_reason() -> None:
    lines = ["mlp at tf2-tfjs4: route graph needs x", "cnn at tf2-tfjs4: route graph needs x"]
    assert words.left_out(lines) == "2 cases left out: route graph needs x"


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("plain text é 模型 ✓", "plain text é 模型 ✓"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\tb\rc\nd", "a b c\nd"),
        ("\x00\x08", "��"),
        ("[red]", "[red]"),
    ],
)
def test_what_is_left_of_a_text(text: str, harmless: str) -> None:
    assert words.plain(text) == harmless


@given(st.text() | st.text("\x1b[]0;m\x07\\\n\x9b ab"))
def test_no_text_keeps_what_a_terminal_obeys(text: str) -> None:
    harmless = words.plain(text)
    assert all(char == "\n" or char.isprintable() for char in harmless)
    assert words.plain(harmless) == harmless


def test_a_proof_says_what_it_rests_on() -> None:
    compared = msgspec.structs.replace(parity(), comparisons=2)
    whole = Reference(strength=Strength(53, 53))
    part = Reference(strength=Strength(9, 5, ("a", "b", "c", "d")), twin="mixed_float16", random=("z",))
    assert words.proof(result(parity=compared, reference=whole)) == "2 comparisons, all 53 weight tensors show"
    assert words.proof(result(parity=compared, reference=part)) == (
        "2 comparisons, 5 of 9 weight tensors show (not a, b, c, …), with the float32 twin of a mixed_float16 model, "
        "without what differs from itself in Python (z)"
    )
    faint = Reference(strength=Strength(9, 8, ("a",), ("scale/gamma",)))
    assert words.proof(result(parity=compared, reference=faint)) == (
        "2 comparisons, 8 of 9 weight tensors show (not a; what is multiplied by scale/gamma hardly counts: "
        "zero or nearly)"
    )
    rewriting = Rewriting((Rewrote("causal-padding", ("a", "b")), Rewrote("normalization", ("c",))), 1e-7)
    assert words.proof(result(parity=compared, rewriting=rewriting)) == (
        "2 comparisons, compared with the original model, before its rewrite (causal-padding (2 layers), "
        "normalization (1 layer))"
    )
    assert words.proof(result(parity=None)) == ""


def test_several_outputs_of_a_graph_are_named_by_node() -> None:
    places = (Place("zeta", "Identity_1:0"), Place("alpha", "Identity:0"))
    graph = Interface((), places, "execute")
    assert words.renamed(result(interface=graph)) == "zeta is Identity_1:0, alpha is Identity:0"
    assert words.renamed(result(interface=Interface((), places[:1], "execute"))) == ""
    assert words.renamed(result(interface=Interface((), places, "predict"))) == ""
