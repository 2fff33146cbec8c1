"""What the Python model predicts, and what that can prove: taken once, before anything is converted."""

import numpy as np

from tfjs_case import branches, convert, given, judgement, search, strength
from tfjs_case.build import Built
from tfjs_case.rewrites import precision
from tfjs_case.signatures import forget_states, signature

_LARGEST_ROW = 600_000
"""Elements of one row of inputs beyond which no backward pass is made: it keeps what every layer gives."""


class Taken:
    """``batches``: [(inputs, outputs), …], each [(name, array), …]. ``noise``: output → how far rounding, or a lower
    precision than float32, moves it. ``logits``: of each batch the Logits to compare, by output; ``logits_noise`` as
    ``noise``. ``random``: outputs that differ from themselves. ``facts``: an outcomes.Reference.
    """

    def __init__(self, batches, noise, random, facts, logits=(), logits_noise=None):
        self.batches, self.noise, self.random, self.facts = batches, noise, random, facts
        self.logits, self.logits_noise = logits, logits_noise or {}


def take(tf, job, built):
    """The reference of a model. Raises what the model raises where it cannot be run."""
    made = precision.precision_of(built.model) if built.function is None else ""
    shown = _twin(built) if made else None
    own = signature(tf, job, built, built.inputs)
    searcher = search.Searcher(tf, own, job["compared_by"])
    if built.inputs is not None:
        inputs = given.matched(built.inputs, own.specs)
        outputs, logits = own.predict_with_logits(inputs)
        attempt = search.Attempt(inputs, outputs, ["given"] * len(inputs), None, logits)
        attempt = searcher.judged_by_logits_too(attempt)
        second = search.further_of_given(own, attempt)
    else:
        attempt = searcher.search()
        second = searcher.further(attempt)
        if second is not None and searcher.tried > 1:
            searcher.noise_of_both(attempt, second)
    attempts = [attempt] + ([second] if second is not None else [])
    conditionals = (
        branches.conditionals(tf, built.model, own) if searcher.elements(attempt) <= strength.LARGEST else None
    )
    if conditionals is not None and built.inputs is None:
        for other in searcher.into_branches(attempts, conditionals):
            searcher.noise_of_both(attempt, other)
            attempts.append(other)
    if attempt.strength is None and not attempt.not_measured and attempt.proves:
        _measure_one_row(searcher, attempts)
    _prove_together(searcher, attempts)
    random = _random(searcher, own, attempts)
    facts = {
        "source": "user" if built.inputs is not None else "model" if searcher.tried == 1 else "search",
        "inputs": _inputs(attempt),
        "batches": len(attempts),
        "tried": searcher.tried,
        "random": sorted(random),
        "signature": built.signature,
        "traced": built.traced,
        **_strength(attempt),
        **_branches(conditionals, attempts),
    }
    facts.update(_proof(searcher, built, attempts, random))
    if job["route"]["serialize"] == "saved-model":
        facts["export"] = _export(convert.exported_by(tf, built))
    used = {each["output"] for each in facts["logits"]}
    if shown is not None:
        facts["twin"] = made
        return _by_twin(tf, job, shown, attempts, used, random, facts)
    batches = [(each.inputs, each.outputs) for each in attempts]
    every_logits = [{name: each.logits[name] for name in used} for each in attempts]
    return Taken(batches, attempt.noise, random, facts, every_logits, attempt.logits_noise)


def _export(by):
    if by is None:
        return None
    specs, call = by
    return {
        "specs": ["tf.TensorSpec(%r, %r, %r)" % (spec.shape, spec.dtype, spec.name) for spec in specs],
        "call": call,
    }


def _prove_together(searcher, attempts):
    """Measure what only the two batches together prove: a single number, another class for all rows."""
    first = attempts[0]
    if first.proves or first.not_measured:
        return
    for name, values in first.outputs:
        every = [dict(each.outputs)[name] for each in attempts]
        first.reasons[name] = judgement.why_nothing(every, searcher.allowed(first, name, values))
    if first.proves:
        searcher.measure(first)


def _measure_one_row(searcher, attempts):
    """Measure on the second, smaller batch: that of a large model keeps gigabytes."""
    smallest = attempts[-1]
    if sum(values.size for _, values in smallest.inputs) > _LARGEST_ROW:
        attempts[0].not_measured = "a backward pass of a model of this size takes too much memory"
        return
    for name, _ in smallest.outputs:
        smallest.reasons.setdefault(name, attempts[0].reasons.get(name))
        smallest.noise.setdefault(name, attempts[0].noise.get(name))
    smallest.logits_noise = attempts[0].logits_noise
    smallest.logits_reasons = {
        name: reason for name, reason in attempts[0].logits_reasons.items() if name in smallest.logits
    }
    searcher.measure(smallest)
    attempts[0].strength, attempts[0].not_measured = smallest.strength, smallest.not_measured


def _strength(attempt):
    if attempt.strength is not None:
        return {"strength": attempt.strength}
    return {"not_measured": attempt.not_measured or ("" if attempt.proves else "the outputs prove nothing")}


def _branches(conditionals, attempts):
    if conditionals is None:
        return {}
    missing = conditionals.every.difference(*(conditionals.taken(each.inputs) for each in attempts))
    one_sided = sorted({name for name, _ in missing})
    return {"conditionals": len(conditionals.names), "one_sided": one_sided}


