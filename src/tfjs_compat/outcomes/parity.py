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
"""In the output's own unit: what cancellation leaves of float32 numbers near 1 that should be 0. It stands in where it
was not measured how far rounding moves the output; where it was, the output's own scale decides, however small."""


class Tolerance(msgspec.Struct, frozen=True):
    """What two floating-point outputs may differ by: ``absolute + relative * scale``."""

    absolute: float = ABSOLUTE
    relative: float = RELATIVE


class OutputParity(msgspec.Struct, frozen=True):
    """One output of a model, Python's beside TensorFlow.js's, over all batches; ``shape`` is that of the first.

    ``max_abs`` is the largest difference and ``allowed`` what it may be, both in the output's own unit; ``max_rel`` is
    ``max_abs`` divided by the output's scale. Both are None where no pair of finite numbers could be compared.
    ``informative``: with a broken model it would have come out otherwise; ``uninformative_reason`` says why not.
    """

    name: str
    shape: list[int]
    dtype: str
    agrees: bool
    informative: bool = msgspec.field(name="proves")
    allowed: float
    max_abs: float | None = None
    max_rel: float | None = None
    actual_shape: list[int] | None = None
    actual_dtype: str | None = None
    nonfinite_agree: bool = True
    disagreement: str | None = msgspec.field(default=None, name="why")
    uninformative_reason: str | None = msgspec.field(default=None, name="why_not")


class Parity(msgspec.Struct, frozen=True):
    """All outputs of a model; ``max_abs`` and ``max_rel`` are the largest of them.

    ``comparisons`` counts the batches that were compared: of another size, other values, other open dimensions.
    ``logits``: what the last softmax or sigmoid of an output is given, where the output itself does not show enough of
    the model; compared where the artifact has it too.
    ``agrees``: every output agrees, else ``disagreement`` says what does not. ``informative``: agreement of at least
    one output proves something (the rows say which), else ``uninformative_reason`` says why none does.
    """

    agrees: bool
    informative: bool = msgspec.field(name="proves")
    tolerance: Tolerance
    outputs: list[OutputParity]
    max_abs: float | None = None
    max_rel: float | None = None
    disagreement: str | None = msgspec.field(default=None, name="why")
    uninformative_reason: str | None = msgspec.field(default=None, name="why_not")
    comparisons: int = 1
    logits: list[OutputParity] = []
