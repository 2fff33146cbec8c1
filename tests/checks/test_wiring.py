"""Models that cannot be put together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.handmade import (
    CONFIG,
    DENSE,
    after,
    dense,
    errors,
    examine_layers,
    functional,
    input_layer,
    layer,
    sequential,
)


def test_a_node_that_never_comes(tmp_path: Path) -> None:
    path = f"{CONFIG}.layers[1].inbound_nodes[0]"
    for number, inbound in enumerate([after("ghost"), after("in", node=1), after("dense")]):
        model = functional(input_layer(), dense("dense", inbound=inbound))
        assert errors(examine_layers(tmp_path / str(number), model, DENSE))["wiring-endless"] == path
    flat = functional(input_layer(), dense("dense", inbound=[["in", 0, 0, {}]]))
    assert errors(examine_layers(tmp_path / "flat", flat, DENSE))["wiring-endless"] == path


def test_layers_may_come_in_any_order(tmp_path: Path) -> None:
    late = functional(
        input_layer(), dense("z", 3, after("dense")), dense("dense", inbound=after("in")), outputs=[["z", 0, 0]]
    )
    assert examine_layers(tmp_path, late, {**DENSE, "z/kernel": [3, 3], "z/bias": [3]}) == []


def test_ends_that_cannot_be_read(tmp_path: Path) -> None:
    def found(name: str, **ends: Any) -> dict[str, str]:
        return errors(
            examine_layers(
                tmp_path / name, functional(input_layer(), dense("dense", inbound=after("in")), **ends), DENSE
            )
        )

    assert found("dict", inputs={"x": ["in", 0, 0]}) == {"io-layers-by-name": f"{CONFIG}.input_layers"}
    assert found("ghost", outputs=[["ghost", 0, 0]]) == {"wiring-malformed": f"{CONFIG}.output_layers[0]"}
    assert found("no input", inputs=[["dense", 0, 0]]) == {"wiring-malformed": f"{CONFIG}.input_layers[0]"}
    assert found("number", outputs=5) == {"wiring-malformed": f"{CONFIG}.output_layers"}


def test_names_of_layers(tmp_path: Path) -> None:
    twice = sequential(input_layer(), dense("dense"), layer("Flatten", "dense"))
    assert errors(examine_layers(tmp_path / "a", twice, DENSE)) == {
        "layer-name-duplicate": f"{CONFIG}.layers[2].config.name"
    }
    odd = examine_layers(tmp_path / "b", sequential(input_layer(), dense("_d")), {"_d/kernel": [4, 3], "_d/bias": [3]})
    assert errors(odd) == {"layer-name-invalid": f"{CONFIG}.layers[1].config.name"}
    weightless = examine_layers(tmp_path / "c", sequential(input_layer(), layer("Softmax", "a b")), {})
    assert errors(weightless) == {"layer-name-invalid": f"{CONFIG}.layers[1].config.name"}
    wrapped = layer("Bidirectional", "bi", layer=layer("SimpleRNN", "a b", units=1, use_bias=False))
    found = examine_layers(tmp_path / "d", sequential(input_layer(shape=(None, 5, 4)), wrapped), {})
    assert errors(found)["layer-name-invalid"] == f"{CONFIG}.layers[1].config.layer.config.name"


def test_a_sequential_model_needs_a_shape(tmp_path: Path) -> None:
    assert errors(examine_layers(tmp_path, sequential(dense("dense")), DENSE)) == {
        "sequential-without-shape": f"{CONFIG}.layers[0].config"
    }


def test_a_layer_is_no_model(tmp_path: Path) -> None:
    assert errors(examine_layers(tmp_path, dense("dense"), DENSE)) == {
        "root-not-a-model": "$.modelTopology.model_config"
    }
