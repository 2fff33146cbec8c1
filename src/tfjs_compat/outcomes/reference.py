"""What the Python model itself was asked before it was converted, and what that can prove, as values."""

from __future__ import annotations

import enum
from typing import Literal

import msgspec


class NoProof(str, enum.Enum):
    """Why the predictions of the Python model prove nothing, whatever a conversion makes of them.

    A property of the model and its inputs, found in one environment before anything is converted: another version of a
    package does not change it, other inputs or another model do. A search may stop at it.

    ``EMPTY``: outputs without elements. ``NOT_FINITE``: NaN or infinity. ``ZERO``: all zero, for no known reason.
    ``DEAD_RELU``: a last ReLU gives zero only. ``ZERO_WEIGHTS``: weights are all zero. ``SATURATED``: softmax or
    sigmoid at 0 and 1. ``CONSTANT``: the same for every input. ``RANDOM``: two predictions for the same input differ.
    ``NO_REFERENCE``: the model could not be run; alone of these it may differ between versions. ``WRONG_INPUTS``: the
    inputs that were given are not those of the model.
    """

    EMPTY = "empty"
    NOT_FINITE = "not-finite"
    ZERO = "zero"
    DEAD_RELU = "dead-relu"
    ZERO_WEIGHTS = "zero-weights"
    SATURATED = "saturated"
    CONSTANT = "constant"
    RANDOM = "random"
    NO_REFERENCE = "no-reference"
    WRONG_INPUTS = "wrong-inputs"

    def __str__(self) -> str:
        return self.value


class InputUsed(msgspec.Struct, frozen=True):
    """One input of the comparison: its shape in the first batch, and in words what values it held."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    values: str


class LogitsUsed(msgspec.Struct, frozen=True):
    """An output whose logits were compared, what its last ``activation`` (softmax or sigmoid) is given, because they
    show what the output does not. ``why``: the output itself proves nothing, in words; empty where it shows too little.
    """

    output: str
    activation: str
    why: str = ""


class Strength(msgspec.Struct, frozen=True):
    """How much of a model shows in a comparison.

    A weight tensor shows where a change of each of its values by about a tenth of the tensor's size moves the compared
    outputs by more than they may differ. ``tensors`` were asked about, ``shown`` show, ``hidden`` names the first of
    those that do not. By one backward pass of the Python model. ``faint``: the first weights that multiply what layers
    give (``gamma`` of a normalization, of LayerScale) and are zero or nearly, so that what goes through hardly counts.
    """

    tensors: int
    shown: int
    hidden: tuple[str, ...] = ()
    faint: tuple[str, ...] = ()

    @property
    def why_hidden(self) -> str:
        """Why some do not show, in words; empty where that is not known."""
        if not self.faint:
            return ""
        more = ", …" if len(self.faint) > 1 else ""
        return f"what is multiplied by {self.faint[0]}{more} hardly counts: zero or nearly"


class Export(msgspec.Struct, frozen=True):
    """How a subclassed Keras 3 model was exported whose own ``export`` would take its inputs for something else.

    ``specs``: what each of ``inputs`` is, ``call``: the call of ``model`` with them; both in Python.
    """

    specs: tuple[str, ...]
    call: str


class Reference(msgspec.Struct, frozen=True):
    """The predictions that TensorFlow.js was compared with: where their inputs came from, and what they can prove.

    ``source``: the user, what the model says of itself, or a search because that proved nothing. ``tried`` is how many
    inputs were looked at, ``batches`` how many were kept: each is one comparison. ``no_proof`` is None where they can
    prove something. ``strength`` is None where it was not measured, ``not_measured`` says why. ``random`` names the
    outputs that differ from themselves and were left out. ``conditionals``: how many conditionals on data the model
    has; ``one_sided`` names those of which no input took one of the branches, so that nothing is known of it.
    ``logits``: outputs that are compared by their logits as well. ``twin`` names the precision that Python computes in,
    where the predictions are those of a float32 twin with the same weights. ``signature`` names the function of a
    SavedModel or a tf.Module that was converted (``function`` for one alone), empty for a Keras model; ``traced``: for
    the inputs that the user gave. ``export``: how a Keras model was exported, None where its own ``export`` did it.
    """

    source: Literal["user", "model", "search"] = "model"
    inputs: tuple[InputUsed, ...] = ()
    batches: int = 0
    tried: int = 1
    no_proof: NoProof | None = None
    why: str = ""
    strength: Strength | None = None
    not_measured: str = ""
    random: tuple[str, ...] = ()
    conditionals: int = 0
    one_sided: tuple[str, ...] = ()
    logits: tuple[LogitsUsed, ...] = ()
    twin: str = ""
    signature: str = ""
    traced: bool = False
    export: Export | None = None
