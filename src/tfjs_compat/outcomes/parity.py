"""How near TensorFlow.js came to Python's predictions, as values."""

from __future__ import annotations

import msgspec

RELATIVE = 1e-4
"""Of the output's scale. Upstream's own tests allow 5e-3 absolute, which a wide softmax passes with any weights.

Over the 340 cases of the zoo that are right (docs/zoo-results.md) the largest difference is 1.7e-5 of the scale and the
median 1.1e-7; those that are wrong are off by 0.37. Quantised weights are another model: with uint8 one MLP differed by
1.3e-3, with float16 by 1.3e-4, with uint16 by 2e-5.
"""

ABSOLUTE = 1e-7
"""In the output's own unit: what cancellation leaves of float32 numbers near 1 that should be 0."""


class Tolerance(msgspec.Struct, frozen=True):
    """What two floating-point outputs may differ by: ``absolute + relative * scale``."""

    absolute: float = ABSOLUTE
    relative: float = RELATIVE


class OutputParity(msgspec.Struct, frozen=True):
    """One output. ``max_abs`` and ``max_rel`` (of the scale) are None where there was nothing finite to compare."""

    name: str
    shape: list[int]
    dtype: str
    agrees: bool
    proves: bool
    allowed: float
    max_abs: float | None = None
    max_rel: float | None = None
    actual_shape: list[int] | None = None
    actual_dtype: str | None = None
    nonfinite_agree: bool = True
    why: str | None = None
    why_not: str | None = None


class Parity(msgspec.Struct, frozen=True):
    """All outputs. ``why`` says what disagrees, ``why_not`` why an agreement proves nothing.

    ``agrees``: every output agrees. ``proves``: at least one output could have come out otherwise; the rows say which.
    """

    agrees: bool
    proves: bool
    tolerance: Tolerance
    outputs: list[OutputParity]
    max_abs: float | None = None
    max_rel: float | None = None
    why: str | None = None
    why_not: str | None = None
