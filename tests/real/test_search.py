"""find, remedies, convert and repair, for real: every answer was run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tfjs_compat import api
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.environments.registry import find as find_environment
from tfjs_compat.errors import RequestError
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.bundle import default_version, get_bundle
from tfjs_compat.trials.runtimes.node import find_node
from tfjs_compat.workflows.check import check
from tfjs_compat.workflows.convert import convert
from tfjs_compat.workflows.find import WORK, Found, find
from tfjs_compat.workflows.matrices import matrix_path
from tfjs_compat.workflows.repair import repair

pytestmark = pytest.mark.real

TODAY = "2026-11-20"
KERAS_3 = ("tensorflow==2.16.1", "tensorflowjs==4.17.0", "keras>=3.3")

TRAINED = """
import sys

import keras
import numpy

keras.utils.set_random_seed(7)
numbers = numpy.random.default_rng(7)
table, picture = keras.Input((12,), name="table"), keras.Input((6, 6, 3), name="picture")
one = keras.layers.Dense(16, activation="silu", kernel_regularizer="l2")(table)
other = keras.layers.Conv2D(8, 3, padding="same", kernel_initializer="orthogonal")(picture)
other = keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization()(other))
both = keras.layers.Dropout(0.3)(keras.layers.Concatenate()([one, other]))
outputs = [keras.layers.Dense(3, "softmax", name="kind")(both), keras.layers.Dense(1, name="size")(both)]
model = keras.Model([table, picture], outputs)
model.compile("adam", {"kind": "categorical_crossentropy", "size": "mse"})
given = [numbers.normal(size=(64, 12)), numbers.normal(size=(64, 6, 6, 3))]
wanted = [numpy.eye(3)[numbers.integers(0, 3, 64)], numbers.normal(size=(64, 1))]
model.fit(given, wanted, epochs=3, verbose=0)
model.save(sys.argv[1])
"""


@pytest.fixture(scope="module")
def options(store: Store, tmp_path_factory: pytest.TempPathFactory) -> RunRequest:
    return RunRequest(output=tmp_path_factory.mktemp("search"), store=store, jobs=2)


def request_for(options: RunRequest, model: str, *require: str, **more: Any) -> SearchRequest:
    return SearchRequest(model=model, require=require, as_of=TODAY, run_options=options, **more)


@pytest.fixture(scope="module")
def repaired(options: RunRequest) -> Found:
    return find(request_for(options, "zoo:seed", *KERAS_3, routes=("layers",)))


def test_find_cures_what_is_stacked_and_proves_it(repaired: Found) -> None:
    assert (repaired.found, repaired.best, repaired.unknown) == (True, True, ())
    assert repaired.case is not None
    assert (repaired.case.verdict, repaired.case.stage) == (Verdict.WORKS, Stage.PREDICT)
    assert repaired.case.parity is not None
    assert (repaired.case.parity.max_abs or 0) < 1e-6
    assert [step.issue for step in repaired.steps] == ["pkg-resources-gone", "keras3-batch-shape"]
    assert repaired.case.route == "layers+repair"
    assert {applied.id for applied in repaired.case.repairs} >= {"batch-shape", "weight-names"}
    # What was converted once is repaired without another conversion.
    (plain,) = [tried.case for tried in repaired.tried if tried.case.stage is Stage.CHECK]
    assert repaired.case.seconds["convert"] == plain.seconds["convert"]


TEXT = """
import keras


def build():
    words = keras.layers.TextVectorization(max_tokens=20, output_sequence_length=5, name="words")
    words.adapt(["the cat sat", "on the mat", "a dog"])
    text = keras.Input((), dtype="string")
    mean = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(20, 4)(words(text)))
    return keras.Model(text, keras.layers.Dense(2, name="head")(mean))
