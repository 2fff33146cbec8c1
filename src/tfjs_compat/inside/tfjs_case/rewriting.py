"""The twin of a model in TensorFlow.js's terms, proven against the model before it takes its place."""

import numpy as np

from tfjs_case import judgement
from tfjs_case.build import Built
from tfjs_case.rewrites import rewrite, walk
from tfjs_case.signatures import signature


class NotRewritten(Exception):
    """Nothing of the model can be rewritten, or nothing can prove it."""


class TwinDiffers(Exception):
    """The rewritten model predicts something else than the model in Python itself."""


def fitting(built, format):
    """The rewrites that fit layers of a model on a route of this format; none for what is no Keras model."""
    return walk.fitting(built.model, format) if built.function is None else []


def rewritten(tf, job, built, taken):
    """``(built, facts)``: the twin, and an outcomes.Rewriting. ``taken`` is the reference (None: there is none).

    Raises NotRewritten, TwinDiffers, and what Keras raises.
    """
    if built.function is not None:
        raise NotRewritten("a %s has no layers to rewrite" % type(built.model).__name__)
    if taken is None:
        raise NotRewritten("the model's own predictions could not be had, so that nothing proves a rewrite")
    try:
        made = walk.rewritten(built.model, job["route"]["format"])
    except rewrite.Refused as reason:
        raise NotRewritten(str(reason))
    twin = Built(made.model, built.module)
    twin.inputs, twin.called = built.inputs, built.called
    facts = {
        "rewrote": [{"id": id, "layers": layers} for id, layers in made.applied.items()],
        "max_abs": _proven(tf, job, twin, taken),
        "left": made.left,
    }
    return twin, facts


def _proven(tf, job, twin, taken):
    """The largest difference between the twin's predictions and the model's. Raises TwinDiffers."""
    if all(name in taken.random for _, outputs in taken.batches for name, _ in outputs):
        raise NotRewritten("every output of the model differs from itself, so that nothing proves a rewrite")
    own, tolerance, largest = signature(tf, job, twin, twin.inputs), job["tolerance"], 0.0
    for number, (inputs, outputs) in enumerate(taken.batches):
        named = [(spec.name, values) for spec, (_, values) in zip(own.specs, inputs)]
        predicted, logits = own.predict_with_logits(named)
        wanted = taken.logits[number] if taken.logits else {}
        for (name, values), (of_twin, other) in zip(outputs, predicted):
            if name in taken.random:
                continue
            if name in wanted and of_twin in logits:
                # What the output itself hides.
                first, second = wanted[name].values, logits[of_twin].values
                _require_near("logits of " + name, first, second, tolerance, taken.logits_noise.get(name))
            far = _require_near("output " + name, values, other, tolerance, taken.noise.get(name))
            largest = max(largest, far)
    return largest


def _require_near(what, values, other, tolerance, noise):
    """How far the twin's numbers are from the model's. Raises TwinDiffers where that is more than is allowed."""
    if values.shape != other.shape or judgement.kind_of(values) != judgement.kind_of(other):
        raise TwinDiffers(
            "%s: %s %s, rewritten %s %s" % (what, values.dtype.name, values.shape, other.dtype.name, other.shape)
        )
    allowed = judgement.allowed_for(values, tolerance["absolute"], tolerance["relative"], noise)
    far = _difference(values, other)
    if far > allowed:
        raise TwinDiffers("%s differs by %.3g, of %.3g allowed" % (what, far, allowed))
    return far


def _difference(values, other):
    """How far two arrays are apart; infinitely where their texts differ, or what is not finite stands elsewhere."""
    if judgement.kind_of(values) == "string":
        equal = [judgement.text_of(text) for text in values.ravel()] == [
            judgement.text_of(text) for text in other.ravel()
        ]
        return 0.0 if equal else float("inf")
    first, second = judgement.wide(values), judgement.wide(other)
    both = np.isfinite(first) & np.isfinite(second)
    same = np.where(both, 0.0, first).astype(str) == np.where(both, 0.0, second).astype(str)
    if not same.all():
        return float("inf")
    return float(np.abs(first[both] - second[both]).max(initial=0.0))
