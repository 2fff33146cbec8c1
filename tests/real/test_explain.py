"""The culprits of real failures, named by trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tfjs_compat import api
from tfjs_compat.api import BisectRequest, ExplainRequest, RunRequest
from tfjs_compat.search.culprit.explanation import Explanation
from tfjs_compat.system.store import Store

pytestmark = pytest.mark.real

Named = tuple[str, str, str | None, str | None]


def options(store: Store, tmp_path: Path, tensorflow: str, tensorflowjs: str, **more: Any) -> RunRequest:
    axes: dict[str, Any] = {"tensorflow": [tensorflow], "tensorflowjs": [tensorflowjs], **more.pop("axes", {})}
    return RunRequest(models=("zoo:mlp",), axes=axes, store=store, output=tmp_path / "out", **more)


def culprits(found: Explanation) -> list[Named]:
    return [(one.kind, one.name, one.good, one.bad) for one in found.culprits]


def test_setuptools_82_broke_every_published_downgrade(store: Store, tmp_path: Path) -> None:
    request = options(store, tmp_path, "2.15.0", "4.17.0", axes={"as_of": ["2026-11-20"]})
    found = api.explain(ExplainRequest(good=("as_of=2024-04-10",), run_options=request))
    assert culprits(found) == [("package", "setuptools", "81.0.0", "82.0.0")]
    assert found.issue == "pkg-resources-gone"
    assert found.chain == ("tensorflowjs", "tensorflow-hub", "pkg_resources")
    assert found.minimal
    assert found.also == ()
    assert len(found.changes) > 20
    assert found.trials <= 12
    assert found.remedy is not None
    assert (found.remedy.change, found.remedy.works) == ("setuptools<82.0.0", True)
    assert "Nobody caps it" in found.text


@pytest.mark.full
def test_the_day_on_which_it_broke(store: Store, tmp_path: Path) -> None:
    request = options(store, tmp_path, "2.15.0", "4.17.0")
    found = api.bisect(BisectRequest(request, dates=("2024-04-10", "2026-11-20")))
    assert found.days == ("2026-02-07", "2026-02-08")
    assert culprits(found) == [("package", "setuptools", "81.0.0", "82.0.0")]


@pytest.mark.full
@pytest.mark.parametrize(("bad", "good"), [("3.2.1", "3.3.3"), ("3.3.3", "3.2.1")])
def test_the_duplicate_weight_name_and_what_follows_it(store: Store, tmp_path: Path, bad: str, good: str) -> None:
    axes = {"keras": [bad], "constraints": [["setuptools<81"]]}
    request = options(store, tmp_path, "2.16.1", "4.17.0", axes=axes)
    found = api.explain(ExplainRequest(good=(f"keras={good}",), run_options=request))
    # Keras 3.3.0 cannot be imported with TensorFlow 2.16.1: it shows neither failure.
    neighbour = {"3.2.1": "3.2.1", "3.3.3": "3.3.1"}
    assert culprits(found) == [("package", "keras", neighbour[good], neighbour[bad])]
    assert found.unknown == 1
    assert found.issue == ("duplicate-weight-name" if bad == "3.2.1" else "keras3-batch-shape")


@pytest.mark.full
def test_ydf_outgrows_the_protobuf_of_tensorflow(store: Store, tmp_path: Path) -> None:
    axes = {"constraints": [["setuptools<81"]], "process_env": ["no-onednn"], "as_of": ["2026-11-20"]}
    request = options(store, tmp_path, "2.19.0", "4.22.0", routes=("graph",), axes=axes)
    found = api.explain(ExplainRequest(run_options=request))
    (culprit,) = found.culprits
    assert culprit.name == "ydf"
    assert found.issue == "ydf-protobuf"
    assert found.good is not None
    assert found.good.combination.as_of < "2025-06"


@pytest.mark.full
def test_a_process_variable_and_no_package(store: Store, tmp_path: Path) -> None:
    request = options(store, tmp_path, "2.16.1", "4.17.0", axes={"constraints": [["setuptools<81"]]})
    found = api.explain(ExplainRequest(good=("process_env=legacy-keras",), run_options=request))
    assert culprits(found) == [("process_env", "TF_USE_LEGACY_KERAS", "1", None)]
    assert found.minimal
    assert found.remedy is not None
    assert found.remedy.works
