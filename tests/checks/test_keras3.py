"""What Keras 3 writes and TensorFlow.js reads otherwise."""

from __future__ import annotations

from pathlib import Path

from support.handmade import (
    CONFIG,
    DENSE,
    dense,
    errors,
    examine_layers,
    ids,
    input_layer,
    keras3_model,
    layer,
    sequential,
)


def test_keras3_reasons_come_all_at_once(tmp_path: Path) -> None:
    found = examine_layers(tmp_path, keras3_model(), DENSE)
    assert errors(found) == {
        "keras3-batch-shape": f"{CONFIG}.layers[0].config.batch_shape",
        "keras3-inbound-nodes": f"{CONFIG}.layers[1].inbound_nodes[0]",
        "keras3-flat-io-layers": f"{CONFIG}.output_layers",
        "unknown-layer": f"{CONFIG}.layers[1].config.activation",
    }
    assert [f.path for f in found if f.id == "keras3-flat-io-layers"] == [
        f"{CONFIG}.input_layers",
        f"{CONFIG}.output_layers",
    ]
    assert [f.path for f in found if f.severity == "warning"] == [f"{CONFIG}.layers[1].config.dtype"]


def test_a_dtype_object_harms_only_where_it_is_read(tmp_path: Path) -> None:
    policy = {"class_name": "DTypePolicy", "config": {"name": "float32"}}
    harmless = examine_layers(tmp_path / "a", sequential(input_layer(), dense("dense", dtype=policy)), DENSE)
    assert (ids(harmless), errors(harmless)) == ({"keras3-dtype-policy"}, {})
    embedding = layer("Embedding", "e", input_dim=5, output_dim=2, batch_input_shape=[None, 3], dtype=policy)
    assert "keras3-dtype-policy" in errors(
        examine_layers(tmp_path / "b", sequential(embedding), {"e/embeddings": [5, 2]})
    )
    mixed = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
    warned = examine_layers(tmp_path / "c", sequential(input_layer(), dense("dense", dtype=mixed)), DENSE)
    assert (ids(warned), errors(warned)) == ({"mixed-precision"}, {})


def test_mixed_bfloat16_is_a_warning(tmp_path: Path) -> None:
    policy = {"class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}}
    found = examine_layers(tmp_path, sequential(input_layer(), dense("dense", dtype=policy)), DENSE)
    assert [(finding.id, finding.severity) for finding in found] == [("mixed-precision", "warning")]
