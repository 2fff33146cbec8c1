"""Two runs → the kind of every case, the packages between them, groups by cause."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import failed, parity, result, results

from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import Attempt, CaseResult
from tfjs_compat.results.change_groups import groups
from tfjs_compat.results.comparison import Kind, compare, kind_of


def near(max_rel: float, **changed: object) -> CaseResult:
    return result(parity=msgspec.structs.replace(parity(), max_rel=max_rel, max_abs=max_rel), **changed)


WORKS = result()
PROVES_NOTHING = result(
    verdict=Verdict.CONVERTS, parity=parity(informative=False), issue="proves-nothing", issues=("proves-nothing",)
)
DIFFERS = result(
    verdict=Verdict.MISMATCH, parity=parity(agrees=False), issue="numbers-differ", issues=("numbers-differ",)
)
FAILS = failed()
AT_IMPORT = failed(stage=Stage.IMPORT, issue="pkg-resources-gone", issues=("pkg-resources-gone",), signature="x")
AT_LOAD = failed(stage=Stage.LOAD, issue=None, issues=(), signature="Error: y")
OTHERWISE = failed(issue=None, issues=(), signature="ValueError: z")
ERROR = result(verdict=Verdict.ERROR, stage=Stage.CONVERT, message="No space left on device", parity=None)


def attempt(case: CaseResult) -> Attempt:
    return Attempt(**{name: getattr(case, name) for name in Attempt.__struct_fields__})


FLAKY = msgspec.structs.replace(FAILS, attempts=(attempt(FAILS), attempt(WORKS)))


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (WORKS, WORKS, Kind.SAME),
        (WORKS, FAILS, Kind.REGRESSED),
        (WORKS, DIFFERS, Kind.REGRESSED),
        (WORKS, PROVES_NOTHING, Kind.REGRESSED),
        (PROVES_NOTHING, FAILS, Kind.REGRESSED),
        (PROVES_NOTHING, DIFFERS, Kind.REGRESSED),
        (FAILS, WORKS, Kind.FIXED),
        (DIFFERS, WORKS, Kind.FIXED),
        (FAILS, PROVES_NOTHING, Kind.FIXED),
        (DIFFERS, PROVES_NOTHING, Kind.OTHER_CAUSE),
        (FAILS, FAILS, Kind.SAME),
        (FAILS, AT_IMPORT, Kind.FAILS_EARLIER),
        (AT_IMPORT, FAILS, Kind.FAILS_LATER),
        (FAILS, DIFFERS, Kind.FAILS_LATER),
        (DIFFERS, AT_LOAD, Kind.FAILS_EARLIER),
        (FAILS, OTHERWISE, Kind.OTHER_CAUSE),
        (DIFFERS, failed(stage=Stage.PREDICT, issue=None, issues=()), Kind.OTHER_CAUSE),
        (WORKS, ERROR, Kind.UNKNOWN),
        (ERROR, FAILS, Kind.UNKNOWN),
        (ERROR, ERROR, Kind.UNKNOWN),
        (WORKS, FLAKY, Kind.FLAKY),
        (FLAKY, WORKS, Kind.FLAKY),
        (FLAKY, FAILS, Kind.FLAKY),
        (FLAKY, AT_IMPORT, Kind.REGRESSED),
        (near(1e-7), near(2e-5), Kind.NUMBERS_DRIFTED),
        (near(2e-5), near(1e-8), Kind.NUMBERS_DRIFTED),
        (near(1e-8), near(9e-7), Kind.SAME),
        (near(1e-5), near(3e-5), Kind.SAME),
    ],
)
def test_the_kind_of_a_case_in_both_runs(before: CaseResult, after: CaseResult, kind: Kind) -> None:
    assert kind_of(before, after) is kind


def test_a_cause_that_got_a_name_is_no_other_cause() -> None:
    unnamed = failed(issue=None, issues=())
    assert kind_of(unnamed, failed()) is Kind.SAME


def test_what_a_shorter_run_did_not_try_does_not_count() -> None:
    stopped = result(verdict=Verdict.CONVERTS, stage=Stage.CONVERT, parity=None)
    assert kind_of(stopped, WORKS, Stage.CONVERT) is Kind.SAME
    assert kind_of(stopped, AT_LOAD, Stage.CONVERT) is Kind.SAME
    assert kind_of(stopped, DIFFERS, Stage.CONVERT) is Kind.SAME
    assert kind_of(stopped, AT_IMPORT, Stage.CONVERT) is Kind.REGRESSED
    assert kind_of(AT_IMPORT, stopped, Stage.CONVERT) is Kind.FIXED


def test_runs_that_stop_at_different_stages_are_compared_as_far_as_both_go() -> None:
    stopped = results(result(verdict=Verdict.CONVERTS, stage=Stage.CONVERT, parity=None, id="a"), until=Stage.CONVERT)
    counts = compare(stopped, results(result(id="a"))).counts()
    assert counts[Kind.SAME] == 1


@given(st.lists(st.sampled_from([WORKS, FAILS, DIFFERS, PROVES_NOTHING, ERROR, FLAKY, None]), min_size=2, max_size=8))
def test_every_case_of_either_run_has_one_kind(ends: list[CaseResult | None]) -> None:
    sides = [
        [msgspec.structs.replace(end, id=str(at)) for at, end in enumerate(ends) if end is not None],
        [msgspec.structs.replace(end, id=str(at)) for at, end in enumerate(reversed(ends)) if end is not None],
    ]
    found = compare(results(*sides[0]), results(*sides[1]))
    assert {change.case for change in found.changes} == {case.id for case in itertools.chain(*sides)}
    assert sum(found.counts().values()) == len(found.changes)


def test_a_case_that_one_run_lacks_is_new_or_gone() -> None:
    found = compare(results(result(id="a")), results(result(id="b")))
    assert [(change.case, change.kind) for change in found.changes] == [("b", Kind.NEW), ("a", Kind.GONE)]


def test_what_an_unfinished_run_lacks_is_unknown() -> None:
    found = compare(results(result(id="a")), results(complete=False))
    assert [change.kind for change in found.changes] == [Kind.UNKNOWN]
    found = compare(results(complete=False), results(result(id="a")))
    assert [change.kind for change in found.changes] == [Kind.UNKNOWN]


OLD = {"keras": "3.4.0", "numpy": "1.26.4", "jax": "0.4"}
NEW = {"keras": "3.5.0", "numpy": "1.26.4", "h5py": "3.11"}


def test_the_packages_between_two_locks() -> None:
    before = results(result(lock="old"), locks={"old": OLD})
    after = results(failed(lock="new"), locks={"new": NEW})
    (change,) = compare(before, after).changes
    assert change.packages == {"h5py": (None, "3.11"), "jax": ("0.4", None), "keras": ("3.4.0", "3.5.0")}


def test_without_locks_only_the_named_versions_are_compared() -> None:
    before = results(result(lock="old", resolved={"python": "3.11.7", "keras": "3.4.0"}))
    after = results(failed(lock="new", resolved={"python": "3.11.9", "keras": "3.5.0"}))
    (change,) = compare(before, after).changes
    assert change.packages == {"keras": ("3.4.0", "3.5.0")}
    assert change.conditions == {"python": ("3.11.7", "3.11.9")}


def test_another_model_and_another_machine_are_said() -> None:
    before = results(result(model_digest="a" * 64))
    after = results(result(model_digest="b" * 64), machine={**before.machine, "cpu": "sse4"})
    found = compare(before, after)
    assert found.changes[0].conditions == {"model": ("a" * 12, "b" * 12)}
    assert found.machine == {"cpu": ("avx2 fma", "sse4")}


def test_groups_by_cause_with_the_packages_that_changed_in_them_only() -> None:
    def runs(*ends: CaseResult, lock: str) -> list[CaseResult]:
        return [msgspec.structs.replace(end, id=f"c{at}", lock=lock) for at, end in enumerate(ends)]

    calm = msgspec.structs.replace(WORKS, id="calm", lock="calm-old")
    before = results(*runs(WORKS, WORKS, FAILS, lock="old"), calm, locks={"old": OLD, "calm-old": {"jax": "0.4"}})
    after = results(
        *runs(FAILS, FAILS, WORKS, lock="new"),
        msgspec.structs.replace(calm, lock="calm-new"),
        locks={"new": NEW, "calm-new": {}},
    )
    regressed, fixed = groups(compare(before, after))
    assert (regressed.kind, regressed.cause, len(regressed.changes)) == (Kind.REGRESSED, "duplicate-weight-name", 2)
    assert (fixed.kind, fixed.cause) == (Kind.FIXED, "duplicate-weight-name")
    assert [(each.name, each.cases, each.unaffected) for each in regressed.packages] == [
        *(("h5py", 2, 0), ("keras", 2, 0), ("jax", 2, 1)),
    ]
    assert [each.name for each in regressed.leads] == ["h5py", "keras"]
