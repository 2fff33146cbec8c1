"""The ways to convert, and where each exists.

A new route is a row of ROUTES and a function in inside/tfjs_case/convert.py; a new variant is a row of VARIANTS.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

import msgspec
from packaging.specifiers import SpecifierSet

from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.matrix.models import Kind, Model

_ANY = tuple(Kind)
_KERAS_ONLY = tuple(kind for kind in Kind if kind is not Kind.SAVED_MODEL)

Format = Literal["layers", "graph"]
Quantization = Literal["", "float16", "uint8", "uint16"]


class Variant(msgspec.Struct, frozen=True):
    """Something that a route does besides: ``graph+control-flow-v2``.

    ``options`` are keyword arguments of the converter's Python function, ``flags`` the same for its command line.
    """

    name: str
    title: str
    formats: tuple[Format, ...]
    options: dict[str, Any] = {}
    flags: tuple[str, ...] = ()
    quantization: Quantization = ""
    repair: bool = False
    rewrite: bool = False


def _quantized(dtype: Quantization) -> Variant:
    options = {"quantization_dtype_map": {dtype: "*"}}
    title = f"weights stored as {dtype}"
    return Variant(dtype, title, ("layers", "graph"), options, (f"--quantize_{dtype}", "*"), dtype)


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant(
            "rewrite",
            "the model rewritten, where it holds layers that TensorFlow.js cannot express",
            ("layers", "graph"),
            rewrite=True,
        ),
        Variant("repair", "the artifact repaired, where it is proven broken", ("layers", "graph"), repair=True),
        Variant(
            "control-flow-v2",
            "loops kept as functions",
            ("graph",),
            {"control_flow_v2": True},
            ("--control_flow_v2", "true"),
        ),
        Variant(
            "skip-op-check",
            "converted although TensorFlow.js lacks an operation",
            ("graph",),
            {"skip_op_check": True},
            ("--skip_op_check",),
        ),
        Variant(
            "strip-debug-ops",
            "without Print, Assert and CheckNumerics",
            ("graph",),
            {"strip_debug_ops": True},
            ("--strip_debug_ops", "true"),
        ),
        _quantized("float16"),
        _quantized("uint8"),
        _quantized("uint16"),
    )
}


class Route(msgspec.Struct, frozen=True):
    """A way from a Keras model to a TensorFlow.js model.

    It exists for the version ranges ``tensorflow`` and ``tensorflowjs`` and takes models of ``kinds``. ``serialize`` is
    the form that is written first; ``command`` holds the options of the converter's command line, and is empty where a
    Python function converts. ``variants`` names what it does besides, in the order of VARIANTS.
    """

    name: str
    title: str
    format: Format
    serialize: Literal["h5", "keras", "saved-model"]
    command: tuple[str, ...]
    tensorflowjs: str
    tensorflow: str
    kinds: tuple[Kind, ...]
    variants: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """The name without the variants."""
        return self.name.partition("+")[0]

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments that its variants add to the call of the converter's Python function."""
        return {key: value for name in self.variants for key, value in VARIANTS[name].options.items()}

    @property
    def flags(self) -> tuple[str, ...]:
        """What its variants add to ``command``."""
        return tuple(flag for name in self.variants for flag in VARIANTS[name].flags)

    @property
    def repairs(self) -> bool:
        """Whether the artifact is repaired before it is checked."""
        return any(VARIANTS[name].repair for name in self.variants)

    @property
    def rewrites(self) -> bool:
        """Whether the model is rewritten before it is converted."""
        return any(VARIANTS[name].rewrite for name in self.variants)

    @property
    def quantization(self) -> Quantization:
        """The type that weights are stored as; empty: their own."""
        return next((VARIANTS[name].quantization for name in self.variants if VARIANTS[name].quantization), "")

    def with_variants(self, names: Collection[str]) -> Route:
        """The route with exactly these variants. Raises RequestError for a variant that it does not have."""
        return find_route("+".join((self.base, *names)))

    def without_repair(self) -> Route:
        """The route whose artifact is the input of this route's repair."""
        return self.with_variants([name for name in self.variants if not VARIANTS[name].repair])


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
    """The route of that name: one of ROUTES, followed by variants, each after a ``+``, in any order.

    Raises RequestError with the nearest name.

    >>> find_route("graph+repair").format
    'graph'
    """
    base, *wanted = name.split("+")
    if base not in ROUTES:
        raise RequestError(f"route '{base}': no such route\nhint: {nearest(base, ROUTES)}")
    route = ROUTES[base]
    for variant in wanted:
        if variant not in VARIANTS:
            raise RequestError(f"route '{name}': no variant '{variant}'\nhint: {nearest(variant, VARIANTS)}")
        if route.format not in VARIANTS[variant].formats:
            raise RequestError(f"route '{name}': route {base} has no variant '{variant}'")
    chosen = tuple(variant for variant in VARIANTS if variant in wanted)
    if sum(bool(VARIANTS[variant].quantization) for variant in chosen) > 1:
        raise RequestError(f"route '{name}': several ways to store weights\nhint: give one of float16, uint8, uint16")
    return msgspec.structs.replace(route, name="+".join((base, *chosen)), variants=chosen)


def why_unavailable(route: Route, tensorflow: str, tensorflowjs: str, model: Model) -> str | None:
    """Why a route does not exist for these versions or this model, or None where it does."""
    if not SpecifierSet(route.tensorflowjs).contains(tensorflowjs, prereleases=True):
        return f"route {route.name} needs tensorflowjs {route.tensorflowjs}"
    if not SpecifierSet(route.tensorflow).contains(tensorflow, prereleases=True):
        return f"route {route.name} needs tensorflow {route.tensorflow}"
    if model.kind not in route.kinds:
        return f"route {route.name} does not take a {model.kind} model"
    if model.kind is Kind.SAVED_MODEL and model.function and route.format == "layers":
        return f"route {route.name} converts the Keras model in a SavedModel, not one of its signatures"
    if route.rewrites and model.kind is Kind.SAVED_MODEL and route.format == "graph":
        return f"route {route.name} rewrites a Keras model; a SavedModel is converted as the graph that it is"
    if route.format == "layers" and not model.is_keras:
        return f"route {route.name} needs a Keras model; the SavedModel holds functions alone"
    return None
