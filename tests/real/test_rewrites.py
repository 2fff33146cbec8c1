"""Rewrites proven by numbers: what fails in TensorFlow.js without one, and works with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import Results

pytestmark = pytest.mark.real

MODELS = """
import numpy as np
from tensorflow import keras

L = keras.layers


def grouped():
    i = keras.Input((10, 10, 6))
    x = L.Conv2D(6, 3, groups=6, padding="same", strides=2, activation="relu")(i)
    x = L.Conv2D(9, 3, groups=3, dilation_rate=2, padding="same", activation="relu")(x)
    return keras.Model(i, L.Dense(3)(L.Flatten()(x)))


def wavenet():
    i = keras.Input((None, 4))
    x = L.Conv1D(6, 2, padding="causal")(i)
    for rate in (1, 2, 4):
        gate = L.Conv1D(6, 2, dilation_rate=rate, padding="causal", activation="sigmoid")(x)
        x = L.Add()([x, L.Multiply()([L.Conv1D(6, 2, dilation_rate=rate, padding="causal")(x), gate])])
    return keras.Model(i, x)


def tabular():
    age, kind = keras.Input((1,), name="age"), keras.Input((1,), dtype="string", name="kind")
    known = L.StringLookup(output_mode="one_hot")
    known.adapt(np.array([["a"], ["b"], ["b"]]))
    bins = L.Discretization(bin_boundaries=[-0.5, 0.0, 0.7], output_mode="one_hot")
    return keras.Model([age, kind], L.Dense(2)(L.Concatenate()([bins(age), known(kind)])))


def pictures():
    augmentation = keras.Sequential([L.RandomFlip("horizontal"), L.RandomRotation(0.1)])
    i = keras.Input((12, 12, 3))
    x = L.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.1, 0.2, 0.3])(augmentation(i))
    return keras.Model(i, L.Dense(3)(L.Flatten()(L.Conv2D(4, 3, activation="relu")(x))))


class Counting(L.Layer):
    def build(self, shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x):
        before = self.calls + 1.0
        self.calls.assign_add(3.0)
        return x * (self.calls + before)


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = Counting(), L.Dense(3)

    def call(self, inputs):
        return self.outer(self.inner(inputs["x"]))


def counting():
    # What it counts is in what it gives: the call alone decides, from where the counter stood.
    model = Net()
    model({"x": np.zeros((2, 4), "float32")})
    model.inner.calls.assign(0.0)
    return model


def half():
    i = keras.Input((8, 8, 3))
    x = L.Conv2D(4, 3, activation="relu", dtype="mixed_bfloat16")(i)
    return keras.Model(i, L.Dense(3, dtype="float32")(L.Flatten(dtype="mixed_bfloat16")(x)))


class Sampler(L.Layer):
    def __init__(self, **more):
        super().__init__(**more)
        self.seeds = keras.random.SeedGenerator(3)

    def call(self, moments):
        mean, spread = moments
        return mean + keras.ops.exp(spread) * keras.random.normal(keras.ops.shape(mean), seed=self.seeds)


def encoder():
    i = keras.Input((6,))
    x = L.Dense(8, activation="softsign")(i)
    mean, spread = L.Dense(2)(x), L.Dense(2)(x)
    return keras.Model(i, [mean, spread, Sampler()([mean, spread])])
"""

MATRIX = """
models = [{models}]
routes = ["{plain}", "{rewritten}"]

[axes]
tensorflow = ["2.19.0"]
tensorflowjs = ["4.22.0"]
as_of = [2026-11-20]
process_env = [{processes}]
constraints = [["setuptools<81", "ydf<0.13"]]
"""

GRAPH = {
    "grouped": "grouped-convolution",
    "tabular": "adapted-lookup",
    "pictures": "idle-layer",
    "half": "float32-twin",
}
OPERATIONS = {"encoder": "held-state"}
LAYERS = {"grouped": "grouped-convolution", "wavenet": "causal-padding", "pictures": "normalization"}


BUILDER = Path(__file__).parent.parent / "data" / "rewritten_models.py"


@pytest.mark.parametrize("processes", ["default", pytest.param("legacy-keras", marks=pytest.mark.full)])
def test_a_twin_is_the_same_function_in_every_setting(run_matrix: Callable[..., Results], processes: str) -> None:
    text = MATRIX.format(
        models='"twins.py:every"', plain="layers", rewritten="layers", processes=f'"{processes}"'
    ).replace("models =", 'until = "build"\nmodels =')
    (case,) = run_matrix(text, {"twins.py": BUILDER.read_text("utf-8")}).cases
    assert case.verdict is Verdict.CONVERTS, case.message


def matrix(names: dict[str, str], route: str, rewritten: str, *processes: str) -> str:
    models, envs = (", ".join(f'"{each}"' for each in some) for some in ([f"net.py:{n}" for n in names], processes))
    return MATRIX.format(models=models, plain=route, rewritten=rewritten, processes=envs)


def require_rewritten(found: Results, names: dict[str, str], plain: str, rewritten: str) -> None:
    for name, rewrite in names.items():
        cases = {case.route: case for case in found.cases if case.model == f"net.py:{name}"}
        assert cases[plain].verdict is not Verdict.WORKS
        assert rewrite in cases[plain].rewritable
        assert cases[rewritten].verdict is Verdict.WORKS, cases[rewritten].message
        assert cases[rewritten].rewriting is not None
        assert rewrite in {each.id for each in cases[rewritten].rewriting.rewrote}


def test_a_graph_of_a_rewritten_model_works_where_the_plain_one_fails(run_matrix: Callable[..., Results]) -> None:
    text = matrix(GRAPH, "graph+repair", "graph+rewrite+repair", "default")
    require_rewritten(run_matrix(text, {"net.py": MODELS}), GRAPH, "graph+repair", "graph+rewrite+repair")


def test_random_numbers_of_a_kept_seed_are_drawn_by_tensorflow_js(run_matrix: Callable[..., Results]) -> None:
    plain, rewritten = "graph+repair+skip-op-check", "graph+rewrite+repair+skip-op-check"
    found = run_matrix(matrix(OPERATIONS, plain, rewritten, "default"), {"net.py": MODELS})
    require_rewritten(found, OPERATIONS, plain, rewritten)
    (case,) = (case for case in found.cases if case.route == rewritten)
    assert [repair.id for repair in case.repairs] == ["written-out"]
    assert case.reference is not None
    assert len(case.reference.random) == 1


@pytest.mark.full
def test_what_a_call_assigns_lasts_until_its_end(run_matrix: Callable[..., Results]) -> None:
    found = run_matrix(matrix({"counting": ""}, "graph", "graph+rewrite", "default"), {"net.py": MODELS})
    plain, rewritten = sorted(found.cases, key=lambda case: len(case.route))
    assert plain.issue == "node-not-in-graph"
    # Twice the same: what it counted is forgotten, so that a second call of the original is another number.
    assert rewritten.rewritable == ("held-state",)
    assert rewritten.verdict is not Verdict.MISMATCH


@pytest.mark.full
@pytest.mark.parametrize("processes", ["default", "legacy-keras"])
def test_layers_of_a_rewritten_model_work_where_the_plain_ones_fail(
    run_matrix: Callable[..., Results], processes: str
) -> None:
    text = matrix(LAYERS, "layers+repair", "layers+rewrite+repair", processes)
    require_rewritten(run_matrix(text, {"net.py": MODELS}), LAYERS, "layers+repair", "layers+rewrite+repair")
