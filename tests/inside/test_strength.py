"""What multiplies what layers give by nothing, or nearly."""

from __future__ import annotations

import numpy as np
from support.inside import strength


def test_multipliers_that_are_zero_or_nearly_are_named() -> None:
    weights = [
        ("block/layer_scale/gamma", np.full(4, 1e-6)),
        ("last_bn/gamma:0", np.zeros(4)),
        ("bn/gamma", np.ones(4)),
        ("mixed/gamma", np.array([0.0, 1.0])),
        ("dense/bias", np.zeros(4)),
        ("empty/gamma", np.zeros(0)),
    ]
    assert strength.faint(weights) == ["block/layer_scale/gamma", "last_bn/gamma:0"]
