from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.node import find_node
from tfjs_compat.trials.runtimes.runtime import RuntimeIdentity, TfjsRuntime
from tfjs_compat.trials.runtimes.warm_nodes import WarmNodePool


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def browser(folder: Path, says: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "chromium").write_text(f"#!/bin/sh\n{says}\n")
    (folder / "chromium").chmod(0o755)


def test_node_is_known_by_its_version(store: Store) -> None:
    runtime, version = TfjsRuntime(Context(store), "node", "wheel"), find_node().version
    runtime.require()
    assert runtime.identity == RuntimeIdentity("Node", version, ("cpu",))
    assert runtime.describe() == f"node {version} (cpu)"


def test_a_browser_is_known_by_name_and_version(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    browser(tmp_path / "bin", "echo 'warning: 9 things' >&2; echo Google Chrome 131.0.6778.85 beta")
    runtime = TfjsRuntime(Context(store), "browser", "wheel")
    runtime.require()
    assert runtime.identity == RuntimeIdentity("Google Chrome", "131.0.6778.85", ("webgl", "wasm", "cpu"))
    assert runtime.describe() == "browser Google Chrome 131.0.6778.85 (webgl, wasm, cpu)"


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (None, r"no browser was found: no chromium, .*\nhint: install Chromium"),
        ("exit 7", "exit code 7"),
        ("echo hello", "does not say its version: hello"),
    ],
)
def test_a_missing_or_broken_browser_is_found_out_first(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str | None, message: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    if says is not None:
        browser(tmp_path / "bin", says)
    with pytest.raises(MachineryError, match=message):
        TfjsRuntime(Context(store), "browser", "wheel").require()
    TfjsRuntime(Context(store), "node", "wheel").require()


def test_a_wrong_node_is_a_wrong_request(store: Store, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no program of that name"):
        TfjsRuntime(Context(store), "node", str(tmp_path / "none")).require()


def test_the_end_of_a_pool_leaves_no_thread(tmp_path: Path) -> None:
    pool = WarmNodePool()
    for _ in range(2):
        pool.prepare(tmp_path, "0.0.1", lambda: None, threading.Event())
        assert [thread for thread in threading.enumerate() if "warm-nodes" in thread.name]
        pool.end()
        assert not [thread for thread in threading.enumerate() if "warm-nodes" in thread.name]
