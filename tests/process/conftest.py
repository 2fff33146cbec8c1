"""Tests that start runs and children of their own and need no network: each carries the marker ``process``."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.runs import NUMPY, TENSORFLOW, Runs, SlowIndex, add_module

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.process)


@pytest.fixture(autouse=True, scope="session")
def signals_as_of_a_terminal() -> Iterator[None]:
    """Children ignore no signal, also where the tests run below ``nohup`` or in the background of a script."""
    ignored = [
        number
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def index() -> Iterator[SlowIndex]:
    with SlowIndex() as index:
        add_module(index, "tensorflow", "2.15.0", TENSORFLOW, "numpy")
        add_module(index, "tensorflowjs", "4.17.0", "")
        add_module(index, "numpy", "1.26.4", NUMPY)
        yield index
        index.go.set()


@pytest.fixture
def runs(tmp_path: Path, index: SlowIndex) -> Iterator[Runs]:
    runs = Runs(tmp_path, index)
    yield runs
    for child in runs.started:
        child.kill()
        child.communicate()
