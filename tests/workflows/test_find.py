"""A search as far as the locks, over an index of our own that fails where the test wants: what it finds and says."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from support.samples import SmallIndex, case, result

from tfjs_compat.cli.views import found as view
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import MachineryError
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.best_case import INTERRUPTED, Searched
from tfjs_compat.search.best_first import Best
from tfjs_compat.search.candidates import Candidate
from tfjs_compat.search.oracle import Evaluation
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.find import Found, could_not_be_tried, find, require_answer

MINOR = "{}.{}".format(*sys.version_info[:2])
ALWAYS = 10_000


@pytest.fixture
def index(small_index: SmallIndex) -> SmallIndex:
    """Two TensorFlows, of which the newer one needs a package whose page cannot always be had."""
    tag = "cp{}{}-none-any".format(*sys.version_info[:2])
    small_index.add("faulty", "1.0")
    small_index.add("tensorflow", "2.20.0", tag=tag)
    small_index.add("tensorflow", "2.21.0", "faulty", tag=tag)
    small_index.add("tensorflowjs", "4.17.0")
    return small_index


def searched(folder: Path) -> Found:
    options = RunRequest(output=folder / "out", store=Store(folder / "store"), jobs=2)
    routes, python = ("layers",), (MINOR,)
    return find(SearchRequest("zoo:mlp", python=python, routes=routes, until=Stage.RESOLVE, run_options=options))


def as_json(found: Found) -> Any:
    return json.loads(msgspec.json.encode(view.as_json(found)))


def shown(found: Found) -> str:
    console = Console(width=400, file=io.StringIO())
    view.show(console, found, "out/")
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_preferred_release_that_met_a_fault_is_named_first(index: SmallIndex, tmp_path: Path) -> None:
    index.faults["faulty"] = ALWAYS
    found = searched(tmp_path)
    assert found.case is not None
    assert found.case.combination.tensorflow == "2.20.0"
    assert not found.best
    assert {unknown.combination.tensorflow for unknown in found.unknown} == {"2.21.0"}
    (document, text) = as_json(found), shown(found)
    assert (document["found"], document["best"]) == (True, False)
    assert [unknown["case"] for unknown in document["unknown"]] == [unknown.id for unknown in found.unknown]
    assert all(unknown["message"] for unknown in document["unknown"])
    assert text.startswith("TensorFlow 2.21.0, tensorflowjs 4.17.0, route layers could not be tried: ")
    assert text.index("This is the best of what could be tried") < text.index("works")
    assert "Passed over" not in text


def test_a_fault_that_passes_is_not_noticed(index: SmallIndex, tmp_path: Path) -> None:
    index.faults["faulty"] = 1
    found = searched(tmp_path)
    assert index.faults["faulty"] == 0
    assert found.case is not None
    assert found.case.combination.tensorflow == "2.21.0"
    assert (found.best, found.unknown) == (True, ())
    assert as_json(found)["unknown"] == []
    assert "could not be tried" not in shown(found)


def test_where_nothing_is_found_every_fault_is_named(index: SmallIndex, tmp_path: Path) -> None:
    index.faults["faulty"] = ALWAYS
    index.add("tensorflow", "2.22.0", "faulty", tag="cp{}{}-none-any".format(*sys.version_info[:2]))
    index.add("tensorflow", "2.20.0", "nowhere", tag="cp{}{}-none-any".format(*sys.version_info[:2]))
    with pytest.raises(MachineryError) as raised:
        searched(tmp_path)
    message = str(raised.value)
    assert "TensorFlow 2.22.0, tensorflowjs 4.17.0, route layers" in message
    assert "TensorFlow 2.21.0, tensorflowjs 4.17.0, route layers" in message
    assert message.splitlines()[-1].startswith("hint: ")
    assert not (tmp_path / "out" / "recipe").exists()


def unknown_at(minor: int, message: str = "no route to host") -> CaseResult:
    given = case(tensorflow=f"2.{minor}.0")
    return result(id=given.id, combination=given.combination, verdict=Verdict.ERROR, message=message)


def test_cases_with_one_reason_share_a_line() -> None:
    lines = could_not_be_tried([unknown_at(minor) for minor in range(21, 11, -1)] + [unknown_at(9, "disk full")])
    assert len(lines) == 2
    assert lines[0].startswith("TensorFlow 2.21.0, tensorflowjs 4.17.0, route layers; TensorFlow 2.20.0")
    assert lines[0].endswith("; and 4 more could not be tried: no route to host")
    assert lines[1].endswith("could not be tried: disk full")


def test_an_interruption_is_the_reason_where_there_were_faults_too() -> None:
    candidate = Candidate(case())
    evaluation = Evaluation(Answer.UNKNOWN, unknown_at(16), None, tried=False)
    best = Best(None, ((candidate, evaluation),), ())
    require_answer(Searched(best, (), INTERRUPTED))
    with pytest.raises(MachineryError, match="no route to host"):
        require_answer(Searched(best, (), "after 1 s (--time)"))


def test_an_early_end_says_that_something_better_may_exist() -> None:
    found = Found(found=False, ended="after 3 trials (--max-trials)")
    assert "Nothing that works was found; the search ended after 3 trials" in shown(found)
    assert as_json(found)["best"] is False
