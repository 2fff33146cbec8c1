"""Where a builder's code takes its Keras from, by its source."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from support.inside import keras_source


@pytest.fixture
def loaded() -> Iterator[list[str]]:
    names: list[str] = []
    yield names
    for name in names:
        sys.modules.pop(name, None)


def module(folder: Path, loaded: list[str], name: str, text: str) -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text(text)
    made = ModuleType(name)
    made.__file__ = str(path)
    sys.modules[name] = made
    loaded.append(name)
    return made


@pytest.mark.parametrize(
    "text",
    [
        "import keras\n",
        "from keras import layers, ops\nimport numpy as np, os\nimport tensorflow as tf\ntf.nn.relu\n",
        "def build():\n    from keras.applications import ResNet50\n",
    ],
)
def test_keras_alone(tmp_path: Path, loaded: list[str], text: str) -> None:
    assert keras_source.is_keras_alone([str(tmp_path)], module(tmp_path, loaded, "builder_a", text))


@pytest.mark.parametrize(
    "text",
    [
        "import tensorflow as tf\ntf.keras.layers.Dense(1)\n",
        "import keras\nfrom tensorflow import keras as old\n",
        "import keras\nimport tensorflow.keras.layers\n",
        "import keras\nfrom tensorflow.python import keras as old\n",
        "import keras\nimport tf_keras\n",
        "import keras\nimport some_library\n",
        "import keras, tensorflow as tf\ngetattr(tf, 'keras')\n",
        "import keras, importlib\n",
        "import keras\n__import__('x')\n",
        "import numpy\n",
        "this is no Python",
    ],
)
def test_another_keras_or_unknown(tmp_path: Path, loaded: list[str], text: str) -> None:
    assert not keras_source.is_keras_alone([str(tmp_path)], module(tmp_path, loaded, "builder_b", text))


def test_what_the_builder_imports_counts(tmp_path: Path, loaded: list[str]) -> None:
    main = module(tmp_path, loaded, "builder_c", "import keras\nimport parts\n")
    module(tmp_path, loaded, "parts", "import keras\n")
    assert keras_source.is_keras_alone([str(tmp_path)], main)
    module(tmp_path, loaded, "parts", "import tensorflow as tf\nlayers = tf.keras.layers\n")
    assert not keras_source.is_keras_alone([str(tmp_path)], main)


def test_what_cannot_be_read_is_not_known(tmp_path: Path, loaded: list[str]) -> None:
    gone = module(tmp_path, loaded, "builder_d", "import keras\n")
    (tmp_path / "builder_d.py").unlink()
    assert not keras_source.is_keras_alone([str(tmp_path)], gone)
