"""Small models of one kind of layer in many settings, each compared with its twin: a builder that raises."""

import itertools

import numpy as np
from tensorflow import keras

L = keras.layers


def _made(shape, *layers, dtype="float32"):
    def build():
        given = x = keras.Input(shape, dtype=dtype)
        for make in layers:
            x = make()(x)
        model = keras.Model(given, x)
        random = np.random.RandomState(3)
        for weight in model.weights:
            name = getattr(weight, "path", weight.name)
            if "int" not in str(weight.dtype) and not any(word in name for word in ("mean", "variance", "seed")):
                weight.assign(random.normal(0.0, 0.5, weight.shape))
        return model

    return build


def _models():
    for padding, strides, rate, bias in itertools.product(("same", "valid"), (1, 2), (1, 2), (True, False)):
        if strides > 1 and rate > 1:
            continue
        common = {"strides": strides, "dilation_rate": rate, "padding": padding, "use_bias": bias}
        name = f"{padding}_{strides}_{rate}_{'bias' if bias else 'plain'}"
        for channels, groups, filters in ((6, 2, 8), (6, 6, 12)):
            for kind, size in (("Conv1D", 1), ("Conv2D", 2)):
                make = getattr(L, kind)
                settings = {"filters": filters, "kernel_size": 3, "groups": groups, "activation": "tanh", **common}
                yield (
                    f"grouped_{size}d_{groups}_{name}",
                    _made((*(9,) * size, channels), lambda m=make, s=settings: m(**s)),
                )
        for kind in ("SeparableConv1D", "DepthwiseConv1D"):
            settings = {"kernel_size": 3, "depth_multiplier": 2, **common}
            settings.update({"filters": 5} if kind == "SeparableConv1D" else {})
            make = getattr(L, kind)
            yield f"{kind.lower()}_{name}", _made((11, 4), lambda m=make, s=settings: m(**s))
        settings = {"filters": 5, "kernel_size": 3, **common, "dilation_rate": 1}
        yield f"transposed_{name}", _made((7, 4), lambda s=settings: L.Conv1DTranspose(**s))
    for size, rate, strides, groups in itertools.product((1, 3), (1, 3), (1, 2), (1, 2)):
        if strides == 1 or rate == 1:
            settings = {"kernel_size": size, "dilation_rate": rate, "strides": strides, "groups": groups}
            yield (
                f"causal_{size}_{rate}_{strides}_{groups}",
                _made((None, 4), lambda s=settings: L.Conv1D(6, padding="causal", **s)),
            )
    for sequences, backwards, bias in itertools.product((True, False), repeat=3):
        settings = {"return_sequences": sequences, "go_backwards": backwards, "use_bias": bias}
        name = f"{sequences:d}{backwards:d}{bias:d}"
        yield f"gru_{name}", _made((None, 4), lambda s=settings: L.GRU(3, **s))
        if not backwards:
            for mode in ("concat", "sum", "ave"):
                yield (
                    f"two_grus_{mode}_{name}",
                    _made((5, 4), lambda s=settings, m=mode: L.Bidirectional(L.GRU(3, **s), merge_mode=m)),
                )
    for mode in ("int", "one_hot", "multi_hot", "count"):
        for width in (1, 4):
            bounds = [-1.0, 0.0, 0.25, 2.0]
            yield (
                f"discretization_{mode}_{width}",
                _made((width,), lambda m=mode, b=bounds: L.Discretization(bin_boundaries=b, output_mode=m)),
            )
            yield (
                f"integers_{mode}_{width}",
                _made((width,), lambda m=mode: L.IntegerLookup(vocabulary=[0, 3, 4, 9], output_mode=m), dtype="int32"),
            )
    for method in ("bilinear", "nearest", "bicubic", "area"):
        yield f"resizing_{method}", _made((7, 9, 2), lambda m=method: L.Resizing(5, 12, interpolation=m))
    yield "up_sampling", _made((5, 6, 2), lambda: L.UpSampling2D((2, 3), interpolation="bilinear"))
    statistics = {"mean": [0.3, -1.0, 5.0], "variance": [0.5, 2.0, 0.0]}
    for name, shape in (("table", (3,)), ("steps", (4, 3)), ("pictures", (4, 4, 3)), ("films", (2, 4, 4, 3))):
        yield f"normalization_{name}", _made(shape, lambda: L.Normalization(**statistics))
    yield "normalization_one", _made((4,), lambda: L.Normalization(axis=None, mean=3.0, variance=4.0))
    yield "normalization_back", _made((3,), lambda: L.Normalization(invert=True, **statistics))


def every():
    """Raises where a twin differs, or where nothing was rewritten; else a model of no meaning."""
    from tfjs_case.rewrites import rewrite, walk

    wrong = []
    for name, build in _models():
        model = build()
        (given,) = model.inputs
        shape, random = [3, *(7 if size is None else size for size in given.shape[1:])], np.random.RandomState(0)
        values = random.randint(0, 12, shape) if "int" in str(given.dtype) else random.normal(0.0, 1.5, shape)
        batch = values.astype(getattr(given.dtype, "name", given.dtype))
        try:
            twin = walk.rewritten(model, "layers").model
        except rewrite.Refused as reason:
            wrong.append(f"{name}: {reason}")
            continue
        first, second = (np.asarray(each(batch, training=False), dtype="float64") for each in (model, twin))
        far = np.abs(first - second).max() if first.shape == second.shape else np.inf
        if not far <= 3e-5 * max(1.0, np.abs(first).max()):
            wrong.append(f"{name}: {first.shape}, {second.shape}, {far:.3g} of {np.abs(first).max():.3g}")
        if twin.output_names != [layer.name for layer in model.layers[-1:]]:
            wrong.append(f"{name}: its output is called {twin.output_names}")
    if wrong:
        raise AssertionError("\n".join(wrong))
    return keras.Sequential([keras.Input((2,)), L.Dense(2)])
