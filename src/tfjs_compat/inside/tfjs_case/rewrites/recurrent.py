"""GRU(reset_after=True), which TensorFlow.js does not have, as an LSTM that takes three steps for each of the GRU's.

A GRU of this form gives ``h' = z h + (1 - z) tanh(x W + r (h U + b))``, where z and r are sigmoids of x and h.
TensorFlow.js has ``r`` inside the product with U, which is another function. An LSTM with the activation ``linear``
gives ``c' = f c + i g`` with sigmoids f and i, a linear g, and an output that is c' where its output gate is 1. With
three blocks of units, and inputs that say which of three steps it is:

1. ``m = r (h U + b)``: i is r, g is h U + b, f is 0;
2. ``s = sigmoid(2 (x W + m))``: i is that sigmoid, g is 1, f is 0;
3. ``h = z h + (1 - z) (2 s - 1)``: f is z, i is 1 - z; and 2 sigmoid(2 y) - 1 is tanh(y).

In the steps that are not its own a block keeps what it has (h), or is 0 (m, s).
"""

import numpy as np

from .rewrite import Refused, Rewrite, activation_of, shape_of

_STEPS = 3
_SURE = 1e4
"""What makes a sigmoid exactly 0 or 1 in float32, whatever is added."""


def _is_after(layer, _):
    return bool(layer.reset_after)


def _is_bidirectional(layer, _):
    return type(layer.forward_layer).__name__ == "GRU" and bool(layer.forward_layer.reset_after)


def _gru(kit, layer):
    """One direction."""
    _require_plain(layer)
    units = layer.units
    steps = range(_STEPS)[::-1] if layer.go_backwards else range(_STEPS)
    lstm = kit.constant("LSTM", layer, "lstm", _lstm_weights(layer, tuple(steps)), **_config(layer))
    # Read backwards the steps of one time step come in their order too, so that the last of them is the last.
    ends = ((_STEPS - 1) * _STEPS * units if layer.return_sequences else 0,)

    def call(x, **keywords):
        _require_unmasked(x, keywords)
        return _picked(kit, layer, lstm(_expanded(kit, layer, x)), x, ends, units, "concat")

    return call


def _bidirectional(kit, layer):
    """Both directions: the one that reads backwards meets the last of the three steps first."""
    forward, backward = layer.forward_layer, layer.backward_layer
    for each in (forward, backward):
        _require_plain(each)
    if type(backward).__name__ != "GRU" or not backward.reset_after or backward.units != forward.units:
        raise Refused("its two directions are of different kinds")
    if layer.merge_mode not in ("concat", "sum", "ave"):
        raise Refused("it merges its directions by %s" % layer.merge_mode)
    units, width = forward.units, 2 * _STEPS * forward.units
    inner = kit.constant("LSTM", forward, "lstm", **_config(forward))
    weights = _lstm_weights(forward, (0, 1, 2)) + _lstm_weights(backward, (2, 1, 0))
    both = kit.constant("Bidirectional", layer, "lstm", weights, layer=inner, merge_mode="concat", of_layers=True)
    ends = ((_STEPS - 1) * width, _STEPS * units) if forward.return_sequences else (0, _STEPS * units)

    def call(x, **keywords):
        _require_unmasked(x, keywords)
        found = both(_expanded(kit, layer, x))
        return _picked(kit, layer, found, x, ends, units, layer.merge_mode)

    return call


def _config(layer):
    return {
        "units": _STEPS * layer.units,
        "activation": "linear",
        "recurrent_activation": "sigmoid",
        "return_sequences": layer.return_sequences,
        "go_backwards": layer.go_backwards,
    }


def _require_plain(layer):
    if activation_of(layer) != "tanh" or getattr(layer.recurrent_activation, "__name__", "") != "sigmoid":
        raise Refused("its activations are not tanh and sigmoid")
    if layer.stateful or layer.return_state:
        raise Refused("it keeps or returns its state")
    if getattr(layer, "time_major", False):
        raise Refused("its first axis is time")


def _require_unmasked(x, keywords):
    if getattr(x, "_keras_mask", None) is not None or any(value is not None for value in keywords.values()):
        raise Refused("it is called with a mask or a state")
    if isinstance(x, (list, tuple)):
        raise Refused("it is called with a state")