def _random(searcher, own, attempts):
    """The outputs that are others when the model predicts for the same input once more."""
    repeated = next((each for each in attempts if each.again is not None), attempts[-1])
    again = repeated.again
    second = own.predict(repeated.inputs) if again is None else [(name, np.asarray(value)) for name, value in again]
    found = set()
    for (name, values), (_, other) in zip(repeated.outputs, second):
        if values.shape != other.shape:
            found.add(name)
        elif judgement.kind_of(values) == "string":
            found.update([name] if list(values.ravel()) != list(other.ravel()) else [])
        else:
            first, then = judgement.wide(values), judgement.wide(other)
            both = np.isfinite(first) & np.isfinite(then)
            far = float(np.abs(first[both] - then[both]).max(initial=0.0))
            if far > searcher.allowed(repeated, name, values) or not np.array_equal(
                np.isfinite(first), np.isfinite(then)
            ):
                found.add(name)
    return found


def _inputs(attempt):
    return [
        {"name": name, "dtype": _dtype(values), "shape": list(values.shape), "values": words}
        for (name, values), words in zip(attempt.inputs, attempt.words)
    ]


def _dtype(values):
    return "string" if values.dtype.kind in "OSU" else values.dtype.name


def _proof(searcher, built, attempts, random):
    """Why nothing can be proven, if so (the kind and a sentence); else which logits prove what outputs do not show."""
    first, reasons, logits = attempts[0], [], []
    for name, values in first.outputs:
        if name in random:
            continue
        every = [dict(each.outputs)[name] for each in attempts]
        reason = judgement.why_nothing(every, searcher.allowed(first, name, values))
        reasons.append((name, reason))
        if name in first.logits_reasons and _logits_prove(searcher, attempts, name):
            why = reason.words if reason is not None else ""
            logits.append({"output": name, "activation": first.logits[name].activation, "why": why})
    if logits or any(reason is None for _, reason in reasons):
        return {"logits": logits}
    if not reasons:
        why = "two predictions for the same input differ" if random else "the model has no outputs"
        return {"logits": [], "no_proof": "random" if random else "empty", "why": why}
    explained = [(name, _explained(built.model, reason)) for name, reason in reasons]
    words = "; ".join("output %s %s" % (name, reason.words) for name, reason in explained)
    return {"logits": [], "no_proof": explained[0][1].kind, "why": words}


def _logits_prove(searcher, attempts, name):
    every = [each.logits[name].values for each in attempts if name in each.logits]
    allowed = searcher.allowed_of_logits(attempts[0], name, attempts[0].logits[name])
    return len(every) == len(attempts) and judgement.why_nothing(every, allowed) is None


def _explained(model, reason):
    """The reason with what in the model makes it so, where that is seen."""
    if reason.kind not in ("zero", "constant"):
        return reason
    zero = [
        str(getattr(weight, "path", None) or weight.name)
        for weight in getattr(model, "weights", None) or []
        if len(weight.shape) > 1 and not np.any(np.asarray(weight))
    ]
    if zero:
        return judgement.Nothing(
            "zero-weights", "%s: the weights %s are all zero" % (reason.words, ", ".join(zero[:3]))
        )
    if reason.kind == "zero" and _ends_in_relu(model):
        return judgement.Nothing("dead-relu", reason.words + ": what its last ReLU is given is never positive")
    return reason


def _ends_in_relu(model):
    layers = getattr(model, "layers", None) or []
    names = set(getattr(model, "output_names", None) or [])
    ends = [layer for layer in layers if layer.name in names] or list(layers[-1:])
    for layer in ends:
        activation = getattr(layer, "activation", None)
        if type(layer).__name__ == "ReLU" or getattr(activation, "__name__", "") == "relu":
            return True
    return False


def _twin(built):
    """A built float32 twin, or None where the model cannot be made again from its config."""
    try:
        twin = precision.float32_twin(built.model)
    except Exception:
        return None
    forget_states(twin)
    return Built(twin)


def _by_twin(tf, job, shown, attempts, used, random, facts):
    """The twin's predictions, and how far the model's own are from them: so far TensorFlow.js may be too.

    ``used``: the outputs whose logits are compared.
    """
    own = signature(tf, job, shown)
    batches, every_logits, noise, logits_noise = [], [], {}, {}
    for attempt in attempts:
        # By their order: Keras 3 counts on when it names the inputs of a model that is made again.
        cast = [
            values if values.dtype.kind in "OSU" else values.astype(spec.dtype)
            for spec, (_, values) in zip(own.specs, attempt.inputs)
        ]
        predicted, found = own.predict_with_logits([(spec.name, values) for spec, values in zip(own.specs, cast)])
        logits = {}
        for (name, values), (of_twin, other) in zip(attempt.outputs, predicted):
            if judgement.kind_of(values) == "float":
                noise[name] = max(noise.get(name, 0.0), _apart(values, other))
            if name in used and of_twin in found:
                logits[name] = found[of_twin]
                far = _apart(attempt.logits[name].values, found[of_twin].values)
                logits_noise[name] = max(logits_noise.get(name, 0.0), far)
        inputs = [(name, values) for (name, _), values in zip(attempt.inputs, cast)]
        batches.append((inputs, [(name, other) for (name, _), (_, other) in zip(attempt.outputs, predicted)]))
        every_logits.append(logits)
    return Taken(batches, noise, random, facts, every_logits, logits_noise)


def _apart(values, other):
    far = np.abs(judgement.wide(values) - judgement.wide(other))
    return float(far[np.isfinite(far)].max(initial=0.0)) / judgement.NOISE_TIMES
