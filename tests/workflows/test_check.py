"""What a check of an artifact gives, with a TensorFlow.js that does what the test wants."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.artifacts import WEIGHTS, one_dense, put_artifact
from support.tfjs import HANGS, VERSION, children, keep_script, wait_for_event

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.check import check


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    put_artifact(tmp_path / "artifact", one_dense(), WEIGHTS)
    return tmp_path / "artifact"


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_node_killed_from_outside_is_no_verdict(artifact: Path, store: Store) -> None:
    keep_script(store, HANGS)
    scratch = store.folder("scratch")
    with ThreadPoolExecutor(1) as executor:
        checked = executor.submit(check, artifact, tfjs=VERSION, store=store)
        while not (records := list(scratch.glob("check-*/tfjs.jsonl"))):
            assert not checked.done()
        wait_for_event(records[0], '"start"')
        for child in children("tfjs_run.js"):
            child.kill()
        with pytest.raises(MachineryError, match="Node was killed by SIGKILL"):
            checked.result(30)
    assert list(scratch.iterdir()) == []


def test_a_missing_browser_is_found_out_first(
    artifact: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(MachineryError, match="no browser was found"):
        check(artifact, tfjs="9.9.9", runtime="browser", store=store)


def test_folders_without_a_model_say_what_they_are(store: Store, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no such folder"):
        check(tmp_path / "none", store=store)
    with pytest.raises(RequestError, match=r"holds no model\.json"):
        check(tmp_path, store=store)
    case = tmp_path / "out" / "cases" / "a-case"
    case.mkdir(parents=True)
    (tmp_path / "out" / "results.json").write_text("{}")
    with pytest.raises(RequestError, match=r"it is the output of a run; give one of its cases: .*a-case"):
        check(tmp_path / "out", store=store)
    (case / "log.txt").write_text("")
    with pytest.raises(RequestError, match="ended before there was a converted model"):
        check(case, store=store)
