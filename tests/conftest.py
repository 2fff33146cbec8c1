from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psutil
import pytest
from support.children import Child
from support.samples import SmallIndex

# The machines that run this are shared: how long one example takes says nothing.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

# A job of a shell or of nohup starts with signals ignored, which every child would inherit: what
# a signal does in a test must not depend on how the tests were started.
for ignorable, usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(ignorable) is signal.SIG_IGN:
        signal.signal(ignorable, usual)


@pytest.fixture
def small_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallIndex]:
    """A package index of our own on this machine, which is the configured one during the test."""
    with SmallIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_CONFIG_FILE"):
            monkeypatch.delenv(name, raising=False)
        yield index


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child(tmp_path)


@pytest.fixture
def pid_file(tmp_path: Path) -> Iterator[Path]:
    """Where a process leaves its id; should a test fail, it does not live on."""
    path = tmp_path / "pid"
    yield path
    if path.exists() and (pid := path.read_text()) and psutil.pid_exists(int(pid)):
        os.kill(int(pid), signal.SIGKILL)
