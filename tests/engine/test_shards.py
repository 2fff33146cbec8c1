"""A plan in shards: every case is in exactly one, and none is much longer than the others."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import PYTHON, lock, plan, planned

from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.engine.plan_document import matrix_digest
from tfjs_compat.engine.shards import BUILD_SECONDS, Shard, cut, only_shard, parse_shard, sizes
from tfjs_compat.engine.shared_plan import plan_again, read_shared_plan, write_shared_plan
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.locks.lock import Lock, Unresolved, make_lock
from tfjs_compat.matrix.models import find_model

NEVER = Unresolved("never", ("tensorflow",), "because")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    locks = draw(st.lists(st.one_of(st.integers(0, 5), st.just(NEVER), st.just("no network")), min_size=1, max_size=40))
    return plan(*(planned(number, on) for number, on in enumerate(locks)))


def ids(found: Plan) -> list[str]:
    return [case.case.id for case in found.cases]


@given(plans(), st.integers(1, 7))
def test_shards_partition_the_plan(whole: Plan, of: int) -> None:
    shards = [only_shard(whole, Shard(number, of)) for number in range(1, of + 1)]
    together = [name for shard in shards for name in ids(shard)]
    assert sorted(together) == sorted(ids(whole))
    place = {name: at for at, name in enumerate(ids(whole))}
    assert all([place[name] for name in ids(shard)] == sorted(place[name] for name in ids(shard)) for shard in shards)


@given(plans(), st.integers(1, 7))
def test_a_cut_is_the_same_on_every_machine(whole: Plan, of: int) -> None:
    assert cut(whole, of) == cut(whole, of)
    assert sum(size.cases for size in sizes(msgspec.structs.replace(whole, cut=cut(whole, of)), lambda _: 1.0)) == len(
        whole.cases
    )


@given(st.lists(st.floats(1, 300), min_size=2, max_size=24), st.integers(2, 5))
def test_no_shard_is_longer_than_a_fair_share_and_its_longest_piece(seconds: list[float], of: int) -> None:
    """The bound of longest-processing-time-first: the share of each, and one environment more."""
    whole = plan(*(planned(number, number) for number in range(len(seconds))))

    def expected(case: Planned) -> float:
        return seconds[int(case.case.model.ref.removeprefix("zoo:m"))]

    found = sizes(msgspec.structs.replace(whole, cut=cut(whole, of, expected)), expected)
    share = sum(size.seconds for size in found) / of
    assert max(size.seconds for size in found) <= share + max(seconds) + BUILD_SECONDS + 10


def test_an_environment_stays_in_one_shard() -> None:
    whole = plan(*(planned(number, number % 3) for number in range(12)))
    shards = [only_shard(whole, Shard(number, 3)) for number in (1, 2, 3)]
    assert [len(shard.locks()) for shard in shards] == [1, 1, 1]


def test_a_long_environment_is_shared_by_idle_shards() -> None:
    whole = plan(*(planned(number, 1) for number in range(12)))
    assert [size.cases for size in sizes(msgspec.structs.replace(whole, cut=cut(whole, 2)), lambda _: 60.0)] == [6, 6]


@pytest.mark.parametrize("text", ["", "2", "0/3", "4/3", "a/b", "1/3/5", "-1/3", "1/0", "9" * 5000 + "/3", "1/99999"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="--shard"):
        parse_shard(text)


def real_plan(*on: int | Unresolved | str) -> Plan:
    """Cases of models that exist: a shared plan names them by reference."""
    names = ("mlp", "cnn", "seed")
    cases = []
    for name, answer in zip(names, on, strict=False):
        one = planned(1, answer)
        if isinstance(one.lock, Lock):
            one = msgspec.structs.replace(one, lock=make_lock(one.lock.text, PYTHON.build, source_builds=False))
        model = find_model(f"zoo:{name}", Path.cwd())
        cases.append(msgspec.structs.replace(one, case=msgspec.structs.replace(one.case, model=model)))
    whole = plan(*cases)
    return msgspec.structs.replace(whole, cut=cut(whole, 2), order=tuple(ids(whole)))


def test_a_shared_plan_comes_back_whole(tmp_path: Path) -> None:
    whole = real_plan(1, 2, NEVER)
    path = write_shared_plan(whole, "2026-01-01T00:00:00+00:00", tmp_path)
    assert plan_again(read_shared_plan(tmp_path), whole.matrix, {}, [PYTHON]) == whole
    assert plan_again(read_shared_plan(path), whole.matrix, {}, [PYTHON]) == whole


def test_a_fault_is_no_answer_to_share(tmp_path: Path) -> None:
    with pytest.raises(MachineryError, match="no network"):
        write_shared_plan(real_plan(1, "no network"), "2026-01-01T00:00:00+00:00", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_shared_plan_of_another_matrix_model_or_python_is_refused(tmp_path: Path) -> None:
    whole = real_plan(1, 2)
    write_shared_plan(whole, "2026-01-01T00:00:00+00:00", tmp_path)
    shared = read_shared_plan(tmp_path)
    other = msgspec.structs.replace(whole.matrix, name="other")
    assert matrix_digest(other) != shared.plan.matrix_digest
    with pytest.raises(RequestError, match="another matrix"):
        plan_again(shared, other, {}, [PYTHON])
    newer = msgspec.structs.replace(PYTHON, version="3.11.9")
    with pytest.raises(MachineryError, match=r"cpython-3\.11\.9"):
        plan_again(shared, whole.matrix, {}, [newer])
    cases = tuple(msgspec.structs.replace(case, model_digest="0") for case in shared.plan.cases)
    changed = msgspec.structs.replace(shared, plan=msgspec.structs.replace(shared.plan, cases=cases))
    with pytest.raises(RequestError, match="model 'zoo:mlp' holds something else"):
        plan_again(changed, whole.matrix, {}, [PYTHON])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_shared_plan_is_a_wrong_request(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shared-plan.json").write_bytes(content)
    with pytest.raises(RequestError, match="--plan"):
        read_shared_plan(tmp_path)


@pytest.mark.parametrize(("old", "new"), [("==2.1.0", "==2.1.1"), ('"id":"', '"id":"0'), ("only-binary", "no-binary")])
def test_a_lock_that_was_changed_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = write_shared_plan(real_plan(1, 2), "2026-01-01T00:00:00+00:00", tmp_path)
    before, locks, after = path.read_text().partition('"locks":')
    assert old in after
    path.write_text(before + locks + after.replace(old, new))
    with pytest.raises(RequestError, match=r"key 'locks\.[0-9a-f]{16}': it was changed since it was written"):
        read_shared_plan(tmp_path)


def test_a_plan_cut_otherwise_is_refused() -> None:
    with pytest.raises(RequestError, match="cut into 2 shards"):
        only_shard(real_plan(1, 2), Shard(3, 3))


def test_locks_travel_whole(tmp_path: Path) -> None:
    write_shared_plan(real_plan(7), "2026-01-01T00:00:00+00:00", tmp_path)
    (found,) = read_shared_plan(tmp_path).locks.values()
    assert found.packages == lock(7).packages
    assert found.text.endswith(lock(7).text)
