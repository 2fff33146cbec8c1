"""What a watch takes over, what it speaks of, and what it keeps."""

from __future__ import annotations

import pytest
from support.samples import failed, result, results

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.comparison import Kind, compare
from tfjs_compat.results.watching import NEWS, news, next_state, still_holds

LOCK = "0123456789abcdef"
ERROR = {"verdict": Verdict.ERROR, "parity": None, "as_expected": False, "message": "no network"}


def test_a_result_holds_while_lock_model_and_tool_are_the_same() -> None:
    known = result(model_digest="m")
    assert still_holds(known, LOCK, "m", same_tool=True)
    assert not still_holds(known, LOCK, "m", same_tool=False)
    assert not still_holds(known, "f" * 16, "m", same_tool=True)
    assert not still_holds(known, LOCK, "n", same_tool=True)
    assert not still_holds(known, None, "m", same_tool=True)
    assert not still_holds(None, LOCK, "m", same_tool=True)
    assert not still_holds(result(model_digest="m", **ERROR), LOCK, "m", same_tool=True)
    assert not still_holds(result(model_digest="m", lock=None), None, "m", same_tool=True)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (result(), failed(id="mlp-layers"), Kind.REGRESSED),
        (failed(id="mlp-layers"), result(), Kind.FIXED),
        (failed(id="mlp-layers"), failed(id="mlp-layers", issue="x", issues=("x",), signature="x"), Kind.OTHER_CAUSE),
        (result(id="gone"), result(), Kind.NEW),
    ],
)
def test_another_verdict_or_cause_is_news(before: object, after: object, kind: Kind) -> None:
    found = news(compare(results(before), results(after)))  # type: ignore[arg-type]
    assert [change.kind for change in found] == [kind]


def test_nothing_else_is_news() -> None:
    assert news(compare(results(result()), results(result(seconds={"import": 9.0}, resolved={"keras": "9"})))) == ()
    assert news(compare(results(result(), result(id="gone")), results(result()))) == ()
    assert news(compare(results(result()), results(result(**ERROR)))) == ()
    assert {Kind.SAME, Kind.UNKNOWN, Kind.GONE, Kind.NUMBERS_DRIFTED}.isdisjoint(NEWS)


def test_a_fault_leaves_what_was_known() -> None:
    known = results(result(id="a"), failed(id="b"), result(id="left"), locks={LOCK: {"keras": "3"}, "old": {}})
    now = results(result(id="a", **ERROR), result(id="b"), result(id="c", **ERROR), complete=False)
    state = next_state(known, now, {"a", "b", "c"})
    assert [(case.id, case.verdict) for case in state.cases] == [("a", Verdict.WORKS), ("b", Verdict.WORKS)]
    assert state.complete
    assert state.locks == {LOCK: {"keras": "3"}}


def test_what_a_stopped_run_did_not_reach_is_kept() -> None:
    known = results(result(id="a"), failed(id="b"))
    state = next_state(known, results(result(id="a"), complete=False), {"a", "b"})
    assert [case.id for case in state.cases] == ["a", "b"]
