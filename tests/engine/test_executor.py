"""Executors by name, and how work over them ends."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from tfjs_compat.engine.executor import EXECUTORS, open_executor
from tfjs_compat.engine.gather import gather
from tfjs_compat.errors import Interrupted, RequestError
from tfjs_compat.system.store import Store


def not_an_executor(jobs: int) -> object:
    return jobs


@pytest.mark.parametrize("name", [*EXECUTORS, "concurrent.futures:ThreadPoolExecutor"])
def test_an_executor_of_each_name_runs_a_function(name: str, tmp_path: Path) -> None:
    with open_executor(name, 2, Store(tmp_path)) as (executor, *_):
        assert isinstance(executor, Executor)
        assert executor.submit(abs, -3).result() == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("thread", "no such executor, and not of the form module:factory\nhint: did you mean 'threads'?"),
        ("", "no such executor"),
        ("dask-local:0", "give 1 to 1000 processes"),
        ("dask-local:many", "give 1 to 1000 processes"),
        ("dask:/x", "not the HOST:PORT of a scheduler"),
        ("no.such.module:make", "no.such.module cannot be imported"),
        ("math:nothing", "math has no 'nothing'"),
        ("support.samples:PYTHON", "cannot be called"),
        ("...:b", "... cannot be imported"),
        ("os:getcwd", "'getcwd' of os does not take a number"),
        ("math:sqrt", "it made a float, no concurrent.futures.Executor"),
    ],
)
def test_what_is_no_executor_is_a_wrong_request(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=message.replace("?", r"\?")), open_executor(name, 2, Store(tmp_path)):
        pass


def test_an_exception_is_raised_when_nothing_runs_any_more() -> None:
    stop, ended = threading.Event(), list[int]()

    def work(number: int) -> int:
        if number == 0:
            raise ValueError("the first")
        assert stop.wait(20)
        time.sleep(0.2)
        ended.append(number)
        return number

    with ThreadPoolExecutor(3) as executor, pytest.raises(ValueError, match="the first"):
        gather(executor, work, range(3), stop)
    assert sorted(ended) == [1, 2]


def test_what_has_not_begun_is_cancelled_by_a_stop() -> None:
    stop, begun = threading.Event(), list[int]()

    def work(number: int) -> None:
        begun.append(number)
        stop.set()

    with ThreadPoolExecutor(1) as executor, pytest.raises(Interrupted):
        gather(executor, work, range(50), stop)
    assert len(begun) < 50


def test_a_tolerated_failure_stops_nothing() -> None:
    def work(number: int) -> int:
        return 6 // number

    found: list[int] = []
    with ThreadPoolExecutor(2) as executor:
        results = gather(executor, work, [1, 0, 2, 3], threading.Event(), found.append, tolerated=(ZeroDivisionError,))
    assert results == [6, 3, 2]
    assert sorted(found) == [2, 3, 6]