"""


def test_what_no_release_computes_is_one_trial_a_format_and_a_line_to_split_the_model(
    store: Store, tmp_path: Path
) -> None:
    # In a folder of its own: a search that finds nothing leaves no recipe of an earlier one.
    options = RunRequest(output=tmp_path / "out", store=store, jobs=2)
    (tmp_path / "words.py").write_text(TEXT)
    found = find(request_for(options, f"{tmp_path / 'words.py'}:build", *KERAS_3))
    assert (found.found, found.ended) == (False, None)
    assert found.trials <= 2
    said = {case.issue: case.message for case in found.narrowed.decisive}
    assert set(said) == {"text-in-graph", "unknown-layer"}
    assert 'keras.Model(model.get_layer("words").output, model.outputs)' in said["text-in-graph"]


def test_a_recipe_followed_to_the_letter_makes_a_loadable_model(
    repaired: Found, options: RunRequest, store: Store, tmp_path: Path
) -> None:
    recipe = repaired.recipe
    assert recipe is not None
    assert repaired.case is not None
    shutil.copytree(options.output / "recipe", tmp_path / "by-hand")
    # In the environment of that very lock; making one with pip is what the full set does.
    environment = find_environment(str(repaired.case.lock), store)
    subprocess.run(
        [environment.executable, "convert.py"],
        cwd=tmp_path / "by-hand",
        env=clean_environment(tmp_path / "home"),
        check=True,
        capture_output=True,
    )
    made = tmp_path / "by-hand" / "web_model"
    assert check(made, store=store).verdict is Verdict.FAILS
    found = repair(made, tmp_path / "fixed", None, run_options=options)
    assert found.written
    assert found.checked.verdict is Verdict.CONVERTS
    assert check(tmp_path / "fixed", store=store).verdict is Verdict.CONVERTS


def test_where_nothing_works_the_causes_are_the_proof(options: RunRequest) -> None:
    found = find(request_for(options, "zoo:seed", *KERAS_3, routes=("layers",), repair=False))
    assert not found.found
    assert found.ended is None
    assert {failed.issue for failed in found.failures()} == {"pkg-resources-gone", "keras3-batch-shape"}
    assert (found.trials, found.ruled_out) == (1, 1)


def test_pruning_hides_nothing(options: RunRequest, repaired: Found) -> None:
    limits = (*KERAS_3[:2],)
    pruned = find(request_for(options, "zoo:mlp", *limits, routes=("layers", "graph")))
    whole = find(request_for(options, "zoo:mlp", *limits, routes=("layers", "graph"), exhaustive=True))
    assert pruned.case is not None
    assert whole.case is not None
    assert (pruned.case.id, pruned.steps) == (whole.case.id, whole.steps)
    assert pruned.trials <= whole.trials
    assert pruned.ruled_out >= whole.ruled_out


def test_a_search_that_may_try_nothing_more_says_so(options: RunRequest) -> None:
    found = find(request_for(options, "zoo:seed", *KERAS_3, routes=("layers",), max_trials=1))
    assert not found.found
    assert found.ended == "after 1 trial (--max-trials)"


@pytest.mark.full
def test_the_newest_tensorflow_works_without_what_no_release_fits(options: RunRequest) -> None:
    found = find(request_for(options, "zoo:seed", "tensorflow>=2.20"))
    assert found.case is not None
    assert found.case.combination.tensorflow == "2.21.0"
    assert found.case.combination.stand_ins == ("tensorflow-decision-forests",)
    needed = find(
        request_for(options, "zoo:seed", "tensorflow>=2.20", required_packages=("tensorflow-decision-forests",))
    )
    assert not needed.found


def test_every_failing_seed_case_has_a_proven_remedy(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("remedies")
    pinned = folder / "seed.toml"
    pinned.write_text(matrix_path("seed").read_text("utf-8").replace('"today"', f'"{TODAY}"'), "utf-8")
    results = api.run(RunRequest(matrix=str(pinned), output=folder / "out", store=store, jobs=2, try_remedies=True))
    remedies = {
        (case.combination.tensorflow, case.combination.as_of, case.issue): case.cure for case in failing(results)
    }
    assert all(found is not None and found.works and (found.max_abs or 0) < 1e-6 for found in remedies.values())
    assert all(found is not None and found.unknown == 0 for found in remedies.values())
    dated = remedies["2.16.1", "2024-04-10", "duplicate-weight-name"]
    assert dated is not None
    assert [step.changes for step in dated.steps] == [("process variables legacy-keras",)]
    assert all(case.cure is None for case in results.cases if case.verdict is Verdict.WORKS)


def failing(results: Results) -> list[CaseResult]:
    return [case for case in results.cases if case.verdict is Verdict.FAILS]


@pytest.fixture(scope="module")
def trained(repaired: Found, store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A .keras file of Keras 3, trained a little."""
    folder = tmp_path_factory.mktemp("trained")
    environment = find_environment(str(repaired.case.lock if repaired.case else ""), store)
    given = folder / "model.keras"
    environ = clean_environment(folder / "home", KERAS_BACKEND="tensorflow")
    subprocess.run([environment.executable, "-c", TRAINED, given], env=environ, check=True, capture_output=True)
    return given


FINE_TUNE = """
const tf = require(process.argv[2]), fs = require('fs'), path = require('path');
const folder = process.argv[3], artifact = JSON.parse(fs.readFileSync(path.join(folder, 'model.json')));
const groups = artifact.weightsManifest, specs = groups.flatMap(group => group.weights);
const parts = groups.flatMap(group => group.paths).map(name => fs.readFileSync(path.join(folder, name)));
const bytes = Buffer.concat(parts);
const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
const from = {load: async () => ({modelTopology: artifact.modelTopology, weightSpecs: specs, weightData})};
(async () => {
  const model = await tf.loadLayersModel(from);
  model.compile({optimizer: tf.train.sgd(0.01), loss: ['categoricalCrossentropy', 'meanSquaredError']});
  const sizes = model.inputs.map(input => [8, ...input.shape.slice(1)]);
  const outputs = [tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2, 0, 1], 'int32'), 3), tf.ones([8, 1])];
  const before = model.getWeights()[0].dataSync().slice();
  const done = await model.fit(sizes.map(size => tf.randomNormal(size, 0, 1, 'float32', 7)), outputs, {epochs: 1});
  const after = model.getWeights()[0].dataSync();
  console.log(JSON.stringify({loss: done.history.loss[0], moved: after.some((value, at) => value !== before[at])}));
})();
"""


