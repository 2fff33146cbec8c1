"""Warm Nodes: real Nodes, with a bundle that has as much of TensorFlow.js as it takes to be loaded."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.system.process import Limits
from tfjs_compat.trials.runtimes.bundle import Bundle
from tfjs_compat.trials.runtimes.job import TfjsJob, run_in_node
from tfjs_compat.trials.runtimes.node import Node, find_node
from tfjs_compat.trials.runtimes.record import read_record
from tfjs_compat.trials.runtimes.warm_nodes import WarmNode, WarmNodePool, is_possible

pytestmark = pytest.mark.skipif(not is_possible(), reason="children cannot be given pipes here")

LOADS = """
require('fs').appendFileSync(__dirname + '/loaded', process.pid + '\\n');
module.exports = {
  setBackend: async () => true, ready: async () => true, getBackend: () => 'cpu', version: { tfjs: '0.0.0' },
};
"""


GO_ON = threading.Event()


@pytest.fixture(scope="module")
def node() -> Node:
    return find_node()


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    path = tmp_path / "tf.min.js"
    path.write_text(LOADS)
    return Bundle("0.0.0", path, "", "", pinned=False)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def warm_nodes() -> Iterator[WarmNodePool]:
    made = WarmNodePool()
    yield made
    made.end()


def loaded(bundle: Bundle, count: int = 1) -> list[int]:
    """The ids of the processes that have loaded a bundle, once there are so many."""
    record = bundle.path.with_name("loaded")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = record.read_text().split() if record.exists() else []
        if len(found) >= count:
            return [int(pid) for pid in found]
        time.sleep(0.02)
    raise AssertionError(f"not loaded {count} times")


def run(folder: Path, bundle: Bundle, node: Node, warm_node: WarmNode | None, **options: Any) -> list[dict[str, Any]]:
    """Load a model that is not there; what the record says."""
    folder.mkdir()
    task = TfjsJob(folder / "artifact", "layers", None, folder / "outputs", folder / "record.jsonl")
    ended = run_in_node(task, bundle, node, scratch=folder, log=folder / "log.txt", warm_node=warm_node, **options)
    assert ended.status.exit_code == 1
    assert ended.fault is None
    return read_record(task.record)


def test_a_warm_node_does_what_a_new_one_does(tmp_path: Path, bundle: Bundle, node: Node, scratch: Path) -> None:
    warm_node = WarmNode(bundle, node, scratch)
    (pid,) = loaded(bundle)
    assert warm_node.is_for(bundle)
    warm = run(tmp_path / "warm", bundle, node, warm_node)
    cold = run(tmp_path / "cold", bundle, node, None)
    assert warm == cold
    assert [event["event"] for event in warm] == ["facts", "stage", "failure"]
    assert loaded(bundle, 2)[0] == pid
    assert (tmp_path / "warm" / "log.txt").read_bytes() == (tmp_path / "cold" / "log.txt").read_bytes()
    assert not list(scratch.iterdir())
    assert not warm_node.is_for(bundle)


def test_the_time_limit_counts_from_the_job_on(tmp_path: Path, bundle: Bundle, node: Node, scratch: Path) -> None:
    bundle.path.write_text(LOADS.replace("getBackend: () => 'cpu'", "getBackend: () => { for (;;) {} }"))
    warm_node = WarmNode(bundle, node, scratch)
    (pid,) = loaded(bundle)
    time.sleep(1.0)
    assert warm_node.is_for(bundle)
    folder = tmp_path / "case"
    folder.mkdir()
    task = TfjsJob(folder / "artifact", "layers", None, folder / "outputs", folder / "record.jsonl")
    options: dict[str, Any] = {"scratch": folder, "log": folder / "log.txt", "warm_node": warm_node}
    ended = run_in_node(task, bundle, node, limits=Limits(seconds=0.5), **options).status
    assert ended.limit_exceeded == "over its time limit of 0.5 s"
    assert ended.seconds < 5
    assert not psutil.pid_exists(pid)


def test_an_interrupt_ends_it(tmp_path: Path, bundle: Bundle, node: Node, scratch: Path) -> None:
    bundle.path.write_text(LOADS.replace("getBackend: () => 'cpu'", "getBackend: () => { for (;;) {} }"))
    warm_node, stop = WarmNode(bundle, node, scratch), threading.Event()
    (pid,) = loaded(bundle)
    stop.set()
    with pytest.raises(Interrupted):
        run(tmp_path / "case", bundle, node, warm_node, stop=stop)
    assert not psutil.pid_exists(pid)
    assert not list(scratch.iterdir())


def test_what_was_not_acquired_serves_the_next_case(
    tmp_path: Path, bundle: Bundle, node: Node, scratch: Path, warm_nodes: WarmNodePool
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    warm_nodes.prepare(one, "0.0.0", lambda: WarmNode(bundle, node, scratch), GO_ON)
    warm_nodes.release(one)
    warm_nodes.prepare(two, "0.0.0", lambda: pytest.fail("there is one already"), GO_ON)
    assert warm_nodes.acquire(one, bundle) is None
    warm_node = warm_nodes.acquire(two, bundle)
    assert warm_node is not None
    assert warm_nodes.acquire(two, bundle) is None
    run(two, bundle, node, warm_node)
    assert len(loaded(bundle)) == 1


def test_another_release_takes_the_place(
    tmp_path: Path, bundle: Bundle, node: Node, scratch: Path, warm_nodes: WarmNodePool
) -> None:
    warm_nodes.prepare(tmp_path / "one", "0.0.0", lambda: WarmNode(bundle, node, scratch), GO_ON)
    warm_nodes.release(tmp_path / "one")
    (pid,) = loaded(bundle)
    warm_nodes.prepare(tmp_path / "two", "0.0.1", lambda: WarmNode(bundle, node, scratch), GO_ON)
    loaded(bundle, 2)
    until = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not psutil.pid_exists(pid)


def test_the_end_leaves_nothing(
    tmp_path: Path, bundle: Bundle, node: Node, scratch: Path, warm_nodes: WarmNodePool
) -> None:
    for name in ("released", "promised"):
        warm_nodes.prepare(tmp_path / name, "0.0.0", lambda: WarmNode(bundle, node, scratch), GO_ON)
    warm_nodes.release(tmp_path / "released")
    pids = loaded(bundle, 2)
    warm_nodes.end()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert not list(scratch.iterdir())


def test_a_dead_node_or_another_bundle_is_not_used(
    tmp_path: Path, bundle: Bundle, node: Node, scratch: Path, warm_nodes: WarmNodePool
) -> None:
    case = tmp_path / "case"
    warm_nodes.prepare(case, "0.0.0", lambda: WarmNode(bundle, node, scratch), GO_ON)
    (pid,) = loaded(bundle)
    psutil.Process(pid).kill()
    until = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    assert warm_nodes.acquire(case, bundle) is None
    warm_nodes.prepare(case, "0.0.0", lambda: WarmNode(bundle, node, scratch), GO_ON)
    changed = Bundle("0.0.0", bundle.path, "another", "", pinned=False)
    assert warm_nodes.acquire(case, changed) is None
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("fault", [MachineryError("no Node"), OSError(28, "No space left on device"), Interrupted()])
def test_a_node_that_cannot_be_started_is_none(
    tmp_path: Path, bundle: Bundle, warm_nodes: WarmNodePool, fault: Exception
) -> None:
    def start() -> WarmNode:
        raise fault

    warm_nodes.prepare(tmp_path, "0.0.0", start, GO_ON)
    assert warm_nodes.acquire(tmp_path, bundle) is None
    warm_nodes.release(tmp_path)


def test_a_node_that_dies_before_it_begins_is_replaced(
    tmp_path: Path, bundle: Bundle, node: Node, scratch: Path
) -> None:
    warm_node = WarmNode(bundle, node, scratch)
    (pid,) = loaded(bundle)
    psutil.Process(pid).kill()
    events = run(tmp_path / "case", bundle, node, warm_node)
    assert [event["event"] for event in events] == ["facts", "stage", "failure"]
    assert len(loaded(bundle, 2)) == 2


def test_a_bundle_that_does_not_start_is_told_alike(tmp_path: Path, bundle: Bundle, node: Node, scratch: Path) -> None:
    bundle.path.write_text(LOADS + "throw new Error('broken');")
    warm = run(tmp_path / "warm", bundle, node, WarmNode(bundle, node, scratch))
    assert len(loaded(bundle)) == 1
    cold = run(tmp_path / "cold", bundle, node, None)
    assert [(event["event"], event["error"]["message"]) for event in warm] == [("failure", "broken")]
    assert [(event["event"], event["error"]["message"]) for event in cold] == [("failure", "broken")]


def test_what_it_says_is_in_the_log_of_the_case(tmp_path: Path, bundle: Bundle, node: Node, scratch: Path) -> None:
    said = LOADS.replace("getBackend: () => 'cpu'", "getBackend: () => { console.log('running'); return 'cpu'; }")
    bundle.path.write_text("console.log('loading');" + said)
    warm_node = WarmNode(bundle, node, scratch)
    loaded(bundle)
    time.sleep(0.2)
    run(tmp_path / "case", bundle, node, warm_node)
    assert (tmp_path / "case" / "log.txt").read_text().splitlines() == ["loading", "running"]


def test_a_job_that_cannot_be_written_leaves_nothing(tmp_path: Path, bundle: Bundle, node: Node, scratch: Path) -> None:
    warm_node = WarmNode(bundle, node, scratch)
    (pid,) = loaded(bundle)
    (tmp_path / "file").write_text("")
    task = TfjsJob(tmp_path / "artifact", "layers", None, tmp_path / "outputs", tmp_path / "record.jsonl")
    with pytest.raises(MachineryError):
        run_in_node(task, bundle, node, scratch=tmp_path / "file", log=tmp_path / "log.txt", warm_node=warm_node)
    assert not psutil.pid_exists(pid)
    assert not list(scratch.iterdir())


def test_nothing_is_started_once_the_run_stops(tmp_path: Path, bundle: Bundle, warm_nodes: WarmNodePool) -> None:
    stop = threading.Event()
    stop.set()
    warm_nodes.prepare(tmp_path, "0.0.0", lambda: pytest.fail("started"), stop)
    assert warm_nodes.acquire(tmp_path, bundle) is None


def test_nobody_waits_for_what_has_not_begun(tmp_path: Path, bundle: Bundle, warm_nodes: WarmNodePool) -> None:
    begun, go_on, started = threading.Event(), threading.Event(), list[str]()

    def slow() -> None:
        begun.set()
        go_on.wait(20)

    warm_nodes.prepare(tmp_path / "one", "0.0.1", slow, GO_ON)
    assert begun.wait(20)
    warm_nodes.prepare(tmp_path / "two", "0.0.0", lambda: started.append("two"), GO_ON)
    warm_nodes.prepare(tmp_path / "three", "0.0.0", lambda: started.append("three"), GO_ON)
    assert warm_nodes.acquire(tmp_path / "two", bundle) is None
    threading.Timer(0.2, go_on.set).start()
    warm_nodes.end()
    assert started == []
