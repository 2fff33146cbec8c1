"""Failures that the catalogue does not know: they stay unknown, and repetitions of one have one signature."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report.causes import causes
from tfjs_compat.results.case_result import CaseResult, Results

pytestmark = pytest.mark.real

# Each twice: with other paths, shapes, addresses and counters, which are not the cause.
BUILDERS = """
import tensorflow as tf
from tensorflow import keras


def _around(layer, size=4):
    keras.layers.Dense(size)
    return keras.Sequential([keras.layers.Input((size,)), layer, keras.layers.Dense(2)])


def shapes_one():
    return keras.Sequential([keras.layers.Input((4,)), keras.layers.Reshape((3, 7))])


def shapes_two():
    keras.layers.Reshape((1,))
    return keras.Sequential([keras.layers.Input((5,)), keras.layers.Dense(4), keras.layers.Reshape((3, 11))])


class Silent(keras.layers.Layer):
    def __init__(self, table, **more):
        super().__init__(**more)
        self.table = table

    def get_config(self):
        raise LookupError("the vocabulary of %s at %#x is not open" % (self.name, id(self)))

    def call(self, x):
        return x * 2.0


def unsaved_one():
    return _around(Silent({}))


def unsaved_two():
    return _around(Silent([1], name="silent_19"), 6)


class Unsigned(keras.layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=(shape[-1], 3), dtype="float32")
        self.table = tf.Variable(tf.zeros([3], tf.uint32), trainable=False, name="table")

    def call(self, x):
        return tf.matmul(x, self.kernel) + tf.cast(self.table, tf.float32)


def dtypes_one():
    return _around(Unsigned())


def dtypes_two():
    Unsigned()
    return _around(Unsigned(), 7)


def missing_one():
    return open("/nowhere/vocabulary-17.txt")


def missing_two():
    return open("/nowhere/else/vocabulary-99123.txt")


def interpreter_one():
    raise AssertionError("expected 3 classes, got 5 in run 0x7f00aa")


def interpreter_two():
    raise AssertionError("expected 3 classes, got 5 in run 0x55ff01")
"""
KINDS = ("shapes", "unsaved", "dtypes", "missing", "interpreter")
MATRIX = """
models = [{models}]
routes = ["layers"]

[axes]
tensorflow = ["2.15.0"]
tensorflowjs = ["4.17.0"]
as_of = [2024-04-10]
"""


@pytest.fixture(scope="module")
def odd(run_matrix: Callable[..., Results]) -> Results:
    names = [f'"odd.py:{kind}_{number}"' for kind in KINDS for number in ("one", "two")]
    return run_matrix(MATRIX.format(models=", ".join(names)), {"odd.py": BUILDERS}, jobs=2)


def pair(odd: Results, kind: str) -> list[CaseResult]:
    return [case for case in odd.cases if case.model.startswith(f"odd.py:{kind}_")]


@pytest.mark.parametrize("kind", KINDS)
def test_it_stays_unknown_with_one_signature(odd: Results, kind: str) -> None:
    one, two = pair(odd, kind)
    assert (one.verdict, one.issue, one.issues) == (Verdict.FAILS, None, ())
    assert (two.verdict, two.issue, two.issues) == (Verdict.FAILS, None, ())
    assert one.signature is not None
    assert one.signature == two.signature
    assert one.message


def test_different_causes_have_different_signatures_and_are_grouped_by_them(odd: Results) -> None:
    groups = causes(odd.cases)
    assert len(groups) == len(KINDS)
    assert {(group.kind, len(group.cases)) for group in groups} == {("unknown", 2)}
    stages = {kind: pair(odd, kind)[0].stage for kind in KINDS}
    assert stages["missing"] is stages["interpreter"] is Stage.BUILD
