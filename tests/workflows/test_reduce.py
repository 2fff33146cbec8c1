"""What `reduce` hands over: code that needs nothing but Keras, and the options that run it."""

from __future__ import annotations

from pathlib import Path

from tfjs_compat.matrix.models import find_model
from tfjs_compat.workflows.reduce import with_own_classes

CODE = """from tensorflow import keras
from train import Sine

layers = keras.layers


def build():
    return keras.Sequential([keras.Input(shape=(1,)), Sine(units=1)])
"""
TRAIN = """import tensorflow as tf
from tensorflow import keras

SCALE = 2


@keras.utils.register_keras_serializable(package="mine")
class Sine(keras.layers.Layer):
    def call(self, x):
        return tf.sin(x) * SCALE


def build():
    return unrelated()
"""


def test_classes_of_the_users_own_come_along(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAIN, "utf-8")
    code = with_own_classes(CODE, find_model("train.py:build", tmp_path))
    compile(code, "reduced.py", "exec")
    assert "from train" not in code
    assert "unrelated" not in code
    assert code.count("from tensorflow import keras\n") == 1
    assert "\nSCALE = 2\n" in code
    assert '@keras.utils.register_keras_serializable(package="mine")\nclass Sine(' in code
    assert code.endswith(CODE.partition("def build():")[2])


def test_what_is_not_beside_the_model_stays_imported(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def build(): ...", "utf-8")
    assert with_own_classes(CODE, find_model("train.py:build", tmp_path)) == CODE
    assert with_own_classes(CODE, find_model("zoo:mlp", tmp_path)) == CODE