def _lstm_weights(layer, order):
    """Kernel, recurrent kernel and bias. ``order``: of each of the three places, which step is made there."""
    arrays = [np.asarray(array, dtype="float32") for array in layer.get_weights()]
    kernel, recurrent = arrays[:2]
    units, size, n = layer.units, kernel.shape[0], _STEPS * layer.units
    given, own = arrays[2] if layer.use_bias else np.zeros((2, 3 * units), "float32")
    wz, wr, wh = np.split(kernel, 3, axis=1)
    uz, ur, uh = np.split(recurrent, 3, axis=1)
    bz, br, bh = np.split(given + own, 3)[0], np.split(given + own, 3)[1], np.split(given, 3)[2]
    of_state = np.split(own, 3)[2]
    h, m, s = (slice(block * units, (block + 1) * units) for block in range(3))
    k, r, b = np.zeros((size + _STEPS, 4 * n)), np.zeros((n, 4 * n)), np.zeros(4 * n)
    i, f, g, o = ((lambda block, gate=gate: slice(gate * n + block.start, gate * n + block.stop)) for gate in range(4))

    def only_in(step, columns, otherwise):
        for place, made in enumerate(order):
            k[size + place, columns] = 0.0 if made == step else otherwise

    k[:size, i(m)], r[h, i(m)], b[i(m)] = wr, ur, br
    r[h, g(m)], b[g(m)] = uh, of_state
    only_in(0, i(m), -_SURE)
    k[:size, i(s)], r[m, i(s)], b[i(s)] = 2 * wh, 2 * np.eye(units), 2 * bh
    b[g(s)] = 1.0
    only_in(1, i(s), -_SURE)
    k[:size, f(h)], r[h, f(h)], b[f(h)] = wz, uz, bz
    only_in(2, f(h), _SURE)
    k[:size, i(h)], r[h, i(h)], b[i(h)] = -wz, -uz, -bz
    only_in(2, i(h), -_SURE)
    r[s, g(h)], b[g(h)] = 2 * np.eye(units), -1.0
    b[f(m)] = b[f(s)] = -_SURE
    b[o(slice(0, n))] = _SURE
    return [each.astype("float32") for each in (k, r, b)]


def _expanded(kit, layer, x):
    """Each time step three times, with three numbers that say which it is."""
    _, steps, size = shape_of(x)
    each = size + _STEPS
    kernel, flags = np.zeros((size, _STEPS * each), "float32"), np.zeros(_STEPS * each, "float32")
    for place in range(_STEPS):
        kernel[:, place * each : place * each + size] = np.eye(size)
        flags[place * each + size + place] = 1.0
    repeated = kit.constant("Dense", layer, "repeated", [kernel, flags], units=_STEPS * each)
    three = kit.layer("Reshape", layer, "three_steps", target_shape=(-1 if steps is None else _STEPS * steps, each))
    return three(repeated(x))


def _picked(kit, layer, found, x, starts, units, mode):
    """The GRU's own outputs among the LSTM's: ``units`` numbers from each of ``starts`` on, merged."""
    _, steps, _ = shape_of(x)
    width = shape_of(found)[-1]
    if len(shape_of(found)) == 3:
        width *= _STEPS
        one = kit.layer("Reshape", layer, "one_step", target_shape=(-1 if steps is None else steps, width))
        found = one(found)
    picks = [np.eye(width, dtype="float32")[:, start : start + units] for start in starts]
    matrix = np.concatenate(picks, axis=1) if mode == "concat" else sum(picks) * (0.5 if mode == "ave" else 1.0)
    return kit.constant("Dense", layer, "", [matrix], units=matrix.shape[1], use_bias=False)(found)


RECURRENT = (
    Rewrite(
        "gru-reset-after",
        "a GRU(reset_after=True) becomes an LSTM that takes three steps for each of its own",
        classes=("GRU",),
        formats=("layers",),
        fits=_is_after,
        make=_gru,
    ),
    Rewrite(
        "bidirectional-gru",
        "the same in both directions",
        classes=("Bidirectional",),
        formats=("layers",),
        fits=_is_bidirectional,
        make=_bidirectional,
    ),
)
