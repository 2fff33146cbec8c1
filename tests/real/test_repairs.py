"""Repairs proven by numbers: real conversions, repaired, loaded strictly in TensorFlow.js, predictions compared."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tfjs_compat.engine.request import RunRequest
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.repairs.document import repair_document
from tfjs_compat.repairs.folder import repair_folder
from tfjs_compat.repairs.repair import Repaired
from tfjs_compat.results.artifact_report import ArtifactReport
from tfjs_compat.results.case_result import Results
from tfjs_compat.system.store import Store
from tfjs_compat.workflows.check import check
from tfjs_compat.workflows.matrices import load_matrix

pytestmark = pytest.mark.real

MATRIX = """
name = "repairs"
models = [{models}]
routes = [{routes}]
until = "convert"

[axes]
tensorflow = ["{tensorflow}"]
tensorflowjs = ["{tensorflowjs}"]
{keras}
as_of = [2026-11-20]
constraints = [["setuptools<81", "ydf<0.13"]]
"""

SHAPES = """
import keras
import numpy as np
from keras import layers as L


def done(model):
    rng = np.random.default_rng(7)
    for weight in model.weights:
        if "int" not in str(weight.dtype):
            values = rng.normal(0, 0.5, weight.shape)
            positive = "variance" in weight.name or "gamma" in weight.name
            weight.assign((abs(values) + 0.5 if positive else values).astype("float32"))
    return model


def nested_deep():
    i = keras.Input((4,))
    inner = keras.Model(i, L.Dense(3, activation="tanh")(i), name="inner")
    j = keras.Input((4,))
    middle = keras.Model(j, L.Dense(4)(inner(j)), name="middle")
    k = keras.Input((4,))
    return done(keras.Model(k, middle(k)))


def called_twice():
    i = keras.Input((4,))
    one = keras.Model(i, L.Dense(4, activation="tanh")(i), name="one")
    two = keras.Sequential([keras.Input((4,)), L.Dense(4, activation="tanh")], name="two")
    a = keras.Input((4,))
    b = one(a)
    return done(keras.Model(a, [one(two(b)), two(b), b]))


def by_name():
    a, b = keras.Input((3,), name="zeta"), keras.Input((4,), name="alpha")
    x = L.Concatenate()([a, b])
    return done(keras.Model({"zeta": a, "alpha": b}, {"z": L.Dense(2, name="one")(x), "a": L.Dense(3, name="two")(x)}))


def masked():
    a = keras.Input((7,))
    x = L.LSTM(5, return_sequences=True)(L.Dropout(0.2)(L.Embedding(20, 6, mask_zero=True)(a)))
    return done(keras.Model(a, L.Dense(2)(L.Bidirectional(L.LSTM(3))(L.Dense(4)(x)))))


def operations():
    a = keras.Input((3,))
    b, c = L.Dense(3)(a), L.Dense(1)(a)
    return done(keras.Model(a, L.Dense(2)(keras.ops.maximum(a + b * c, b))))


def states():
    a = keras.Input((5, 3))
    out = L.Bidirectional(L.LSTM(4, return_state=True, name="reader"), name="both")(a)
    return done(keras.Model(a, L.Dense(2)(L.Bidirectional(L.LSTM(4))(a, initial_state=out[1:]))))


def cells():
    return done(keras.Sequential([keras.Input((5, 3)), L.RNN([L.LSTMCell(4), L.LSTMCell(4)]), L.Dense(2)]))


def settings():
    layers = [L.Dense(6, activation="silu"), L.LeakyReLU(negative_slope=0.1), L.ReLU(negative_slope=0.2), L.Dense(5),
              L.ReLU(threshold=0.1), L.Identity(), L.Dense(3, kernel_regularizer="l2", activity_regularizer="l1",
              kernel_initializer="lecun_normal")]
    return done(keras.Sequential([keras.Input((5,)), *layers]))


def kernels():
    layers = [L.TimeDistributed(L.DepthwiseConv2D(2)), L.TimeDistributed(L.SeparableConv2D(3, 2))]
    return done(keras.Sequential([keras.Input((2, 5, 5, 2)), *layers, L.Flatten(), L.Dense(2)]))


def stand_ins():
    i = keras.Input((6, 6, 4))
    s = L.GlobalAveragePooling2D(keepdims=True)(i)
    s = L.Conv2D(2, 1, activation="hard_silu")(s)
    s = L.Conv2D(4, 1, activation="hard_sigmoid")(s)
    x = L.Reshape((-1, 6))(L.Multiply()([i, s]))
    x = L.Dense(3, activation="leaky_relu")(L.Flatten()(x))
    return done(keras.Model(i, keras.ops.tanh(L.Dense(2)(1.0 - x / 2.0)) - keras.ops.sigmoid(-L.Dense(2)(x))))


def hard():
    return done(keras.Sequential([keras.Input((5, 3)), L.LSTM(6, recurrent_activation="hard_sigmoid"), L.Dense(3)]))
"""

NAMES = [
    "nested_deep",
    "called_twice",
    "by_name",
    "masked",
    "operations",
    "states",
    "cells",
    "settings",
    "kernels",
    "stand_ins",
]


@pytest.fixture(scope="module")
def convert(run_matrix: Callable[..., Results], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The folder of an output whose cases hold artifacts: no outcome may come from the cache, which keeps none."""

    def run(models: Sequence[str], routes: Sequence[str], tensorflow: str, tensorflowjs: str, keras: str = "") -> Path:
        output = tmp_path_factory.mktemp("out")
        text = MATRIX.format(
            models=", ".join(f'"{name}"' for name in models),
            routes=", ".join(f'"{name}"' for name in routes),
            tensorflow=tensorflow,
            tensorflowjs=tensorflowjs,
            keras=f'keras = ["{keras}"]' if keras else "",
        )
        run_matrix(text, {"shapes.py": SHAPES}, output=output, fresh=True)
        return output

    return run


