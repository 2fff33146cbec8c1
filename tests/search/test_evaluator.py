"""The oracle over a resolver and a runner that are replaced: yes, no and unknown, and what it counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import pytest
from support.evaluators import NotingRun, evaluator
from support.samples import case, lock, result

from tfjs_compat.engine.plan import Planned
from tfjs_compat.errors import Interrupted
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.locks.resolver import ResolveRequest
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.oracle import Evaluation, answer_of, evaluate_with_retry

FAULT = "the index could not be reached"


def works(planned: Planned) -> CaseResult:
    """As the engine does: without a lock it says why there is none."""
    given = {"id": planned.case.id, "combination": planned.case.combination, "route": planned.case.route.name}
    if isinstance(planned.lock, Lock):
        return result(**given)
    proven = isinstance(planned.lock, Unresolved)
    message = planned.lock.message if isinstance(planned.lock, Unresolved) else planned.lock
    return result(
        **given, verdict=Verdict.FAILS if proven else Verdict.ERROR, stage=Stage.RESOLVE, parity=None, message=message
    )


@pytest.mark.parametrize(
    ("verdict", "issue", "answer"),
    [
        (Verdict.WORKS, None, Answer.YES),
        (Verdict.CONVERTS, None, Answer.YES),
        (Verdict.CONVERTS, "proves-nothing", Answer.NO),
        (Verdict.MISMATCH, "numbers-differ", Answer.NO),
        (Verdict.FAILS, None, Answer.NO),
        (Verdict.ERROR, None, Answer.UNKNOWN),
    ],
)
def test_a_verdict_is_yes_no_or_unknown(verdict: Verdict, issue: str | None, answer: Answer) -> None:
    assert answer_of(result(verdict=verdict, issue=issue)) is answer


def test_a_conflict_is_no_and_an_unreachable_index_is_unknown() -> None:
    conflict, unreachable = case(tensorflow="2.15.0"), case(tensorflow="2.16.1")

    def resolved(request: ResolveRequest) -> Lock | Unresolved | str:
        return Unresolved("a needs b<2", ("a",), "") if "tensorflow==2.15.0" in request.requirements else FAULT

    oracle = evaluator(NotingRun(works), resolved)
    found = oracle.evaluate([conflict, unreachable])
    assert found[conflict.id].answer is Answer.NO
    assert found[unreachable.id].answer is Answer.UNKNOWN
    assert not found[unreachable.id].tried
    assert found[unreachable.id].result.message == FAULT
    assert (oracle.trials, oracle.ruled_out) == (0, 1)


def test_what_ended_before_a_stop_is_answered() -> None:
    first, second = case("layers"), case("graph", process_env="no-onednn")

    def run(cases: Sequence[Planned], _: Callable[[CaseResult], bool]) -> Sequence[CaseResult]:
        return [works(planned) for planned in cases if planned.case == second]

    oracle = evaluator(run)
    assert set(oracle.evaluate([first, second])) == {second.id}


@pytest.mark.parametrize(
    ("order", "working", "ran"),
    [
        # The best of all works: the others need not end.
        ("abc", "a", "a"),
        # The best of those that work is known once those before it have ended.
        ("abc", "b", "ab"),
        ("bca", "ab", "bca"),
        ("bac", "b", "ba"),
        ("cba", "", "cba"),
    ],
)
def test_what_ranks_after_one_that_works_is_not_needed(order: str, working: str, ran: str) -> None:
    cases = {"a": case("graph"), "b": case("layers", process_env="no-onednn"), "c": case(process_env="legacy-keras")}
    ended: list[str] = []

    def run(planned: Sequence[Planned], settles: Callable[[CaseResult], bool]) -> Sequence[CaseResult]:
        by_id, results = {each.case.id: each for each in planned}, list[CaseResult]()
        for name in order:
            came = works(by_id[cases[name].id])
            results.append(came if name in working else msgspec.structs.replace(came, verdict=Verdict.FAILS))
            ended.append(name)
            if settles(results[-1]):
                break
        return results

    found = evaluator(run, one_suffices=True).evaluate(list(cases.values()))
    assert "".join(ended) == ran
    assert set(found) == {cases[name].id for name in ran}
    ended.clear()
    # Where each case is asked for itself, as remedies of several are, all of them are needed.
    assert len(evaluator(run).evaluate(list(cases.values()))) == 3
    assert "".join(ended) == order


def test_a_stop_while_resolving_answers_nothing() -> None:
    def resolved(request: ResolveRequest) -> Lock:
        raise Interrupted

    assert evaluator(NotingRun(works), resolved).evaluate([case()]) == {}


def test_kept_results_are_counted_apart() -> None:
    oracle = evaluator(lambda cases, _: [result(id=planned.case.id, cached=True) for planned in cases])
    oracle.evaluate([case("layers"), case("graph")])
    assert (oracle.trials, oracle.kept) == (2, 2)


def test_an_unknown_answer_is_tried_once_more() -> None:
    faults = [FAULT, lock(19)]
    oracle = evaluator(NotingRun(works), lambda _: faults.pop(0))
    assert evaluate_with_retry(oracle, [case()])[case().id].answer is Answer.YES
    assert oracle.trials == 1


def test_what_stays_unknown_is_not_tried_a_third_time() -> None:
    requests: list[ResolveRequest] = []

    def resolved(request: ResolveRequest) -> str:
        requests.append(request)
        return FAULT

    found = evaluate_with_retry(evaluator(NotingRun(works), resolved), [case()])
    assert found[case().id].answer is Answer.UNKNOWN
    assert len(requests) == 2


def test_a_retry_that_is_stopped_leaves_the_answer_unknown() -> None:
    class Stopped:
        calls = 0

        def evaluate(self, cases: Sequence[object]) -> dict[str, Evaluation]:
            self.calls += 1
            came = result(id=case().id, verdict=Verdict.ERROR)
            return {came.id: Evaluation(Answer.UNKNOWN, came, None, tried=False)} if self.calls == 1 else {}

    assert evaluate_with_retry(Stopped(), [case()])[case().id].answer is Answer.UNKNOWN
