"""Which remedy cures a failing case, against a table of what every case would come to."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

import msgspec
import pytest
from rich.console import Console
from support.samples import case, lock, result, results

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.errors import Interrupted
from tfjs_compat.matrix.cases import Case
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import terminal
from tfjs_compat.report.causes import proven
from tfjs_compat.report.writers import find_writer
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.cures import RemedyResult, Step
from tfjs_compat.search.cures import cured, may_need_remedy, try_remedies_of
from tfjs_compat.search.evaluator import Answer
from tfjs_compat.search.remedies import ChangePolicy

WORLD = ChangePolicy(
    pick=lambda name, wanted: "2.15.0" if name == "tensorflow" else None, python=lambda tensorflow: "3.11"
)
Rule = Callable[[Case], str | None]


class Table:
    """A laboratory that knows what cases come to: the issue of each, None where it works."""

    def __init__(self, rule: Rule, last: int = 1000) -> None:
        self.rule, self.last = rule, last
        self.asked: list[list[Case]] = []

    def ask(self, cases: Sequence[Case]) -> list[Answer]:
        if len(self.asked) >= self.last:
            raise Interrupted
        self.asked.append(list(cases))
        return [Answer(outcome(one, self.rule(one)), lock(16), tried=True) for one in cases]


def outcome(asked: Case, issue: str | None) -> CaseResult:
    if issue is None:
        return result(id=asked.id, combination=asked.combination, route=asked.route.name)
    return failing(asked, issue)


def failing(asked: Case, issue: str) -> CaseResult:
    return result(
        id=asked.id,
        combination=asked.combination,
        route=asked.route.name,
        verdict=Verdict.FAILS,
        stage=Stage.CHECK,
        issue=issue,
        issues=(issue,),
        signature=f"check: {issue}",
        parity=None,
    )


def cures(rule: Rule, *cases: Case, last: int = 1000) -> tuple[Mapping[str, RemedyResult], Table]:
    table = Table(rule, last)
    given = {one.id: (one, failing(one, rule(one) or "")) for one in cases}
    return try_remedies_of(given, WORLD, table, lambda text: None), table


def stacked(asked: Case) -> str | None:
    """setuptools hides Keras 3, which a repair or legacy Keras cures."""
    if "setuptools<81" not in asked.combination.constraints:
        return "pkg-resources-gone"
    cure = asked.route.name == "layers+repair" or asked.combination.process_env == "legacy-keras"
    return None if cure or asked.route.name == "graph" else "keras3-batch-shape"


def test_failures_that_stack_are_cured_one_after_another() -> None:
    start = case()
    found, _ = cures(stacked, start)
    cure = found[start.id]
    assert cure.works
    assert [step.issue for step in cure.steps] == ["pkg-resources-gone", "keras3-batch-shape"]
    assert [step.changes for step in cure.steps] == [
        ("constraint setuptools<81",),
        ("route layers+repair instead of layers",),
    ]
    assert cure.combination is not None
    assert cure.combination.constraints == ("setuptools<81",)
    assert (cure.route, cure.max_abs, cure.trials) == ("layers+repair", 6e-8, 2)


def test_the_least_change_that_works_is_taken() -> None:
    start = case()
    found, _ = cures(lambda one: None if one.combination.tensorflow == "2.15.0" else "keras3-batch-shape", start)
    assert found[start.id].steps[0].changes[0] == "tensorflow 2.15.0 instead of 2.16.1"
    found, _ = cures(lambda one: None if one.route.name == "graph" else "keras3-batch-shape", start)
    assert found[start.id].steps[0].changes == ("route graph instead of layers",)


def test_where_nothing_works_the_trials_are_counted_and_nothing_is_built_on_what_changed_nothing() -> None:
    start = case()
    found, table = cures(lambda one: "keras3-batch-shape", start)
    assert not found[start.id].works
    assert found[start.id].trials == sum(map(len, table.asked)) == len(catalogue()["keras3-batch-shape"].remedies)


def test_where_no_remedy_is_known_the_other_format_is_tried_once() -> None:
    start = case()
    found, table = cures(lambda one: "no-such-issue", start)
    assert found == {start.id: RemedyResult(works=False, trials=1)}
    assert [[one.route.name for one in batch] for batch in table.asked] == [["graph"]]
    found, _ = cures(lambda one: None if one.route.name == "graph" else "no-such-issue", start)
    assert found[start.id].steps[0].changes == ("route graph instead of layers",)


def test_cases_go_forward_together_and_share_what_they_ask() -> None:
    one, other = case(), case(constraints=("setuptools<81",))
    found, table = cures(stacked, one, other)
    assert all(cure.works for cure in found.values())
    asked = [asked for batch in table.asked for asked in batch]
    assert len(table.asked) == 2
    assert len(asked) == len({(case.combination, case.route.name) for case in asked})


def test_an_interruption_keeps_what_was_found() -> None:
    one, other = case(), case(constraints=("setuptools<81",))
    found, _ = cures(stacked, one, other, last=1)
    assert set(found) == {other.id}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_what_fails_or_predicts_something_else_wants_a_cure(verdict: Verdict) -> None:
    assert may_need_remedy(result(verdict=verdict)) == (verdict in (Verdict.FAILS, Verdict.MISMATCH))


def test_results_get_their_cures() -> None:
    first, second = result(id="a"), result(id="b")
    cure = RemedyResult(works=False, trials=3)
    assert cured([first, second], {"b": cure}) == (first, msgspec.structs.replace(second, cure=cure))


def test_a_report_says_what_cured_how_many_and_that_nothing_did() -> None:
    works = RemedyResult(True, 1, (Step("a", "r", ("constraint setuptools<81",)), Step("b", "r", ("route graph", "x"))))
    given = [result(id=str(at), issue="pkg-resources-gone", verdict=Verdict.FAILS, cure=works) for at in range(2)]
    given.append(result(id="c", issue="pkg-resources-gone", verdict=Verdict.FAILS, cure=RemedyResult(False, 3)))
    assert proven(given) == (
        "cured by constraint setuptools<81, then route graph and x (2 of 3)",
        "cured by nothing (1 of 3)",
    )
    assert proven([result()]) == ()
    whole = results(*given)
    assert "Remedies run: cured by constraint setuptools<81" in plain_text(whole)
    assert "remedies run: cured by" in find_writer("markdown").render(whole)
    assert "Remedies run: cured by constraint setuptools&lt;81" in find_writer("html").render(whole)
    assert "remedies run: cured by" in find_writer("junit").render(whole)


def plain_text(whole: Results) -> str:
    console = Console(width=400, file=io.StringIO())
    console.print(terminal.report(whole))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]
