"""All checks over a folder: sound models raise no alarm, and nothing in a folder makes them raise."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.handmade import (
    DENSE,
    SIGNATURE,
    SOUND,
    VOCABULARY,
    dense,
    examine_layers,
    keras3_model,
    loop,
    mutated,
    node,
    write,
)

from tfjs_compat.artifact.reading import read
from tfjs_compat.checks.catalogue import FINDINGS
from tfjs_compat.checks.examine import check_artifact, examine


@pytest.mark.parametrize("name", SOUND)
def test_no_false_alarm(tmp_path: Path, name: str) -> None:
    assert examine_layers(tmp_path, *SOUND[name]) == []


def test_an_old_sequential_config_is_a_list(tmp_path: Path) -> None:
    model = {"class_name": "Sequential", "config": [dense("dense", batch_input_shape=[None, 4])]}
    assert examine_layers(tmp_path, model, DENSE) == []


def test_the_topology_may_be_the_model_itself(tmp_path: Path) -> None:
    assert examine(write(tmp_path, SOUND["functional"][0], DENSE), VOCABULARY) == []


def test_a_name_of_a_megabyte_is_shown_in_short(tmp_path: Path) -> None:
    model = {"class_name": "Sequential", "config": [dense("dense", batch_input_shape=[None, 4])]}
    model["config"][0]["class_name"] = "D" * (1 << 20)
    model["config"][0]["config"]["name"] = "n" * (1 << 20)
    found = examine_layers(tmp_path, model, DENSE)
    assert found
    folder = write(tmp_path / "again", model, DENSE)
    assert all(len(finding.message) + len(finding.path) < 3000 for finding in examine(folder, VOCABULARY))


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10**30) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "config", "class_name", "a"]), inner)
    ),
    max_leaves=5,
)


GRAPH = {"node": loop("^g", guard=[node("g", "NoOp", "^switch")]), "versions": {}}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([*SOUND, "keras3", "graph"]), st.integers(0, 10_000), anything, st.booleans())
def test_whatever_stands_anywhere_ends_in_findings(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: int, value: object, remove: bool
) -> None:
    if name == "graph":
        model, weights = {"modelTopology": GRAPH, "signature": SIGNATURE}, {"n": [1]}
    else:
        topology, weights = (keras3_model(), DENSE) if name == "keras3" else SOUND[name]
        model = {"modelTopology": {"model_config": topology}}
    model = mutated(model, at, value, remove)
    folder = tmp_path_factory.mktemp("m")
    write(folder, model.pop("modelTopology", None), weights, **model)
    findings = examine(folder, VOCABULARY)
    for finding in findings:
        assert finding.id in FINDINGS
        assert finding.path.startswith("$")
        assert (finding.message + finding.path).encode()


def test_the_values_are_left_as_they_are(tmp_path: Path) -> None:
    artifact = read(write(tmp_path, keras3_model(), DENSE)).artifact
    assert artifact is not None
    before = copy.deepcopy(artifact.document)
    assert list(check_artifact(artifact, VOCABULARY)) == list(check_artifact(artifact, VOCABULARY))
    assert artifact.document == before
