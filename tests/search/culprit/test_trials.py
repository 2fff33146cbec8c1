"""Trials of a search: none twice, faults once more, those of an interrupted search taken over."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from support.samples import failed, planned, result

from tfjs_compat.engine.plan import Planned
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.culprit.trials import Trials, trial_of

ONE, TWO, THREE = planned(1, 1), planned(2, 1), planned(1, 2)


class Runs:
    """Runs trials that work; keeps which, and whether they were to be run afresh."""

    def __init__(self, faults: int = 0) -> None:
        self.faults, self.asked = faults, list[tuple[str, bool]]()

    def __call__(self, trials: Sequence[Planned], again: bool) -> Sequence[CaseResult]:
        self.asked += [(trial_of(trial), again) for trial in trials]
        verdict = Verdict.ERROR if self.faults > 0 else Verdict.WORKS
        self.faults -= 1
        return [result(id=trial.case.id, trial=trial_of(trial), verdict=verdict) for trial in trials]


def test_a_trial_is_run_once_unless_it_is_asked_for_again() -> None:
    runs = Runs()
    with Trials(runs) as trials:
        trials.ask([ONE, TWO])
        trials.ask([TWO, THREE])
        trials.ask([ONE], again=True)
    assert runs.asked == [
        (trial_of(ONE), False),
        (trial_of(TWO), False),
        (trial_of(THREE), False),
        (trial_of(ONE), True),
    ]
    assert (trials.count, trials.kept) == (4, 0)


def test_a_fault_of_the_machinery_is_tried_once_more_and_does_not_count() -> None:
    runs = Runs(faults=1)
    with Trials(runs) as trials:
        (first,) = trials.ask([ONE])
    assert first is not None
    assert (first.verdict, len(runs.asked), trials.count) == (Verdict.WORKS, 2, 1)
    runs = Runs(faults=9)
    with Trials(runs) as trials:
        (first,) = trials.ask([ONE])
        assert first is not None
        assert (first.verdict, len(runs.asked), trials.count) == (Verdict.ERROR, 2, 0)
        trials.ask([ONE])
    assert len(runs.asked) == 4


def test_results_of_an_interrupted_search_are_taken_in_their_order() -> None:
    before = [failed(id=ONE.case.id, trial=trial_of(ONE)), result(id=ONE.case.id, trial=trial_of(ONE))]
    fault = msgspec.structs.replace(before[0], verdict=Verdict.ERROR, trial=trial_of(TWO))
    runs = Runs()
    with Trials(runs, [*before, fault]) as trials:
        first = trials.ask([ONE])
        second = trials.ask([ONE], again=True)
        assert [first, second] == [[before[0]], [before[1]]]
        assert runs.asked == []
        trials.ask([ONE], again=True)
        trials.ask([TWO])
    assert runs.asked == [(trial_of(ONE), True), (trial_of(TWO), False)]
    assert (trials.count, trials.kept) == (4, 2)


def test_no_more_are_run_than_may_be() -> None:
    runs = Runs()
    with Trials(runs, most=1) as trials:
        assert None not in trials.ask([ONE])
        assert trials.exhausted
        assert trials.ask([TWO]) == [None]
        assert None not in trials.ask([ONE])
    assert len(runs.asked) == 1


def test_what_a_stop_kept_from_its_end_has_no_result() -> None:
    with Trials(lambda trials, again: ()) as trials:
        assert trials.ask([ONE, TWO]) == [None, None]


def test_what_may_be_asked_for_next_is_prepared_and_faults_there_are_left_to_it() -> None:
    prepared: list[Planned] = []

    def fail() -> Planned:
        raise OSError("no space")

    with Trials(Runs(), prepare=prepared.append) as trials:
        trials.ask([ONE])
        trials.prepare([lambda: ONE, fail, lambda: None, lambda: TWO])
    assert prepared == [TWO]
