"""What waits for the next run: which session it gets, how many wait, and that none is left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tfjs_compat.environments.environment import DESCRIPTION, Environment, users_of
from tfjs_compat.index.interpreters import PythonBuild
from tfjs_compat.trials import warm_pool
from tfjs_compat.trials.warm_pool import WarmPool, most_idle


class Session:
    """As much of a session as a pool knows."""

    def __init__(self, environment: Environment, _lock: object, variables: Mapping[str, str], *_: object) -> None:
        self.environment, self.variables = environment, variables
        self.is_warm, self.closed, self.resumed = True, 0, 0

    def runs_in(self, environment: Environment, variables: Mapping[str, str]) -> bool:
        return (self.environment, self.variables) == (environment, variables)

    def resume(self, _settings: object) -> None:
        self.resumed += 1

    def close(self) -> None:
        self.closed += 1


class Pools:
    def __init__(self, folder: Path, most: int = 2) -> None:
        self.folder, self.pool = folder, WarmPool(folder, most)

    def environment(self, name: str) -> Environment:
        root = self.folder / name
        root.mkdir(exist_ok=True)
        (root / DESCRIPTION).touch()
        return Environment(name, root, PythonBuild("3.11.0", "linux-x86_64"), "", {}, 0.0)

    def used(self, name: str, variables: Mapping[str, str] = {}, *, warm: bool = True) -> Any:
        lock: Any = None
        with self.pool.session(self.environment(name), lock, dict(variables), lock, Session) as session:  # type: ignore[arg-type]
            session.is_warm = warm  # type: ignore[misc]
        return session


@pytest.fixture
def pools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pools:
    monkeypatch.setattr(warm_pool, "free_memory", lambda: 64 << 30)
    return Pools(tmp_path)


def test_a_session_waits_for_its_own_environment_and_variables(pools: Pools) -> None:
    first = pools.used("a")
    assert pools.used("a") is first
    assert first.resumed == 1
    assert pools.used("b") is not first
    assert pools.used("a", {"TF_USE_LEGACY_KERAS": "1"}) is not first


def test_an_environment_is_in_use_while_its_server_waits(pools: Pools) -> None:
    pools.used("a")
    assert len(users_of(pools.folder / "a")) == 1
    pools.pool.close()
    assert users_of(pools.folder / "a") == []


def test_the_one_that_waits_longest_ends_first(pools: Pools) -> None:
    first, second = pools.used("a"), pools.used("b")
    assert pools.used("a") is first
    pools.used("c")
    assert (first.closed, second.closed) == (0, 1)


def test_where_memory_is_short_only_the_last_waits(pools: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pools.used("a")
    monkeypatch.setattr(warm_pool, "free_memory", lambda: 1 << 30)
    second = pools.used("b")
    assert (first.closed, second.closed) == (1, 0)


def test_what_cannot_run_a_case_does_not_wait(pools: Pools) -> None:
    assert pools.used("a", warm=False).closed == 1
    assert pools.used("a").resumed == 0


def test_nothing_waits_after_the_end(pools: Pools) -> None:
    first = pools.used("a")
    lock: Any = None
    with pools.pool.session(pools.environment("b"), lock, {}, lock, Session) as second:  # type: ignore[arg-type]
        pools.pool.close()
    assert (first.closed, second.closed) == (1, 1)  # type: ignore[attr-defined]


def test_a_block_that_raises_gives_its_session_back(pools: Pools) -> None:
    lock: Any = None
    with (
        pytest.raises(KeyError),
        pools.pool.session(pools.environment("a"), lock, {}, lock, Session) as session,  # type: ignore[arg-type]
    ):
        raise KeyError
    assert pools.used("a") is session


def test_a_quarter_of_the_memory_may_wait() -> None:
    for gigabytes in (1, 4, 16, 64):
        many = most_idle(gigabytes << 30)
        assert many == 1 or many * warm_pool.SERVER_MEMORY <= (gigabytes << 30) / 4
