"""Which remedy makes a failing case work, against a rule of what every case would come to."""

from __future__ import annotations

import io
from collections.abc import Mapping

import msgspec
import pytest
from rich.console import Console
from support.oracles import FAULT, WORKS, Rule, RuleOracle, ended, once
from support.samples import case, result, results

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.matrix.cases import Case
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import terminal
from tfjs_compat.report.causes import proven
from tfjs_compat.report.writers import find_writer
from tfjs_compat.results.case_result import Results
from tfjs_compat.results.remedies import RemedyResult, Step
from tfjs_compat.search.remedies import ChangePolicy
from tfjs_compat.search.try_remedies import may_need_remedy, try_remedies, with_remedy_results

POLICY = ChangePolicy(
    pick=lambda name, wanted: "2.15.0" if name == "tensorflow" else None, python=lambda tensorflow: "3.11"
)


def remedies_of(
    rule: Rule, *cases: Case, last: int = 1000, **options: int
) -> tuple[Mapping[str, RemedyResult], RuleOracle]:
    oracle = RuleOracle(rule, last)
    failing = {each.id: (each, ended(each, rule(each) or "")) for each in cases}
    return try_remedies(failing, POLICY, oracle, lambda text: None, **options), oracle


def stacked(given: Case) -> str | None:
    """setuptools hides Keras 3, which a repair or legacy Keras cures."""
    if "setuptools<81" not in given.combination.constraints:
        return "pkg-resources-gone"
    cure = given.route.name == "layers+repair" or given.combination.process_env == "legacy-keras"
    return WORKS if cure or given.route.name == "graph" else "keras3-batch-shape"


def test_stacked_failures_are_remedied_one_after_another() -> None:
    start = case()
    found, _ = remedies_of(stacked, start)
    remedies = found[start.id]
    assert remedies.works
    assert [step.issue for step in remedies.steps] == ["pkg-resources-gone", "keras3-batch-shape"]
    assert [step.changes for step in remedies.steps] == [
        ("constraint setuptools<81",),
        ("route layers+repair instead of layers",),
    ]
    assert remedies.combination is not None
    assert remedies.combination.constraints == ("setuptools<81",)
    assert (remedies.route, remedies.max_abs, remedies.trials) == ("layers+repair", 6e-8, 2)
    assert (remedies.unknown, remedies.message) == (0, "")


def test_the_least_change_that_works_is_taken() -> None:
    start = case()
    found, _ = remedies_of(
        lambda given: WORKS if given.combination.tensorflow == "2.15.0" else "keras3-batch-shape", start
    )
    assert found[start.id].steps[0].changes[0] == "tensorflow 2.15.0 instead of 2.16.1"
    found, _ = remedies_of(lambda given: WORKS if given.route.name == "graph" else "keras3-batch-shape", start)
    assert found[start.id].steps[0].changes == ("route graph instead of layers",)


def test_nothing_is_built_on_a_remedy_that_changed_nothing() -> None:
    start = case()
    found, oracle = remedies_of(lambda given: "keras3-batch-shape", start)
    assert not found[start.id].works
    assert found[start.id].trials == len(oracle.cases) == len(catalogue()["keras3-batch-shape"].remedies)


def test_without_a_known_remedy_legacy_keras_and_the_other_format_are_tried_once() -> None:
    start = case()
    found, oracle = remedies_of(lambda given: "no-such-issue", start)
    assert found == {start.id: RemedyResult(works=False, trials=2)}
    ways = [(given.route.name, given.combination.process_env) for given in oracle.cases]
    assert ways == [("layers", "legacy-keras"), ("graph", "default")]
    found, _ = remedies_of(lambda given: WORKS if given.route.name == "graph" else "no-such-issue", start)
    assert found[start.id].steps[0].changes == ("route graph instead of layers",)


