"""What the Python model's own predictions can prove, and models that proved nothing before inputs were chosen."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from tfjs_compat.outcomes.reference import NoProof
from tfjs_compat.results.case_result import CaseResult, Results

pytestmark = pytest.mark.real

MODELS = textwrap.dedent(
    """
    import numpy as np
    import tensorflow as tf
    from tensorflow import keras
    from tensorflow.keras import layers

    def pixels():
        '''Of 0 to 255; with random weights, as most image models are when they are tried.'''
        inputs = keras.Input((24, 24, 3))
        outputs = layers.Rescaling(1 / 255)(inputs)
        for _ in range(3):
            outputs = layers.Conv2D(16, 3, padding="same", activation="relu")(outputs)
        return keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(outputs)))

    def any_size():
        '''At 16 x 16 nothing is left.'''
        inputs = outputs = keras.Input((None, None, 3))
        for _ in range(4):
            outputs = layers.Conv2D(4, 3, strides=2, activation="relu")(outputs)
        return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(outputs)))

    def tiny():
        return keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.Rescaling(1e-8), layers.Dense(3)])

    def _faint(*last):
        '''As an untrained deep network: what differs between rows is far below the last digit of a probability.'''
        weights = keras.initializers.RandomNormal(stddev=1e-6, seed=1)
        return keras.Sequential([keras.Input((6,)), layers.Dense(8, "relu", kernel_initializer=weights), *last])

    def faint_softmax():
        return _faint(layers.Dense(5, "softmax"))

    def faint_sigmoid():
        return _faint(layers.Dense(2), keras.Sequential([layers.Dense(1), layers.Activation("sigmoid")]))

    class Softmax(layers.Layer):
        def call(self, logits):
            return tf.nn.softmax(logits)

    def faint_function():
        return _faint(layers.Dense(5), Softmax())

    def zero_head():
        return keras.Sequential([keras.Input((4,)), layers.Dense(3, kernel_initializer="zeros")])

    def never_positive():
        low = keras.initializers.Constant(-1e9)
        return keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu", bias_initializer=low)])

    def sampled():
        inputs = keras.Input((6,))
        mean = layers.Dense(2, name="mean")(inputs)
        noisy = layers.GaussianNoise(1.0, name="noisy")(mean, training=True)
        return keras.Model(inputs, [mean, noisy])

    def half():
        keras.mixed_precision.set_global_policy("mixed_float16")
        model = keras.Sequential([keras.Input((6,)), layers.Dense(32, "tanh"), layers.Dense(3, dtype="float32")])
        keras.mixed_precision.set_global_policy("float32")
        return model

    class Affine(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(tf.random.normal([3, 2]))

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
        def __call__(self, x):
            return tf.matmul(x, self.w)

    def module():
        return Affine()

    @tf.function
    def _scaled(points):
        return {"unit": tf.math.l2_normalize(points, 1), "norm": tf.norm(points, axis=1)}

    def function():
        return _scaled

    def function_inputs():
        return {"points": np.arange(1, 13, dtype="float32").reshape(4, 3)}

    class Division(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.int32)])
        def __call__(self, x):
            return tf.raw_ops.Div(x=x, y=3)

    def division():
        '''TensorFlow rounds towards zero, TensorFlow.js down: they differ below zero.'''
        return Division()

    class Rare(layers.Layer):
        def call(self, x):
            whole = tf.cast(x, tf.int32)
            halves = lambda: tf.cast(tf.raw_ops.Div(x=-whole, y=2), tf.float32)
            return tf.cond(tf.reduce_mean(x) > self.beyond, halves, lambda: x)

    def _rare(beyond):
        layer = Rare()
        layer.beyond = beyond
        return keras.Sequential([keras.Input((4,)), layer, layers.Dense(2)])

    def rare_branch():
        '''Wrong in TensorFlow.js in a branch that small numbers do not take.'''
        return _rare(50.0)

    def branch_out_of_reach():
        return _rare(1e30)

    def masked_average():
        tokens = keras.Input((12,), dtype="int32")
        average = layers.GlobalAveragePooling1D()(layers.Embedding(10_000, 8, mask_zero=True)(tokens))
        return keras.Model(tokens, layers.Dense(2)(average))

    def open_length():
        '''A cell of the first kind splits its kernel in three and nothing, at any length.'''
        cell = layers.GRU(4, reset_after=False, return_sequences=True)
        return keras.Sequential([keras.Input((None, 3)), cell, layers.SimpleRNN(3)])

    def spectrum():
        inputs = keras.Input((16,))
        return keras.Model(inputs, tf.signal.fft(tf.cast(inputs, tf.complex64)))
    """
)
NAMES = (
    *("pixels", "any_size", "tiny", "zero_head", "never_positive", "sampled", "half", "module", "function"),
    *("spectrum", "faint_softmax", "faint_sigmoid", "faint_function", "division", "masked_average"),
    *("rare_branch", "branch_out_of_reach"),
)


@pytest.fixture(scope="module")
def cases(run_matrix: Callable[..., Results]) -> dict[str, CaseResult]:
    refs = ", ".join(f'"models.py:{name}"' for name in NAMES)
    matrix = f"""
        models = [{refs}]
        routes = ["graph"]
        [axes]
        tensorflow = ["2.15.0"]
        tensorflowjs = ["4.17.0"]
        as_of = ["2024-04-10"]
        process_env = ["no-onednn"]
        [[include]]
        models = ["models.py:faint_softmax", "models.py:faint_sigmoid"]
        routes = ["layers"]
        [[include]]
        models = ["models.py:masked_average", "models.py:open_length"]
        routes = ["layers"]
    """
    found = run_matrix(matrix, {"models.py": MODELS}).cases
    return {case.model.rpartition(":")[2] + ":layers" * (case.route == "layers"): case for case in found}


@pytest.mark.parametrize("name", ["pixels", "any_size", "tiny", "sampled", "half", "module", "function", "spectrum"])
def test_a_model_is_proven_by_two_batches(cases: dict[str, CaseResult], name: str) -> None:
    case = cases[name]
    assert str(case.verdict) == "works", case.message
    assert case.parity is not None
    assert case.parity.comparisons == 2


@pytest.mark.parametrize("name", ["pixels", "any_size", "tiny", "module"])
def test_all_weights_show(cases: dict[str, CaseResult], name: str) -> None:
    reference = cases[name].reference
    assert reference is not None
    assert reference.strength is not None
    assert reference.strength.shown == reference.strength.tensors > 0


@pytest.mark.parametrize(
    "name", ["faint_softmax", "faint_sigmoid", "faint_function", "faint_softmax:layers", "faint_sigmoid:layers"]
)
def test_what_the_last_activation_is_given_proves_what_it_hides(cases: dict[str, CaseResult], name: str) -> None:
    case = cases[name]
    assert str(case.verdict) == "works", case.message
    assert case.parity is not None
    assert [row.informative for row in case.parity.outputs] == [False]
    assert [row.informative for row in case.parity.logits] == [True]
    assert case.parity.max_rel is not None
    assert case.parity.max_rel < 1e-5
    assert case.reference is not None
    assert case.reference.strength is not None
    assert case.reference.strength.shown == case.reference.strength.tensors
    assert "is the same for every row of the batch" in case.message


def test_a_mask_that_is_lost_shows(cases: dict[str, CaseResult]) -> None:
    assert str(cases["masked_average"].verdict) == "works", cases["masked_average"].message
    lost = cases["masked_average:layers"]
    assert (str(lost.verdict), lost.issues) == ("mismatch", ("numbers-differ", "mask-ignored"))
    assert lost.remedies == ("use the graph route",)


def test_integers_are_divided_below_zero_too(cases: dict[str, CaseResult]) -> None:
    assert str(cases["division"].verdict) == "mismatch", cases["division"].message


def test_both_branches_of_a_conditional_are_run(cases: dict[str, CaseResult]) -> None:
    case = cases["rare_branch"]
    assert str(case.verdict) == "mismatch", case.message
    assert case.reference is not None
    assert (case.reference.conditionals, case.reference.one_sided) == (1, ())


def test_a_branch_that_was_not_run_is_named(cases: dict[str, CaseResult]) -> None:
    case = cases["branch_out_of_reach"]
    assert str(case.verdict) == "works", case.message
    assert "no input takes both branches of" in case.message


def test_what_is_empty_at_any_length_keeps_no_length_from_being_tried(cases: dict[str, CaseResult]) -> None:
    case = cases["open_length:layers"]
    assert str(case.verdict) == "works", case.message


def test_the_range_is_that_of_the_model(cases: dict[str, CaseResult]) -> None:
    reference = cases["pixels"].reference
    assert reference is not None
    assert [given.values for given in reference.inputs] == ["uniform, 0 to 255 (Rescaling)"]
    assert reference.source == "model"


@pytest.mark.parametrize(("name", "kind"), [("zero_head", NoProof.ZERO_WEIGHTS), ("never_positive", NoProof.DEAD_RELU)])
def test_what_proves_nothing_says_why(cases: dict[str, CaseResult], name: str, kind: NoProof) -> None:
    case = cases[name]
    assert (str(case.verdict), case.issue) == ("converts", "proves-nothing")
    assert case.reference is not None
    assert case.reference.no_proof is kind
    assert case.reference.why in case.message


def test_outputs_that_differ_from_themselves_are_left_out(cases: dict[str, CaseResult]) -> None:
    case = cases["sampled"]
    assert case.reference is not None
    assert case.reference.random == ("noisy",)
    assert case.parity is not None
    assert {row.name: row.informative for row in case.parity.outputs} == {"mean": True, "noisy": False}


def test_half_precision_is_compared_with_its_twin(cases: dict[str, CaseResult]) -> None:
    case = cases["half"]
    assert case.reference is not None
    assert case.reference.twin == "mixed_float16"
    assert case.parity is not None
    assert case.parity.max_rel is not None
    assert case.parity.max_rel < 1e-3


KERAS_3 = textwrap.dedent(
    """
    import keras
    import tensorflow as tf
    from keras import layers

    def dropout():
        inputs = keras.Input((6,))
        return keras.Model(inputs, layers.Dense(3)(layers.Dropout(0.5)(layers.Dense(8)(inputs), training=True)))

    class Sampling(layers.Layer):
        def __init__(self, **settings):
            super().__init__(**settings)
            self.generator = keras.random.SeedGenerator(7)

        def call(self, mean):
            return mean + keras.random.normal(keras.ops.shape(mean), seed=self.generator)

    def encoder():
        inputs = keras.Input((6,))
        mean = layers.Dense(2, name="mean")(inputs)
        return keras.Model(inputs, [mean, Sampling(name="sampled")(mean)])

    class Logarithm(layers.Layer):
        def call(self, values):
            tf.debugging.assert_positive(values)
            return tf.math.log(values)

    def best():
        inputs = keras.Input((6,))
        return keras.Model(inputs, keras.ops.argmax(layers.Dense(9)(inputs), axis=-1))

    def best_of_one():
        inputs = keras.Input((6,), batch_size=1)
        return keras.Model(inputs, keras.ops.argmax(layers.Dense(90)(inputs), axis=-1))

    def positive():
        inputs = keras.Input((6,))
        return keras.Model(inputs, layers.Dense(2)(Logarithm()(inputs)))
    """
)


@pytest.fixture(scope="module")
def keras_3(run_matrix: Callable[..., Results]) -> dict[str, CaseResult]:
    matrix = """
        models = ["models.py:dropout", "models.py:encoder", "models.py:positive"]
        routes = ["graph"]
        [axes]
        tensorflow = ["2.19.0"]
        tensorflowjs = ["4.22.0"]
        as_of = [2026-11-20]
        constraints = [["setuptools<81", "ydf<0.13"]]
        [[include]]
        models = ["models.py:best", "models.py:best_of_one"]
        routes = ["graph+repair+skip-op-check"]
    """
    return {case.model.rpartition(":")[2]: case for case in run_matrix(matrix, {"models.py": KERAS_3}).cases}


def test_generators_of_keras_3_are_seen(keras_3: dict[str, CaseResult]) -> None:
    dropout, encoder = keras_3["dropout"].reference, keras_3["encoder"].reference
    assert dropout is not None
    assert dropout.no_proof is NoProof.RANDOM
    assert encoder is not None
    assert encoder.no_proof is None
    assert encoder.random == ("sampled",)


def test_a_model_that_asserts_its_range_is_given_it(keras_3: dict[str, CaseResult]) -> None:
    reference = keras_3["positive"].reference
    assert reference is not None
    assert reference.no_proof is None
    assert [given.values for given in reference.inputs] == ["uniform, 0 to 1 (the model raises on others)"]


@pytest.mark.parametrize("name", ["best", "best_of_one"])
def test_an_integer_is_proven_by_batches_that_differ(keras_3: dict[str, CaseResult], name: str) -> None:
    case = keras_3[name]
    assert str(case.verdict) == "works", case.message
    assert [repair.id for repair in case.repairs] == ["zero-sign"]
    assert case.parity is not None
    assert case.parity.comparisons == 2
