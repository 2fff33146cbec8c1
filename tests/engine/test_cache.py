"""What is kept between runs, and under what: everything that can change an outcome, and no fault of the machine."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.samples import case, interpreters

from tfjs_compat.engine.cache import RunConditions, conditions, keep, kept_outcome, key_of
from tfjs_compat.engine.plan import Planned
from tfjs_compat.locks.lock import Lock
from tfjs_compat.outcomes.failures import Failure, Finding, Raised
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.garbage import collect_garbage

(PYTHON,) = interpreters("3.11.7")
LOCK = Lock("a" * 16, PYTHON.build, {"keras": "3.2.1"}, False, "# lock")
GIVEN = RunConditions(Stage.PREDICT, "node wheel", None)
FAILED = Outcome(
    Stage.CONVERT,
    Failure(Stage.CONVERT, "ValueError: x", (Raised("ValueError", "x", errno=None),)),
    findings=(Finding("a", "$", "b", "warning"),),
    seconds={"import": 1.0},
    resolved={"keras": "3.2.1"},
    log="cases/x/log.txt",
)


def key(planned: Planned | None = None, lock: Lock = LOCK, tfjs: str = "4.22.0", given: RunConditions = GIVEN) -> str:
    return key_of(planned or Planned(case(), PYTHON, lock, {}), lock, tfjs, given)


def changed(value: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(value, **fields)


def test_the_same_question_has_the_same_key() -> None:
    assert key() == key(Planned(case(), PYTHON, LOCK, {}))


@pytest.mark.parametrize(
    "other",
    [
        key(lock=changed(LOCK, id="b" * 16)),
        key(tfjs="4.17.0"),
        key(given=changed(GIVEN, until=Stage.CONVERT)),
        key(given=changed(GIVEN, tfjs_runtime="browser wheel")),
        key(given=changed(GIVEN, inputs="digest")),
        key(Planned(case(route="graph"), PYTHON, LOCK, {})),
        key(Planned(case(), PYTHON, LOCK, {"TF_USE_LEGACY_KERAS": "1"})),
        key(Planned(changed(case(), model=changed(case().model, digest="other")), PYTHON, LOCK, {})),
        key(Planned(changed(case(), model=changed(case().model, function="other")), PYTHON, LOCK, {})),
        key(Planned(case(), changed(PYTHON, version="3.11.9"), LOCK, {})),
    ],
)
def test_whatever_can_change_an_outcome_changes_the_key(other: str) -> None:
    assert other != key()


def test_the_content_of_given_inputs_counts(tmp_path: Path) -> None:
    file = tmp_path / "inputs.npz"
    file.write_bytes(b"1")
    one = conditions(Stage.PREDICT, "node", file)
    file.write_bytes(b"2")
    assert conditions(Stage.PREDICT, "node", file) != one


def folder_of_a_case(tmp_path: Path) -> Path:
    folder = tmp_path / "out" / "cases" / "one"
    (folder / "artifact").mkdir(parents=True)
    (folder / "log.txt").write_text("said", "utf-8")
    (folder / "artifact" / "model.json").write_text("{}", "utf-8")
    return folder


def test_an_outcome_comes_back_with_its_files(tmp_path: Path) -> None:
    store, folder = Store(tmp_path / "store"), folder_of_a_case(tmp_path)
    keep("k", FAILED, folder, store)
    other = tmp_path / "elsewhere" / "two"
    assert kept_outcome("k", store, other) == changed(FAILED, log="elsewhere/two/log.txt")
    assert (other / "log.txt").read_text("utf-8") == "said"
    # What a user does to an artifact stays with the user.
    (other / "artifact" / "model.json").write_text("mine", "utf-8")
    assert kept_outcome("k", store, tmp_path / "third") == changed(FAILED, log=f"{tmp_path.name}/third/log.txt")
    assert (tmp_path / "third" / "artifact" / "model.json").read_text("utf-8") == "{}"


@pytest.mark.parametrize("outcome", [Outcome(Stage.LOAD, machinery="disk"), changed(FAILED, limited=True)])
def test_what_says_nothing_about_the_case_is_not_kept(tmp_path: Path, outcome: Outcome) -> None:
    store = Store(tmp_path / "store")
    keep("k", outcome, folder_of_a_case(tmp_path), store)
    assert kept_outcome("k", store) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"stage": "nowhere"}', b"\xff"])
def test_a_damaged_outcome_is_none(tmp_path: Path, content: bytes) -> None:
    store, folder = Store(tmp_path / "store"), folder_of_a_case(tmp_path)
    keep("k", FAILED, folder, store)
    (store.root / "outcomes" / "k" / "outcome.json").write_bytes(content)
    assert kept_outcome("k", store) is None
    keep("k", FAILED, folder, store)
    assert kept_outcome("k", store) == FAILED


def test_links_that_a_builder_left_are_not_followed(tmp_path: Path) -> None:
    store, folder = Store(tmp_path / "store"), folder_of_a_case(tmp_path)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("secret", "utf-8")
    (folder / "link").symlink_to(tmp_path / "secret")
    keep("k", FAILED, folder, store)
    assert (store.root / "outcomes" / "k" / "case" / "link").is_symlink()


def test_the_log_of_a_kept_outcome_is_that_of_the_case_that_takes_it(tmp_path: Path) -> None:
    store, first, second = Store(tmp_path / "store"), tmp_path / "cases" / "first", tmp_path / "cases" / "second"
    first.mkdir(parents=True)
    (first / "log.txt").write_text("it failed")
    keep("one", msgspec.structs.replace(FAILED, log="cases/first/log.txt"), first, store)
    kept = kept_outcome("one", store, second)
    assert kept is not None
    assert kept.log == "cases/second/log.txt"
    assert (tmp_path / kept.log).read_text() == "it failed"


def test_outcomes_that_nobody_asked_for_are_garbage(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    folder = tmp_path / "case"
    folder.mkdir()
    for key in ("old", "asked", "new"):
        keep(key, FAILED, folder, store)
    long_ago = time.time() - 90 * 86400
    for key in ("old", "asked"):
        os.utime(store.root / "outcomes" / key, (long_ago, long_ago))
    kept_outcome("asked", store)
    collect_garbage(store, unused_days=30)
    assert sorted(one.name for one in (store.root / "outcomes").iterdir()) == ["asked", "new"]