def test_cases_go_forward_together_and_share_what_they_run() -> None:
    first, second = case(), case(constraints=("setuptools<81",))
    found, oracle = remedies_of(stacked, first, second)
    assert all(remedies.works for remedies in found.values())
    assert len(oracle.batches) == 1
    assert len(oracle.cases) == len({(given.combination, given.route.name) for given in oracle.cases})


def test_an_interruption_keeps_what_was_found() -> None:
    first, second = case(), case(constraints=("setuptools<81",), tensorflow="2.16.2")
    found, _ = remedies_of(stacked, first, second, last=1)
    assert set(found) == {second.id}


def test_a_remedy_that_met_a_fault_is_unknown() -> None:
    start = case()
    found, oracle = remedies_of(lambda given: "pkg-resources-gone" if given == start else FAULT, start)
    remedies = found[start.id]
    assert not remedies.works
    assert remedies.trials == 0
    assert (remedies.unknown, remedies.message) == (len({given.id for given in oracle.cases}), FAULT)
    assert remedies.unknown > 0


def test_a_fault_that_passes_hides_no_remedy() -> None:
    start = case()
    found, _ = remedies_of(once(stacked, lambda given: given != start), start)
    assert found[start.id] == remedies_of(stacked, start)[0][start.id]


def test_an_unknown_lesser_remedy_is_counted_beside_one_that_works() -> None:
    def rule(given: Case) -> str | None:
        if given.route.name == "layers+repair":
            return FAULT
        return WORKS if given.route.name == "graph" else "keras3-batch-shape"

    start = case()
    found, _ = remedies_of(rule, start)
    assert (found[start.id].works, found[start.id].unknown, found[start.id].message) == (True, 1, FAULT)


def test_what_the_limit_of_trials_left_is_unknown() -> None:
    start, all_of = case(), len(catalogue()["keras3-batch-shape"].remedies)
    found, oracle = remedies_of(lambda given: "keras3-batch-shape", start, most_trials=all_of - 1)
    assert len(oracle.cases) == all_of - 1
    assert (found[start.id].unknown, found[start.id].works) == (1, False)
    assert f"no more than {all_of - 1} changed cases" in found[start.id].message


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_failures_and_wrong_numbers_want_a_remedy(verdict: Verdict) -> None:
    assert may_need_remedy(result(verdict=verdict)) == (verdict in (Verdict.FAILS, Verdict.MISMATCH))


def test_results_get_what_their_remedies_came_to() -> None:
    first, second = result(id="a"), result(id="b")
    remedies = RemedyResult(works=False, trials=3)
    assert with_remedy_results([first, second], {"b": remedies}) == (
        first,
        msgspec.structs.replace(second, cure=remedies),
    )


def test_a_report_counts_cures_by_remedy_and_unknowns() -> None:
    works = RemedyResult(True, 1, (Step("a", "r", ("constraint setuptools<81",)), Step("b", "r", ("route graph", "x"))))
    unknown = RemedyResult(False, 1, unknown=2, message=FAULT)
    given = [
        result(id=str(at), issue="pkg-resources-gone", verdict=Verdict.FAILS, cure=remedies)
        for at, remedies in enumerate([works, works, RemedyResult(False, 3), unknown])
    ]
    assert proven(given) == (
        "cured by constraint setuptools<81, then route graph and x (2 of 4)",
        "cured by nothing (1 of 4)",
        f"could not be tried: {FAULT} (1 of 4)",
    )
    assert proven([result()]) == ()
    whole = results(*given)
    assert "Remedies run: cured by constraint setuptools<81" in plain_text(whole)
    assert f"could not be tried: {FAULT}" in plain_text(whole)
    assert "remedies run: cured by" in find_writer("markdown").render(whole)
    assert "Remedies run: cured by constraint setuptools&lt;81" in find_writer("html").render(whole)
    assert "remedies run: cured by" in find_writer("junit").render(whole)


def plain_text(whole: Results) -> str:
    console = Console(width=400, file=io.StringIO())
    console.print(terminal.report(whole))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]