def check_repaired(case: Path, store: Store, folder: Path) -> tuple[ArtifactReport, Repaired]:
    """A case's artifact repaired, loaded, run on the case's inputs and compared with Keras's predictions."""
    done = repair_folder(case / "artifact", folder / "artifact")
    assert repair_document(done.model_json).applied == ()
    for name in ("inputs", "expected"):
        shutil.copytree(case / name, folder / name)
    return check(folder, store=store), done


KEPT = ("artifact/model.json", "inputs", "expected")


def cases_of(output: Path, route: str) -> dict[str, Path]:
    """The cases of a route that were converted and can be compared, by their model."""
    found = {
        case.parent.name.partition(f"-{route}-")[0]: case
        for case in (output / "cases").glob("*/*")
        if f"-{route}-" in case.parent.name
    }
    return {name: case for name, case in found.items() if all((case / part).exists() for part in KEPT)}


def failing(output: Path, route: str, store: Store, folder: Path) -> dict[str, str]:
    """The models that do not work after the repair, and why."""
    failed = {}
    for name, case in cases_of(output, route).items():
        checked, _ = check_repaired(case, store, folder / f"{name}-{route}")
        if checked.verdict is not Verdict.WORKS:
            failed[name] = f"{checked.stage}: {checked.message}"
    return failed


LAYERS = ["zoo:nested", "zoo:bidirectional", "zoo:regularised", "zoo:augmentation", "zoo:category_encoding"]
GRAPHS = ["zoo:seed", "zoo:nested", "zoo:mlp"]


def test_keras3_layers_models_work_after_the_repair(convert: Callable[..., Path], store: Store, tmp_path: Path) -> None:
    models = [*LAYERS, *(f"shapes.py:{name}" for name in [*NAMES, "hard"])]
    output = convert(models, ["layers"], "2.19.0", "4.22.0")
    assert {f"shapes_{name}" for name in NAMES} <= set(cases_of(output, "layers"))
    failed = failing(output, "layers", store, tmp_path)
    assert set(failed) == {"bidirectional", "regularised", "shapes_hard"}, failed
    # What cannot be repaired is said: GRU with reset_after, a constraint that changes weights, another hard_sigmoid.
    assert "reset_after" in failed["bidirectional"]
    assert "other values than the artifact" in failed["regularised"]
    hard = check(tmp_path / "shapes_hard-layers", store=store)
    assert "activation-redefined" in {finding.id for finding in hard.findings}


def test_graphs_work_after_the_repair(convert: Callable[..., Path], store: Store, tmp_path: Path) -> None:
    output = convert(GRAPHS, ["graph"], "2.19.0", "4.22.0")
    assert failing(output, "graph", store, tmp_path) == {}
    applied = {
        name: [repair.id for repair in repair_folder(case / "artifact", tmp_path / f"again-{name}").applied]
        for name, case in cases_of(output, "graph").items()
    }
    assert applied["seed"] == ["loop-control-inputs"]
    assert applied["nested"] == []


@pytest.mark.full
@pytest.mark.parametrize(
    ("tensorflow", "tensorflowjs", "keras"), [("2.19.0", "4.22.0", ""), ("2.16.1", "4.17.0", "3.3.3")]
)
def test_the_whole_zoo(
    tensorflow: str, tensorflowjs: str, keras: str, convert: Callable[..., Path], store: Store, tmp_path: Path
) -> None:
    """What is left is what TensorFlow.js has no layer for, and what it computes otherwise."""
    models = load_matrix(RunRequest(matrix="zoo"))[0].models
    output = convert(
        [*models, *(f"shapes.py:{name}" for name in NAMES)], ["layers", "graph"], tensorflow, tensorflowjs, keras
    )
    unknown = "attention custom_layer dot_attention lambda_layer operators preprocessing subclassed transformer"
    otherwise = "bidirectional causal_conv dynamic_sequence gru padding regularised resizing"
    failed = failing(output, "layers", store, tmp_path)
    assert set(failed) <= {*unknown.split(), *otherwise.split()}, failed
    # Of the graphs only fusions that no single operation stands for (gelu, a hard swish).
    failed = failing(output, "graph", store, tmp_path)
    assert set(failed) <= {"modern_activations", "shapes_stand_ins"}, failed


@pytest.mark.full
def test_artifacts_of_keras2_that_work_stay_as_they_are(
    run_matrix: Callable[..., Results], store: Store, tmp_path: Path
) -> None:
    text = MATRIX.format(
        models='"zoo:mlp"', routes='"layers", "graph"', tensorflow="2.15.0", tensorflowjs="4.17.0", keras=""
    )
    models = tuple(load_matrix(RunRequest(matrix="zoo"))[0].models)
    results = run_matrix(text, models=models, until=Stage.PREDICT, output=tmp_path / "out", fresh=True)
    works = [case for case in results.cases if case.verdict is Verdict.WORKS]
    assert len(works) > 80
    for case in works:
        artifact = tmp_path / "out" / "cases" / case.trial / "artifact"
        assert repair_folder(artifact, tmp_path / case.id).applied == ()
        assert (tmp_path / case.id / "model.json").read_bytes() == (artifact / "model.json").read_bytes()
