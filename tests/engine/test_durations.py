"""What is remembered of how long cases took."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.samples import case

from tfjs_compat.engine.durations import DEFAULT_SECONDS, Durations
from tfjs_compat.system.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_the_last_counts_and_similar_cases_stand_in(store: Store) -> None:
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


def test_the_file_does_not_grow_for_ever(store: Store) -> None:
    known = Durations(store, most_bytes=4000)
    for _ in range(60):
        known.record(case(), 3.0)
    assert Durations(store, most_bytes=4000).of(case()) == 3.0
    assert (store.root / "durations.jsonl").stat().st_size < 400


def test_of_a_large_file_only_the_end_is_read(store: Store) -> None:
    known = Durations(store)
    known.record(case(ref="zoo:cnn"), 7.0)
    file = store.root / "durations.jsonl"
    with file.open("ab") as sparse:
        # More than there is memory: a file of another kind, or a disk's fault.
        sparse.truncate(1 << 42)
    known.record(case(), 3.0)
    known = Durations(store)
    assert (known.of(case()), known.of(case(ref="zoo:cnn"))) == (3.0, DEFAULT_SECONDS)
    assert file.stat().st_size < 4000


@pytest.mark.parametrize("most_bytes", range(400, 1200, 37))
def test_a_line_torn_by_the_limit_is_left_out(store: Store, most_bytes: int) -> None:
    known = Durations(store)
    for number in range(20):
        known.record(case(ref=f"zoo:m{number}"), float(number))
    known = Durations(store, most_bytes)
    assert known.of(case(ref="zoo:m19")) == 19.0
    assert known.of(case(ref="zoo:m0")) == DEFAULT_SECONDS


def test_a_store_that_cannot_be_written_to_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    known = Durations(Store(tmp_path / "file" / "store"))
    known.record(case(), 3.0)
    assert known.of(case()) == DEFAULT_SECONDS


def test_cases_are_ranked_by_how_long_ago_they_ended(store: Store) -> None:
    durations = Durations(store)
    first, second = case(ref="zoo:a"), case(ref="zoo:b")
    for ended in (first, second, first):
        durations.record(ended, 1.0)
    again = Durations(store)
    assert again.known_since(case(ref="zoo:never")) == 0
    assert 0 < again.known_since(second) < again.known_since(first)
