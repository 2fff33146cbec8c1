"""What a plan says of what is kept, and why the rest will run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from support.samples import lock, plan, planned

from tfjs_compat.cli.views import plan as report
from tfjs_compat.engine import cache
from tfjs_compat.engine.forecast import describe, why_not_cached
from tfjs_compat.engine.plan import Planned
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime, runtime_version


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def keep(one: Planned, store: Store, tmp_path: Path, **asked: Any) -> cache.CacheKey:
    """As a run with the default options keeps an outcome."""
    folder = tmp_path / "case"
    folder.mkdir(exist_ok=True)
    assert isinstance(one.lock, Lock)
    node = TfjsRuntime(Context(store), "node", "wheel").describe()
    question = cache.cache_key(one, one.lock, runtime_version(one.case), cache.conditions(Stage.PREDICT, node, None))
    question = msgspec.structs.replace(question, **asked)
    assert cache.keep(question.key, Outcome(Stage.PREDICT), folder, store)
    cache.record_key(one.case.id, question, store)
    return question


def why(one: Planned, store: Store, **options: Any) -> str | None:
    (found,) = why_not_cached(plan(one), store, **options)
    return found


def test_kept_and_never_run(store: Store, tmp_path: Path) -> None:
    assert why(planned(1, 5), store) == "it was never run to an end that can be kept"
    keep(planned(1, 5), store, tmp_path)
    assert why(planned(1, 5), store) is None
    assert why(planned(1, 5), store, fresh=True) == "asked to run everything anew"


def test_no_lock(store: Store) -> None:
    assert why(planned(1, Unresolved("no", (), "")), store) == "there is no lock, so there is nothing to run"
    assert why(planned(1, "no network"), store) == "there is no lock: the machinery failed"


def test_what_has_changed_since(store: Store, tmp_path: Path) -> None:
    one = planned(1, 5)
    keep(one, store, tmp_path)
    replace = msgspec.structs.replace
    assert why(replace(one, lock=lock(6)), store) == "the packages changed since it was run"
    other = replace(one.case, model=replace(one.case.model, digest="f" * 64))
    told = why(replace(one, case=other, variables={"TF": "1"}), store)
    assert told == "the model changed; the process variables changed since it was run"
    keep(one, store, tmp_path, worker="another", lock="another")
    assert why(one, store) is None
    keep(planned(2, 5), store, tmp_path, worker="another")
    assert why(planned(2, 5), store) == "tfjs-compat changed since it was run"
    keep(planned(3, 5), store, tmp_path, given=cache.conditions(Stage.LOAD, "browser wheel", None))
    told = why(planned(3, 5), store)
    assert told == "the last stage changed; what runs TensorFlow.js changed since it was run"


def test_an_outcome_that_is_gone(store: Store, tmp_path: Path) -> None:
    question = keep(planned(1, 5), store, tmp_path)
    (store.root / "outcomes" / question.key / "outcome.json").write_text("{")
    assert why(planned(1, 5), store) == "its outcome is gone from the store, or damaged"


def test_the_plan_in_both_forms(store: Store, tmp_path: Path) -> None:
    keep(planned(1, 5), store, tmp_path)
    made = plan(planned(1, 5), planned(2, 5), planned(3, 6), planned(4, "no network"))
    rows = describe(made, store)
    assert [row["cached"] for row in rows] == [True, False, False, False]
    assert rows[0]["why_not_cached"] is None
    assert all(row["why_not_cached"] for row in rows[1:])
    console = Console(file=io.StringIO(), width=200)
    report.show(console, made, store)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "1 outcome kept, 2 cases to run" in said
    assert "2 × it was never run" in said


@pytest.mark.parametrize(
    ("variables", "packages", "told"),
    [
        ({}, {"keras": "3.2.1", "tf-keras": "2.16.0"}, "3.2.1"),
        ({"TF_USE_LEGACY_KERAS": "1"}, {"keras": "3.2.1", "tf-keras": "2.16.0"}, "2.16.0"),
        ({"TF_USE_LEGACY_KERAS": "0"}, {"keras": "3.2.1", "tf-keras": "2.16.0"}, "3.2.1"),
        ({"TF_USE_LEGACY_KERAS": "1"}, {"keras": "2.13.1"}, "2.13.1"),
        ({}, {}, "-"),
    ],
)
def test_the_keras_of_a_plan_is_the_one_that_will_be_in_use(
    variables: dict[str, str], packages: dict[str, str], told: str
) -> None:
    one = planned(1, 5, **variables)
    assert isinstance(one.lock, Lock)
    one = msgspec.structs.replace(one, lock=msgspec.structs.replace(one.lock, packages=packages))
    assert report.keras_to_use(one) == told
    assert report.keras_to_use(planned(1, "no network")) == "-"
