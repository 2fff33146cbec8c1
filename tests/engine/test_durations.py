"""What is remembered of how long cases took."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.samples import case

from tfjs_compat.engine import durations
from tfjs_compat.engine.durations import DEFAULT_SECONDS, Durations
from tfjs_compat.system.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_the_last_one_counts_and_the_like_stands_in(store: Store) -> None:
    for seconds in (9.0, 3.0):
        Durations(store).record(case(), seconds)
    Durations(store).record(case(tensorflow="2.15.0"), 5.0)
    known = Durations(store)
    assert known.of(case()) == 3.0
    assert known.of(case(tensorflow="2.17.0")) == 4.0
    assert known.of(case(route="graph")) == DEFAULT_SECONDS
    assert known.of(case(ref="zoo:cnn")) == DEFAULT_SECONDS


def test_what_a_kill_left_harms_nothing(store: Store) -> None:
    Durations(store).record(case(), 3.0)
    file = store.root / "durations.jsonl"
    with file.open("ab") as torn:
        torn.write(b'\n["mlp-lay')
    Durations(store).record(case(ref="zoo:cnn"), 7.0)
    with file.open("ab") as torn:
        torn.write(b'\n\xff\n["a","b","c",-1]\n{}\n["a","b","c","d"]')
    known = Durations(store)
    assert (known.of(case()), known.of(case(ref="zoo:cnn"))) == (3.0, 7.0)


def test_the_file_does_not_grow_for_ever(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durations, "_MOST_BYTES", 4000)
    known = Durations(store)
    for _ in range(60):
        known.record(case(), 3.0)
    assert Durations(store).of(case()) == 3.0
    assert (store.root / "durations.jsonl").stat().st_size < 400


def test_a_store_that_cannot_be_written_to_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    known = Durations(Store(tmp_path / "file" / "store"))
    known.record(case(), 3.0)
    assert known.of(case()) == DEFAULT_SECONDS
