"""What a conversion hands over. The search is replaced by what it would leave."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from support.samples import case, lock, result

from tfjs_compat.cli.views import found as view
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import RequestError
from tfjs_compat.handover.recipe import write_recipe
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.remedies import Step
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.convert import convert, work_folder
from tfjs_compat.workflows.find import WORK, Finder, Found

INPUTS = {"tensors": [{"name": "words", "dtype": "string", "shape": [2], "values": ["a", "b"]}]}
STEPS = (Step("pkg-resources-gone", "an older setuptools", ("constraint setuptools<81",)),)


def finding(works: bool, **more: Any) -> Finder:
    """A search that leaves the folder of a case, as ``find`` does, and finds that it works, or that nothing does."""

    def finder(request: SearchRequest, *_: object) -> Found:
        given = msgspec.structs.replace(case(), model=Model("zoo:mlp", "mlp", Kind.H5, "/m/mlp.h5", "0" * 64))
        folder = request.run_options.output / WORK / "cases" / given.id / "abc"
        (folder / "artifact").mkdir(parents=True)
        (folder / "artifact" / "model.json").write_text("{}")
        (folder / "inputs").mkdir()
        (folder / "inputs" / "tensors.json").write_text(json.dumps(INPUTS))
        if not works:
            return Found(found=False)
        recipe = write_recipe(given, lock(16), {"TF_USE_LEGACY_KERAS": "1"}, "2.16.0", {})
        return Found(found=True, case=result(id=given.id, trial=f"{given.id}/abc"), recipe=recipe, steps=STEPS, **more)

    return finder


@pytest.fixture
def converted(tmp_path: Path) -> Callable[[Finder], Found]:
    request = SearchRequest("zoo:mlp", run_options=RunRequest(store=Store(tmp_path / "store")))
    return lambda finder: convert(request, tmp_path / "web", finder=finder)


def test_the_model_comes_with_the_account_of_it(tmp_path: Path, converted: Callable[[Finder], Found]) -> None:
    converted(finding(works=True, best=True))
    target = tmp_path / "web"
    assert {path.name for path in target.iterdir()} == {"model.json", "CONVERSION.json"}
    account = json.loads((target / "CONVERSION.json").read_text())
    assert account["packages"] == ["tensorflow==2.16.0"]
    assert account["process_env"] == {"TF_USE_LEGACY_KERAS": "1"}
    assert account["inputs"] == [{"name": "words", "dtype": "string", "shape": [2]}]
    assert account["inputs_from"] == "generated from the model's signature"
    assert account["files"] == ["model.json"]
    assert [step["issue"] for step in account["steps"]] == ["pkg-resources-gone"]
    assert not work_folder(target, Store(tmp_path / "store")).exists()


def test_where_no_way_leads_nothing_is_written_and_logs_stay(
    tmp_path: Path, converted: Callable[[Finder], Found]
) -> None:
    converted(finding(works=False))
    assert not (tmp_path / "web").exists()
    assert work_folder(tmp_path / "web", Store(tmp_path / "store")).is_dir()


def test_an_untried_better_way_is_said_before_the_result(tmp_path: Path, converted: Callable[[Finder], Found]) -> None:
    unknown = result(verdict=Verdict.ERROR, message="no route to host")
    found = converted(finding(works=True, unknown=(unknown,)))
    console = Console(width=400, file=io.StringIO())
    view.show_converted(console, found, tmp_path / "web", "logs/")
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "could not be tried: no route to host" in text.splitlines()[0]
    assert "written: " in text


def test_a_target_inside_the_model_is_refused(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    (saved / "variables").mkdir(parents=True)
    (saved / "saved_model.pb").write_bytes(b"x")
    request = SearchRequest(str(saved), run_options=RunRequest(store=Store(tmp_path / "store")))
    with pytest.raises(RequestError, match="inside the model"):
        convert(request, saved / "web", finder=finding(works=True))