def test_one_command_converts_keras_3_to_a_trainable_model(
    trained: Path, options: RunRequest, store: Store, tmp_path: Path
) -> None:
    target = tmp_path / "web"
    found = convert(request_for(options, str(trained), *KERAS_3, routes=("layers",)), target)
    assert found.case is not None
    account = json.loads((target / "CONVERSION.json").read_text("utf-8"))
    assert account["parity"]["agrees"]
    assert {tensor["name"] for tensor in account["inputs"]} == {"table", "picture"}
    assert account["combination"]["tensorflow"] == "2.16.1"
    beside = {"CONVERSION.json", "predict.html", "predict.json", "predict.mjs"}
    assert {*account["files"], *beside} == {path.name for path in target.iterdir()}
    assert "tensorflow==2.16.1" in account["packages"]
    node = find_node("wheel")
    bundle = get_bundle(default_version(), Context(store), node)
    (tmp_path / "tune.js").write_text(FINE_TUNE)
    done = subprocess.run(
        [node.path, tmp_path / "tune.js", bundle.path, target], check=True, capture_output=True, text=True
    )
    trained_further = json.loads(done.stdout.splitlines()[-1])
    assert trained_further["loss"] > 0
    assert trained_further["moved"]
    checked = check(target, store=store)
    assert (checked.verdict, checked.compared_with) == (Verdict.WORKS, "those in predict.json")
    without = subprocess.run([node.path, target / "predict.mjs"], capture_output=True, text=True, check=False)
    assert without.returncode == 3
    assert f"hint: npm install --prefix '{tmp_path}/' @tensorflow/tfjs@" in without.stderr
    assert "    at " not in without.stderr
    example = json.loads((target / "predict.json").read_text("utf-8"))
    example["outputs"][0]["values"][0] += 0.5
    (target / "predict.json").write_text(json.dumps(example))
    assert check(target, store=store).verdict is Verdict.MISMATCH
    with pytest.raises(RequestError, match="not empty"):
        convert(request_for(options, str(trained), *KERAS_3, routes=("layers",)), target)


@pytest.mark.parametrize("dtype", ["float16", "uint8", "uint16"])
def test_smaller_weights_agree_as_far_as_they_can(
    trained: Path, options: RunRequest, tmp_path: Path, dtype: str
) -> None:
    found = convert(request_for(options, str(trained), *KERAS_3, routes=(f"layers+{dtype}",)), tmp_path / "web")
    assert found.case is not None
    assert found.case.parity is not None
    assert found.case.parity.tolerance.relative > 1e-4
    document = json.loads((tmp_path / "web" / "model.json").read_text("utf-8"))
    stored = {
        weight["quantization"]["dtype"]
        for group in document["weightsManifest"]
        for weight in group["weights"]
        if "quantization" in weight
    }
    assert stored == {dtype}


def test_a_repair_is_written_only_if_its_reference_agrees(
    trained: Path, repaired: Found, options: RunRequest, store: Store, tmp_path: Path
) -> None:
    (plain,) = [tried.case for tried in repaired.tried if tried.case.stage is Stage.CHECK]
    broken = options.output / WORK / "cases" / plain.trial / "artifact"
    seed = request_for(options, "zoo:seed", *KERAS_3)
    found = repair(broken, tmp_path / "good", seed, run_options=options)
    assert found.checked.verdict is Verdict.WORKS
    assert found.written
    # As a case, it has predictions of its own.
    assert repair(broken.parent, tmp_path / "as a case", None, run_options=options).checked.verdict is Verdict.WORKS
    shutil.copytree(broken, tmp_path / "spoilt")
    (shard,) = (tmp_path / "spoilt").glob("*.bin")
    content = bytearray(shard.read_bytes())
    content[-64:] = os.urandom(32) * 2
    shard.write_bytes(content)
    found = repair(tmp_path / "spoilt", tmp_path / "bad", seed, run_options=options)
    assert found.checked.verdict in (Verdict.MISMATCH, Verdict.FAILS)
    assert not found.written
    assert not (tmp_path / "bad").exists()


def test_what_no_way_leads_to_leaves_the_target_untouched(options: RunRequest, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from tensorflow import keras\n\n\n"
        "class Odd(keras.layers.Layer):\n    def call(self, x):\n        raise RuntimeError('never')\n\n\n"
        "def build():\n    return keras.Sequential([keras.layers.Input((2,)), Odd()])\n"
    )
    model = f"{tmp_path / 'mine.py'}:build"
    found = convert(replace(request_for(options, model, *KERAS_3), max_trials=6), tmp_path / "web")
    assert not found.found
    assert not (tmp_path / "web").exists()
    assert any("never" in failed.message for failed in found.failures())
