"""Results that arrive one by one: each once, with all its files, whatever died on the way."""

from __future__ import annotations

from tfjs_compat.engine.arrivals import Arrivals
from tfjs_compat.engine.remote_tasks import MESSAGE_BYTES, MESSAGES, Message, messages, plain
from tfjs_compat.engine.tasks import TrialResult
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage

FILES = {"log.txt": b"said\n", "empty.txt": b"", "model/weights.bin": b"0123456789" * (MESSAGE_BYTES // 4)}


def ended(case: str, seconds: float = 1.0) -> TrialResult:
    return TrialResult(case, "l", Outcome(Stage.CONVERT), seconds)


def sent(case: str, attempt: str = "one", seconds: float = 1.0) -> list[Message]:
    """The messages of a result, as they are after their way."""
    return [MESSAGES.convert(plain(m)) for m in messages("t", attempt, ended(case, seconds), f"cases/{case}", FILES)]


def test_a_result_comes_with_all_its_files() -> None:
    arrivals, parts = Arrivals(), sent("a")
    assert all(sum(len(data) for _, data in part.files) <= MESSAGE_BYTES for part in parts)
    assert [arrivals.add(part) for part in parts[:-1]] == [None] * (len(parts) - 1)
    arrived = arrivals.add(parts[-1])
    assert arrived is not None
    assert arrived.result == ended("a")
    assert arrived.files == {f"cases/a/{name}": data for name, data in FILES.items()}


def test_of_a_case_that_came_twice_the_first_result_counts() -> None:
    arrivals = Arrivals()
    for part in sent("a", seconds=1.0):
        arrivals.add(part)
    assert [arrivals.add(part) for part in sent("a", "two", seconds=2.0)][-1] is None
    assert arrivals.results["a"].seconds == 1.0


def test_what_a_dead_worker_began_is_not_mixed_with_what_another_sends() -> None:
    arrivals = Arrivals()
    for part in sent("a", "dead")[:-1]:
        arrivals.add(part)
    *_, arrived = [arrivals.add(part) for part in sent("a", "two")]
    assert arrived is not None
    assert arrived.files["cases/a/model/weights.bin"] == FILES["model/weights.bin"]
