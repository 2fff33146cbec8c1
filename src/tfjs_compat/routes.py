"""The ways to convert, and where each exists. A new route is a row here and a function in inside/worker.py."""

from __future__ import annotations

from typing import Literal

import msgspec
from packaging.specifiers import SpecifierSet

from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.models import Kind, Model

_ANY = frozenset(Kind)
_KERAS_ONLY = _ANY - {Kind.SAVED_MODEL}


class Route(msgspec.Struct, frozen=True):
    """A way from a Keras model to a TensorFlow.js model, the versions it exists in, the models it takes.

    ``serialize`` is the form that is written first; ``command`` the options of the converter's command line where that
    converts it, empty where a Python function does.
    """

    name: str
    title: str
    format: Literal["layers", "graph"]
    serialize: Literal["h5", "keras", "saved-model"]
    command: tuple[str, ...]
    tensorflowjs: str
    tensorflow: str
    kinds: frozenset[Kind]


ROUTES: dict[str, Route] = {
    route.name: route
    for route in (
        Route(
            name="layers",
            title="tensorflowjs.converters.save_keras_model",
            format="layers",
            serialize="h5",
            command=(),
            tensorflowjs=">=0.1",
            tensorflow=">=1.0",
            kinds=_ANY,
        ),
        Route(
            name="keras-h5",
            title="tensorflowjs_converter --input_format keras",
            format="layers",
            serialize="h5",
            command=("--input_format", "keras"),
            tensorflowjs=">=0.1",
            tensorflow=">=1.0",
            kinds=_KERAS_ONLY,
        ),
        Route(
            name="keras-v3",
            title="tensorflowjs_converter --input_format keras_keras",
            format="layers",
            serialize="keras",
            # The output format has to be named: without it the pair is "unsupported" (converter.py).
            command=("--input_format", "keras_keras", "--output_format", "tfjs_layers_model"),
            # In the wheel of 4.10.0, not in that of 4.8.0; .keras files came with TensorFlow 2.12.
            tensorflowjs=">=4.10",
            tensorflow=">=2.12",
            kinds=_KERAS_ONLY,
        ),
        Route(
            name="graph",
            title="SavedModel, then tensorflowjs.converters.convert_tf_saved_model",
            format="graph",
            serialize="saved-model",
            command=(),
            # tfjs_graph_model came with the wheel of 1.0.0.
            tensorflowjs=">=1.0",
            tensorflow=">=1.15",
            kinds=_ANY,
        ),
    )
}


def find_route(name: str) -> Route:
    """The route of that name. Raises RequestError with the nearest one."""
    try:
        return ROUTES[name]
    except KeyError:
        raise RequestError(f"route '{name}': no such route; {nearest(name, ROUTES)}") from None


def illegal(route: Route, tensorflow: str, tensorflowjs: str, model: Model) -> str | None:
    """Why a route does not exist for these versions or this model, or None where it does."""
    if not SpecifierSet(route.tensorflowjs).contains(tensorflowjs, prereleases=True):
        return f"route {route.name} needs tensorflowjs {route.tensorflowjs}"
    if not SpecifierSet(route.tensorflow).contains(tensorflow, prereleases=True):
        return f"route {route.name} needs tensorflow {route.tensorflow}"
    if model.kind not in route.kinds:
        return f"route {route.name} does not take a {model.kind} model"
    return None
