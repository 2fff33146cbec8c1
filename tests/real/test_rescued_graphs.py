"""Graphs in which TensorFlow.js computes otherwise: named as they are, and proven by numbers once repaired."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import Results

pytestmark = [pytest.mark.real, pytest.mark.full]

BUILDERS = """
import keras
import numpy as np
import tensorflow as tf
from keras import layers


class Branch(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def __call__(self, x):
        high = tf.reduce_mean(x) > 100.0
        return x * 2.0 + tf.cond(high, lambda: tf.constant(100.0), lambda: tf.reduce_mean(x))


def branch():
    return Branch()


def lookup():
    i = keras.Input((1,), dtype="string")
    x = layers.StringLookup(vocabulary=["a", "b", "c"], output_mode="multi_hot")(i)
    return keras.Model(i, layers.Dense(2)(x))


def causal():
    i = keras.Input((None, 8))
    return keras.Model(i, layers.Dense(3)(layers.MultiHeadAttention(2, 4)(i, i, use_causal_mask=True)))


class Shifted(layers.Layer):
    def call(self, x):
        return keras.ops.roll(x, shift=[-2, 1], axis=[1, -1])


def rolled():
    i = keras.Input((6, 5, 4))
    return keras.Model(i, layers.Dense(3)(Shifted()(layers.Dense(4)(i))))


class Segments(layers.Layer):
    def call(self, x):
        states, edges = x
        return keras.ops.segment_sum(keras.ops.take(states, edges[:, 1], axis=0), edges[:, 0], num_segments=5)


def segments():
    states, edges = keras.Input(batch_shape=(5, 4)), keras.Input(batch_shape=(None, 2), dtype="int32")
    return keras.Model([states, edges], layers.Dense(3)(Segments()([layers.Dense(4)(states), edges])))


def segments_inputs():
    states = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    return [states, np.array([[0, 1], [0, 2], [3, 4], [1, 0], [4, 4]], "int32")]


def cumulative():
    i = keras.Input((6,))
    return keras.Model(i, keras.ops.cumsum(keras.ops.softplus(layers.Dense(5)(i)), axis=-1))


def gelu():
    i = keras.Input((6, 8))
    return keras.Model(i, layers.Dense(4, activation="gelu")(layers.MultiHeadAttention(2, 4)(i, i)))
"""

MATRIX = """
models = [
    "rescued.py:branch", "rescued.py:lookup", "rescued.py:gelu", "rescued.py:causal", "rescued.py:rolled",
    "rescued.py:segments", "rescued.py:cumulative",
]
routes = ["graph", "graph+repair", "graph+skip-op-check+repair"]

[axes]
tensorflow = ["2.19.0"]
tensorflowjs = ["4.22.0"]
as_of = [2026-11-20]
constraints = [["setuptools<81", "ydf<0.13"]]
"""

WAYS = {
    "branch": ("branch-constant", "graph+repair"),
    "lookup": ("lookup-flattened", "graph+repair"),
    "causal": ("band-part", "graph+repair"),
    "cumulative": ("cumulative-axis", "graph+repair"),
    "segments": ("unsupported-ops", "graph+repair+skip-op-check"),
    "rolled": ("unsupported-ops", "graph+repair+skip-op-check"),
    "gelu": ("erfc", "graph+repair+skip-op-check"),
}


@pytest.fixture(scope="module")
def rescued(run_matrix: Callable[..., Results]) -> Results:
    return run_matrix(MATRIX, {"rescued.py": BUILDERS})


@pytest.mark.parametrize("name", WAYS)
def test_the_defect_is_named_and_its_repair_proven(rescued: Results, name: str) -> None:
    issue, route = WAYS[name]
    by_route = {case.route: case for case in rescued.cases if case.model == f"rescued.py:{name}"}
    assert (by_route["graph"].verdict, by_route["graph"].issue) == (Verdict.FAILS, issue)
    assert by_route[route].verdict is Verdict.WORKS
    assert by_route[route].repairs[0].id == {"lookup": "lookup-shape", "rolled": "roll", "segments": "segment-sum"}.get(
        name, issue
    )
