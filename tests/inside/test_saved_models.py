"""Which models are saved without the functions of their layers: only those in which nothing is a user's code."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

INSIDE = Path(__file__).parents[2] / "src" / "tfjs_compat" / "inside"


@pytest.fixture
def saved_models(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(INSIDE))
    return importlib.import_module("tfjs_case.saved_models")


def kind(module: str, name: str = "Dense", **attributes: object) -> type:
    return type(name, (), {"__module__": module, **attributes})


def keras_function() -> None: ...


keras_function.__module__ = "keras.src.activations"


def made(*layers: Any, model: type = kind("keras.src.engine.functional", "Functional")) -> Any:
    whole = model()
    whole.submodules = layers
    return whole


def layer(module: str = "keras.src.layers.core.dense", name: str = "Dense", **attributes: object) -> Any:
    found = kind(module, name)()
    vars(found).update(attributes)
    return found


def test_layers_of_keras_alone(saved_models: ModuleType) -> None:
    regularizer = kind("keras.src.regularizers", "L2", __call__=lambda _: 0)()
    layers = (
        layer(activation=keras_function, kernel_regularizer=regularizer, units=3, name="a"),
        layer("tf_keras.src.layers.rnn.lstm", "LSTM", stateful=False),
    )
    assert saved_models.is_of_keras_alone(made(*layers))


@pytest.mark.parametrize(
    "other",
    [
        layer("model", "MyLayer"),
        layer("tensorflow_hub.keras_layer", "KerasLayer"),
        layer("keras.src.layers.core.lambda_layer", "Lambda"),
        layer(activation=lambda x: x),
        layer(activation=functools.partial(keras_function)),
        layer(kernel_regularizer=kind("model", "Mine", __call__=lambda _: 0)()),
        layer("keras.src.layers.rnn.lstm", "LSTM", stateful=True),
    ],
    ids=["layer", "hub", "lambda", "activation", "partial", "regularizer", "stateful"],
)
def test_with_code_of_somebody_else_all_is_traced(saved_models: ModuleType, other: Any) -> None:
    assert not saved_models.is_of_keras_alone(made(layer(), other))


def test_a_subclassed_model_is_somebodys_code(saved_models: ModuleType) -> None:
    assert not saved_models.is_of_keras_alone(made(layer(), model=kind("model", "MyModel")))


def test_the_signature_is_keras_own(saved_models: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    tf = SimpleNamespace(saved_model=SimpleNamespace(save=lambda *given: calls.append(given)))
    model = made(layer(), model=kind("keras.src.engine.functional", "Functional", save=_saver(calls)))
    saved_models.save(tf, model, "folder")
    # Older releases have it elsewhere.
    assert calls == [(model, "folder")]
    monkeypatch.setitem(
        sys.modules,
        "keras.src.saving.legacy.saving_utils",
        SimpleNamespace(trace_model_call=lambda traced: ("signature", traced)),
    )
    saved_models.save(tf, model, "folder")
    assert calls[1:] == [("folder", {"save_format": "tf", "save_traces": False, "signatures": ("signature", model)})]


def _saver(calls: list[object]) -> Callable[..., None]:
    return lambda _self, folder, **options: calls.append((folder, options))
