"""What a plan says of what is kept, and why the rest will run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.consoles import shown_by
from support.samples import lock, plan, planned

from tfjs_compat.cli.views import plan as plan_view
from tfjs_compat.engine import cache
from tfjs_compat.engine.forecast import describe, why_not_cached
from tfjs_compat.engine.plan import Planned
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.matrix.models import find_model
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.runtime import TfjsRuntime, runtime_version


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def keep(entry: Planned, store: Store, tmp_path: Path, **changed: Any) -> cache.CacheKey:
    """As a run with the default options keeps an outcome, under a key with these fields changed."""
    folder = tmp_path / "case"
    folder.mkdir(exist_ok=True)
    assert isinstance(entry.lock, Lock)
    conditions = cache.conditions(store, Stage.PREDICT, TfjsRuntime(Context(store), "node", "wheel").describe())
    key = cache.cache_key(entry, entry.lock, runtime_version(entry.case), conditions)
    key = msgspec.structs.replace(key, **changed)
    assert cache.keep(key.key, Outcome(Stage.PREDICT), folder, store)
    cache.record_key(entry, key, store)
    return key


def why(entry: Planned, store: Store, **options: Any) -> str | None:
    (found,) = why_not_cached(plan(entry), store, **options)
    return found


def test_kept_and_never_run(store: Store, tmp_path: Path) -> None:
    assert why(planned(1, 5), store) == "it was never run to an end that can be kept"
    keep(planned(1, 5), store, tmp_path)
    assert why(planned(1, 5), store) is None
    assert why(planned(1, 5), store, fresh=True) == "--no-cache: everything runs anew"


def test_no_lock(store: Store) -> None:
    assert why(planned(1, Unresolved("no", (), "")), store) == "there is no lock, so there is nothing to run"
    assert why(planned(1, "no network"), store) == "there is no lock: the machinery failed"


def test_what_has_changed_since(store: Store, tmp_path: Path) -> None:
    entry = planned(1, 5)
    keep(entry, store, tmp_path)
    replace = msgspec.structs.replace
    assert why(replace(entry, lock=lock(6)), store) == "the packages changed since it was run"
    other = replace(entry.case, model=replace(entry.case.model, digest="f" * 64))
    reason = why(replace(entry, case=other, variables={"TF": "1"}), store)
    assert reason == "the model changed; the process variables changed since it was run"
    keep(entry, store, tmp_path, lock="another")
    assert why(entry, store) is None
    node = TfjsRuntime(Context(store), "node", "wheel").describe()
    now = cache.conditions(store, Stage.PREDICT, node)
    keep(planned(2, 5), store, tmp_path, conditions=replace(now, code="another"))
    assert why(planned(2, 5), store) == "tfjs-compat changed since it was run"
    keep(planned(3, 5), store, tmp_path, conditions=cache.conditions(store, Stage.LOAD, "browser wheel"))
    expected = f"the last stage changed; what runs TensorFlow.js changed (browser wheel → {node}) since it was run"
    assert why(planned(3, 5), store) == expected
    keep(planned(4, 5), store, tmp_path, conditions=replace(now, cpu=("of another machine",)))
    assert why(planned(4, 5), store) == "the CPU changed since it was run"


def test_an_outcome_that_is_gone(store: Store, tmp_path: Path) -> None:
    key = keep(planned(1, 5), store, tmp_path)
    (store.root / "outcomes" / key.key / "outcome.json").write_text("{")
    assert why(planned(1, 5), store) == "its outcome is gone from the store, or damaged"


def test_the_plan_in_both_forms(store: Store, tmp_path: Path) -> None:
    keep(planned(1, 5), store, tmp_path)
    made = plan(planned(1, 5), planned(2, 5), planned(3, 6), planned(4, "no network"))
    rows = describe(made, store)
    assert [row["cached"] for row in rows] == [True, False, False, False]
    assert rows[0]["why_not_cached"] is None
    assert all(row["why_not_cached"] for row in rows[1:])
    text = shown_by(lambda console: plan_view.show(console, made, rows))
    assert "1 outcome cached, 2 cases to run" in text
    assert "2 × it was never run" in text


def test_the_files_of_a_model_that_changed_are_named(store: Store, tmp_path: Path) -> None:
    def builder(folder: str) -> Planned:
        made = planned(1, 5)
        model = find_model(f"{tmp_path / folder / 'train.py'}:build", tmp_path)
        return msgspec.structs.replace(made, case=msgspec.structs.replace(made.case, model=model))

    for folder in ("mine", "yours"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "train.py").write_text("def build(): pass\n")
    keep(builder("mine"), store, tmp_path)
    (tmp_path / "mine" / "notes.py").write_text("# nothing to do with it\n")
    (tmp_path / "yours" / "other.py").write_text("")
    assert why(builder("mine"), store) == "notes.py changed since it was run"
    assert why(builder("yours"), store) == "it was never run to an end that can be kept"
