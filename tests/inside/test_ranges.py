"""The values that a model says its inputs take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.inside import ranges, signatures, values


def layer(kind: str, **attributes: Any) -> Any:
    return type(kind, (), attributes)()


def drawn(dtype: str, *consumers: Any, shape: tuple[int, ...] = (3, 40), name: str = "x") -> np.ndarray:
    spec = signatures.Spec(name, shape, dtype, consumers)
    array: np.ndarray = ranges.told_by(spec).array(shape, dtype, 0)
    assert array.shape == shape
    return array


@pytest.mark.parametrize(
    ("scale", "offset", "low", "high"),
    [(1 / 255, 0.0, 0, 255), (1 / 127.5, -1.0, 0, 255), ([1 / 255] * 3, [0.0] * 3, 0, 255), (2.0, 0.0, 0, 1)],
)
def test_pixels_are_in_the_range_that_a_rescaling_undoes(scale: Any, offset: Any, low: float, high: float) -> None:
    found = drawn("float32", layer("Rescaling", scale=scale, offset=offset), shape=(3, 16, 16, 3))
    assert low <= found.min() < low + (high - low) / 4
    assert high - (high - low) / 4 < found.max() <= high


def test_pictures_differ_in_their_mean() -> None:
    means = values.uniform(0, 255).array((3, 32, 32, 3), "float32", 0).mean(axis=(1, 2))
    assert np.ptp(means, axis=0).min() > 10


def test_a_normalization_gives_its_mean_and_deviation() -> None:
    found = drawn("float32", layer("Normalization", mean=[[100.0, -5.0]], variance=[[4.0, 1.0]]), shape=(300, 2))
    assert np.allclose(found.mean(axis=0), [100.0, -5.0], atol=1.0)


def test_a_discretization_is_asked_beyond_its_ends() -> None:
    found = drawn("float32", layer("Discretization", bin_boundaries=[0.0, 1.0, 10.0]))
    assert found.min() < 0
    assert found.max() > 10
    assert set(found.ravel()) >= {0.0, 1.0, 10.0}


def test_integers_that_nothing_is_said_of_are_of_both_signs() -> None:
    assert {*np.sign(drawn("int32").ravel())} == {-1, 0, 1}
    assert drawn("int32", name="token_ids").min() == 0
    assert drawn("uint16").min() == 0


def test_integers_are_in_the_range_of_each_embedding_that_a_layer_holds() -> None:
    inner = [layer("Embedding", input_dim=size) for size in (5000, 60)]
    found = drawn("int32", layer("Tokens", _flatten_layers=lambda self, include_self: inner), shape=(3, 400))
    assert found.min() == 0
    assert 50 < found.max() < 60


def test_integers_are_of_the_vocabulary() -> None:
    lookup = layer("IntegerLookup", get_vocabulary=lambda self=None: [-1, 10, 20])
    assert set(np.unique(drawn("int64", lookup))) <= {-1, 10, 20, 21}
    assert drawn("int64", layer("Embedding", input_dim=7)).max() == 6
    assert drawn("uint8").max() > 200
    assert set(np.unique(drawn("int32", name="attention_mask"))) == {0, 1}


@pytest.mark.parametrize(("rows", "number"), [(3, 0), (3, 1), (1, 11), (2, 0), (7, 2)])
def test_tokens_come_as_sequences_of_several_lengths(rows: int, number: int) -> None:
    spec = signatures.Spec("x", (rows, 12), "int32", [layer("Embedding", input_dim=10_000, mask_zero=True)])
    found = ranges.told_by(spec).array((rows, 12), "int32", number)
    ends, begins = (found[:, -1] == 0) & (found[:, 0] != 0), (found[:, 0] == 0) & (found[:, -1] != 0)
    assert (ends | begins).any()
    assert found.any(axis=1).all(), "no row is padding alone"
    assert rows < 3 or len({int((row == 0).sum()) for row in found}) >= 3


def test_other_scales_of_tokens_are_padded_too() -> None:
    spec = signatures.Spec("x", (3, 12), "int32", [layer("Embedding", input_dim=10_000)])
    for kind in (*ranges.alternatives(spec), *ranges.cautious(spec)):
        assert not kind.array((3, 12), "int32", 0)[1, 6:].any()


def test_steps_are_masked_as_a_masking_layer_says() -> None:
    found = drawn("float32", layer("Masking", mask_value=-1.0), layer("LSTM"), shape=(3, 6, 4))
    masked = (found == -1.0).all(axis=-1)
    assert masked.any(axis=1).tolist() == [False, True, True]
    assert masked[1, -1]
    assert not masked[1, 0]
    assert masked[2, 0]
    assert not masked[2, -1]


def test_tokens_of_a_layer_that_holds_an_embedding_are_padded() -> None:
    inner = layer("Embedding", input_dim=50)
    found = drawn("int32", layer("Tokens", _flatten_layers=lambda self, include_self: [inner]), shape=(3, 8))
    assert (found[1, 4:] == 0).all()
    assert found[1, :4].any()


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_what_is_no_sequence_is_not_padded(shape: tuple[int, ...]) -> None:
    spec = signatures.Spec("x", shape, "int32", [layer("Embedding", input_dim=1_000_000)])
    assert ranges.told_by(spec).array(shape, "int32", 0).all()


def test_texts_are_of_the_vocabulary() -> None:
    vectorization = layer("TextVectorization", get_vocabulary=lambda self=None: ["", "cat", "mat"])
    words = {word for text in drawn("string", vectorization).ravel() for word in text.split()}
    assert words == {"cat", "mat", "unheard-of"}


def test_a_layer_of_another_kind_with_such_a_name_says_nothing() -> None:
    assert abs(drawn("float32", layer("Rescaling")).mean()) < 1
