"""Whether the weights that TensorFlow.js looks for are there, and fit."""

from __future__ import annotations

from pathlib import Path

from support.handmade import (
    CONFIG,
    DENSE,
    SOUND,
    VOCABULARY,
    dense,
    errors,
    examine_layers,
    ids,
    input_layer,
    layer,
    sequential,
    write,
)

from tfjs_compat.artifact.vocabulary import Vocabulary
from tfjs_compat.checks.examine import examine


def test_keras3_weight_prefix(tmp_path: Path) -> None:
    model = sequential(input_layer(shape=(None, 5, 4)), layer("LSTM", "lstm", units=2), dense("dense", 2))
    names = {"lstm/lstm_cell/kernel": [4, 8], "lstm/lstm_cell/recurrent_kernel": [2, 8], "lstm/lstm_cell/bias": [8]}
    weights = {
        f"sequential/{name}": shape for name, shape in {**names, "dense/kernel": [2, 2], "dense/bias": [2]}.items()
    }
    found = examine_layers(tmp_path, model, weights)
    assert ids(found) == {"keras3-weight-prefix"}
    assert [f.path for f in found] == [f"$.weightsManifest[0].weights[{index}].name" for index in range(5)]


def test_missing_and_unwanted(tmp_path: Path) -> None:
    model = SOUND["functional"][0]
    assert errors(examine_layers(tmp_path / "a", model, {"dense/kernel": [4, 3]})) == {
        "weights-missing": f"{CONFIG}.layers[1]"
    }
    more = examine_layers(tmp_path / "b", model, {**DENSE, "other/kernel": [1]})
    assert errors(more) == {"weights-unwanted": "$.weightsManifest[0].weights[2].name"}


def test_shapes_that_cannot_fit(tmp_path: Path) -> None:
    model = SOUND["functional"][0]
    for number, shape in enumerate(([4, 2], [3, 4, 3], [12])):
        found = errors(examine_layers(tmp_path / str(number), model, {**DENSE, "dense/kernel": shape}))
        assert found == {"weights-shape": "$.weightsManifest[0].weights[0].shape"}
    assert examine_layers(tmp_path / "unknown size", model, {**DENSE, "dense/kernel": [7, 3]}) == []


def test_two_layers_that_want_one_weight(tmp_path: Path) -> None:
    inner = sequential(input_layer("x"), dense("dense", 4), name="inner")
    found = examine_layers(tmp_path, sequential(input_layer(), inner, dense("dense")), DENSE)
    assert "weights-ambiguous" in errors(found)


def test_layers_that_are_not_known_here_may_have_any_weights(tmp_path: Path) -> None:
    new = Vocabulary(tfjs="9", classes=VOCABULARY.classes | {"NewLayer"}, ops=frozenset())
    model = sequential(input_layer(), layer("NewLayer", "new"), dense("dense"))
    folder = write(tmp_path, model, {"new/whatever/x": [2], **DENSE})
    assert examine(folder, new) == []


def test_weights_of_another_dtype(tmp_path: Path) -> None:
    folder = write(tmp_path, SOUND["functional"][0], DENSE)
    text = (
        (folder / "model.json")
        .read_text()
        .replace('"shape": [3], "dtype": "float32"', '"shape": [3], "dtype": "int32"')
    )
    (folder / "model.json").write_text(text)
    assert errors(examine(folder, VOCABULARY)) == {"weights-dtype": "$.weightsManifest[0].weights[1].dtype"}
