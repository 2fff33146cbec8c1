"""What a check of an artifact gives, with a TensorFlow.js that does what the test wants."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.artifacts import WEIGHTS, one_dense, put_artifact

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
    (tmp_path / "my model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    command = r"hint: `tfjs-compat convert --model '.*my model\.h5' --output web_model`"
    with pytest.raises(RequestError, match=rf"it is a model of Python \(h5\)\n{command}"):
        check(tmp_path / "my model.h5", store=store)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(RequestError, match=r"model of Python \(saved-model\)\nhint: `tfjs-compat convert"):
        check(tmp_path / "saved", store=store)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(RequestError, match=r"a file of the model\nhint: give its folder"):
        check(tmp_path / "model.json", store=store)
    (tmp_path / "model.json").unlink()
    case = tmp_path / "out" / "cases" / "a-case" / "0a1b"
    case.mkdir(parents=True)
    (tmp_path / "out" / "results.json").write_text("{}")
    with pytest.raises(
        RequestError, match=r"it is the output of a run, not a model\nhint: `tfjs-compat check .*a-case`"
    ):
        check(tmp_path / "out", store=store)
    (case / "log.txt").write_text("")
    with pytest.raises(RequestError, match="ended before there was a converted model"):
        check(case, store=store)
