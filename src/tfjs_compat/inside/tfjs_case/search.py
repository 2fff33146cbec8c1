"""Inputs that prove something: first what the model says of itself, then other scales and seeds."""

import itertools

import numpy as np

from tfjs_case import judgement, ranges, strength

BATCH, BATCH_OF_A_LARGE_MODEL = 3, 2
"""Rows of the first batch. TensorFlow.js takes a minute for a row of the largest models, on its CPU backend."""

OPEN_SIZES = (16, 32, 64, 96, 224, 8, 5)
"""Tried in this order for dimensions that the model leaves open, until every output has something in it."""

_MOST_WITHOUT_PROOF, _MOST_OF_A_LARGE_MODEL, _MOST_TO_SHOW_MORE = 10, 4, 2
"""How many other inputs are tried where the first prove nothing (of a model that takes seconds for each: fewer), and
where they do but hide some of the model."""

_MOST_FOR_BRANCHES = 3
"""How many batches are added for branches that the first two do not take."""

_LARGER_SIZES = 2
"""How many larger sizes of open dimensions are tried where nothing shows at the first."""

_VERY_LARGE = 1024
"""A size of open dimensions at which nothing is empty for want of size. A model is traced with it, and never run."""

_CHEAP = 1 << 20
"""Elements of inputs and weights together up to which it is worth looking for inputs that hide less."""


class Attempt:
    """Inputs that ran, what the model gives for them, and what that proves.

    ``noise`` maps an output to how far rounding alone moves it, where that decides; ``reasons`` to why agreement on it
    would prove nothing (None: it would). ``logits`` maps some to their Logits, ``logits_noise`` and ``logits_reasons``
    are the same of them; the reasons are empty as long as the outputs do without. ``strength`` is None until measured,
    ``again`` the outputs of that pass.
    """

    def __init__(self, inputs, outputs, words, open_size, logits=None):
        self.inputs, self.outputs, self.words, self.open_size = inputs, outputs, words, open_size
        self.logits = logits or {}
        self.noise, self.reasons = {}, {}
        self.logits_noise, self.logits_reasons = {}, {}
        self.strength, self.not_measured, self.again = None, "", None
        self.drawn = None

    @property
    def proven(self):
        """The outputs that prove something, by themselves or by their logits."""
        reasons = [*self.reasons.items(), *self.logits_reasons.items()]
        return {name for name, reason in reasons if reason is None}

    @property
    def proves(self):
        return bool(self.proven)

    @property
    def rank(self):
        shown = self.strength["shown"] if self.strength else 0
        return len(self.proven), shown

    @property
    def complete(self):
        """Whether no other inputs are worth trying. A tenth may stay hidden: keys of attention have a bias that never
        shows, for a softmax takes no notice of it."""
        hidden = self.strength["tensors"] - self.strength["shown"] if self.strength is not None else 0
        few = self.strength is None or 10 * hidden <= self.strength["tensors"]
        return len(self.proven) == len(self.reasons) and few


class Searcher:
    """Looks for inputs of one model. ``tolerance``: what outputs may differ by, as the comparison is given it."""

    def __init__(self, tf, signature, tolerance):
        self._tf, self._signature, self._tolerance = tf, signature, tolerance
        self.tried = 0
        self._weights = sum(int(np.prod(variable.shape)) for variable in signature.variables)
        self._rows = BATCH_OF_A_LARGE_MODEL if self._weights > strength.LARGEST else BATCH

    def search(self):
        """The best attempt. Raises what the model raises where it takes none of the inputs."""
        drawn, size, first = self._first()
        best = self.judged_by_logits_too(first)
        best = best if best.proves else self._larger(best) or best
        size = best.open_size
        plain = [values.words.partition(" (")[0] for values in drawn]
        for others, seed in self._others(drawn):
            without = _MOST_WITHOUT_PROOF if self._is_cheap(best) else _MOST_OF_A_LARGE_MODEL
            limit = _MOST_TO_SHOW_MORE if best.proves else without
            if best.complete or self.tried > limit or (best.proves and not self._is_cheap(best)):
                break
            if seed == 1 and [values.words.partition(" (")[0] for values in others] == plain:
                continue
            try:
                # Values that nothing asks for may be magnified, and rounding with them: that is measured.
                other = self.judged(self.attempt(others, size, self._rows, seed), measure_noise=True)
            except Exception:
                self.tried += 1
                continue
            shows_nothing = other.strength is not None and other.strength["shown"] == 0
            best = other if other.rank > best.rank and not shows_nothing else best
        return best

    def _first(self):
        """Values, a size for open dimensions, and an attempt in which every output has something in it."""
        specs, error, fallback = self._signature.specs, None, None
        told, plain = [ranges.told_by(spec) for spec in specs], [ranges.by_dtype(spec) for spec in specs]
        ways = [told, plain] if any(spec.consumers for spec in specs) else [told]
        sizes = OPEN_SIZES if any(None in spec.shape[1:] for spec in specs) else OPEN_SIZES[:1]
        for size in sizes:
            if len(sizes) > 1 and self._leaves_nothing(size, self._rows):
                continue
            for drawn in itertools.chain(ways, self._cautious(told)):
                if drawn not in ways and (fallback is not None or not _refuses_values(error)):
                    break
                try:
                    found = self.attempt(drawn, size, self._rows)
                except Exception as raised:
                    error = error or raised
                    continue
                if all(_has_something(value) for _, value in found.outputs):
                    return drawn, size, found
                fallback = fallback or (drawn, size, found)
        if fallback is None:
            raise error or ValueError("at none of the sizes %s does something come out" % (sizes,))
        return fallback

    def _larger(self, best):
        """An attempt with a larger size of open dimensions that proves something: at a small one the features that a
        network ends in may be empty, which shapes do not always say. None where there is none."""
        if not any(None in spec.shape[1:] for spec in self._signature.specs):
            return None
        for size in [size for size in OPEN_SIZES if size > best.open_size][:_LARGER_SIZES]:
            try:
                found = self.judged(self.attempt(best.drawn, size, self._rows))
            except Exception:
                continue
            if found.proves:
                return found
        return None

    def _cautious(self, told):
        """Values of a narrower range for all inputs together, for a model that raises on those before."""
        lists = [ranges.cautious(spec) for spec in self._signature.specs]
        for number in range(max((len(others) for others in lists), default=0)):
            yield [others[min(number, len(others) - 1)] if others else own for others, own in zip(lists, told)]

    def _others(self, drawn):
        """Other values of other seeds, for all inputs together."""
        lists = [ranges.alternatives(spec) for spec in self._signature.specs]
        for number in range(max((len(others) for others in lists), default=0)):
            yield [others[number] if number < len(others) else own for others, own in zip(lists, drawn)], 1
            if number == 1:
                yield drawn, 2
        yield drawn, 3
        yield drawn, 4

    def _leaves_nothing(self, size, rows):
        """Whether some layer has nothing left of an input with open dimensions of this size, by the shapes alone.

        Not by running it: convolutions over nothing give NaN, or end the process. What is empty at a very large size
        too is not so on account of the size: the rest of a split in Keras 2's GRUCell is.
        """
        empty = self._empty_at(size, rows)
        if not empty:
            return empty is None
        in_any_case = self._empty_at(_VERY_LARGE, rows)
        return in_any_case is None or not empty <= in_any_case

    def _empty_at(self, size, rows):
        """The names of the operations that have no elements at a size of open dimensions; None where it is refused."""
        tensors = [self._tf.TensorSpec(_shape(spec, size, rows), spec.dtype) for spec in self._signature.specs]
        try:
            traced = self._tf.function(lambda *arrays: self._signature.call(list(arrays)))
            operations = traced.get_concrete_function(*tensors).graph.get_operations()
        except ValueError:
            # Keras and TensorFlow refuse sizes below zero so, and shapes that do not fit.
            return None
        except Exception:
            return set()
        outputs = [(each.name, output) for each in operations for output in each.outputs if output.dtype.is_floating]
        shapes = [(name, output.shape) for name, output in outputs]
        return {name for name, shape in shapes if shape.rank is not None and shape.rank > 1 and 0 in shape.as_list()}

    def attempt(self, drawn, size, rows, seed=0):
        """Inputs drawn for the model, and its predictions on them. Raises what the model raises."""
        specs = self._signature.specs
        inputs = [
            (spec.name, values.array(_shape(spec, size, rows), spec.dtype, number, seed))
            for number, (spec, values) in enumerate(zip(specs, drawn))
        ]
        words = [values.words for values in drawn]
        outputs, logits = self._signature.predict_with_logits(inputs)
        found = Attempt(inputs, outputs, words, size, logits)
        found.drawn = drawn
        return found

    def judged(self, attempt, measure_noise=False):
        """The attempt, with what it proves. Measures how much of the model shows where it proves something.

        ``measure_noise``: of every output, not only of small ones.
        """
        self.tried += 1
        for name, values in attempt.outputs:
            attempt.noise[name] = self._noise(attempt, name, values, measure_noise)
        for name, values in attempt.outputs:
            attempt.reasons[name] = judgement.why_nothing([values], self.allowed(attempt, name, values))
        is_large = self.elements(attempt) > strength.LARGEST
        # A large model is measured once, in the end: with all that can show.
        if is_large or not attempt.complete:
            self._judge_logits(attempt)
        if attempt.proves and not is_large:
            self.measure(attempt)
            if not attempt.complete and attempt.logits and not attempt.logits_reasons:
                self._judge_logits(attempt)
                self.measure(attempt)
        return attempt

    def judged_by_logits_too(self, attempt):
        """As ``judged``; of a model that proves nothing and whose logits Keras does not keep, by those of its graph."""
        judged = self.judged(attempt)
        if judged.proves or judged.logits or not self._signature.trace_logits(self._tf):
            return judged
        outputs, logits = self._signature.predict_with_logits(attempt.inputs)
        other = Attempt(attempt.inputs, outputs, attempt.words, attempt.open_size, logits)
        other.drawn = attempt.drawn
        self.tried -= 1
        return self.judged(other)

    def _judge_logits(self, attempt):
        shaken = self._shaken(attempt)[1] if attempt.logits else {}
        for name, logits in attempt.logits.items():
            other = shaken.get(name)
            attempt.logits_noise[name] = _largest_difference(other and other.values, logits.values)
            allowed = self.allowed_of_logits(attempt, name, logits)
            attempt.logits_reasons[name] = judgement.why_nothing([logits.values], allowed)

    def measure(self, attempt):
        """Measure how much of the model shows in the outputs and logits that prove something."""
        allowed = {
            name: self.allowed(attempt, name, values)
            for name, values in attempt.outputs
            if attempt.reasons.get(name) is None
        }
        of_logits = {
            name: self.allowed_of_logits(attempt, name, attempt.logits[name])
            for name, reason in attempt.logits_reasons.items()
            if reason is None
        }
        try:
            attempt.strength, attempt.again = strength.measure(
                self._tf, self._signature, attempt.inputs, allowed, of_logits
            )
        except strength.NotMeasured as reason:
            attempt.not_measured = str(reason)
        except Exception as error:
            # An operation without a gradient, a loop that TensorFlow cannot turn round.
            attempt.not_measured = "the backward pass failed: %s: %s" % (type(error).__name__, str(error)[:200])

    def allowed(self, attempt, name, values):
        """What an output may differ by."""
        return self._allowed(values, attempt.noise.get(name))

    def allowed_of_logits(self, attempt, name, logits):
        """What the logits of an output may differ by."""
        return self._allowed(logits.values, attempt.logits_noise.get(name))

    def _allowed(self, values, noise):
        return judgement.allowed_for(values, self._tolerance["absolute"], self._tolerance["relative"], noise)

    def _noise(self, attempt, name, values, always):
        """How far changing every input by its last bit moves a small output; None where its size makes that idle."""
        tolerance = self._tolerance
        if judgement.kind_of(values) != "float" or values.dtype == np.float16:
            return None
        scale = judgement.scale_of(judgement.wide(values))
        if scale == 0 or (scale >= 10 * tolerance["absolute"] / tolerance["relative"] and not always):
            return None
        return _largest_difference(self._shaken(attempt)[0].get(name), values)

    def _shaken(self, attempt):
        """Outputs and Logits by name for inputs that differ in their last bits; empty where no input has such."""
        if not hasattr(attempt, "shaken"):
            attempt.shaken = self._shake(attempt)
        return attempt.shaken

    def _shake(self, attempt):
        random, inputs, any_float = np.random.RandomState(1), [], False
        for name, values in attempt.inputs:
            if values.dtype in (np.float32, np.float64):
                any_float = True
                step = random.choice([-1.0, 1.0], size=values.shape) * np.finfo(np.float32).eps
                values = (values * (1.0 + step)).astype(values.dtype)
            inputs.append((name, values))
        if not any_float:
            return {}, {}
        try:
            outputs, logits = self._signature.predict_with_logits(inputs)
        except Exception:
            return {}, {}
        return dict(outputs), logits

    def elements(self, attempt):
        """How many numbers the model's weights and an attempt's inputs have together."""
        return self._weights + sum(values.size for _, values in attempt.inputs)

    def _is_cheap(self, attempt):
        return self.elements(attempt) <= _CHEAP

    def noise_of_both(self, attempt, second):
        """Of inputs that nothing asked for: the larger noise of the two batches, by output."""
        for name, values in second.outputs:
            noise = self._noise(second, name, values, always=True)
            if noise is not None:
                attempt.noise[name] = max(attempt.noise.get(name) or 0.0, noise)

    def further(self, attempt):
        """A second batch: another number of rows where that is open, another size of open dimensions, other values.

        None where the model takes none.
        """
        first = attempt.open_size
        has_open = any(None in spec.shape[1:] for spec in self._signature.specs)
        for size in [3 * first // 2, 2 * first, 3 * first // 4, first] if has_open else [first]:
            # Of a larger input more is left; to ask takes a trace, seconds of a large model.
            if size < (first or 0) and self._leaves_nothing(size, 1):
                continue
            try:
                found = self.attempt(attempt.drawn, size, 1, seed=11)
            except Exception:
                continue
            if all(_has_something(value) for _, value in found.outputs):
                return found
        return None

    def into_branches(self, attempts, conditionals):
        """Further attempts, whose inputs take branches that those of the given attempts do not."""
        found, first = [], attempts[0]
        missing = conditionals.every.difference(*(conditionals.taken(each.inputs) for each in attempts))
        for others, seed in self._others(first.drawn) if missing else ():
            try:
                other = self.attempt(others, first.open_size, self._rows, seed)
                taken = conditionals.taken(other.inputs) & missing
            except Exception:
                continue
            if taken and all(_has_something(value) for _, value in other.outputs):
                missing -= taken
                found.append(other)
            if not missing or len(found) == _MOST_FOR_BRANCHES:
                break
        return found


def further_of_given(signature, attempt):
    """A second batch of the inputs that the user gave: their first row, or the only one twice. None where none is."""
    arrays = [values for _, values in attempt.inputs]
    specs = signature.specs
    batched = [spec.shape and spec.shape[0] is None for spec in specs]
    lengths = {values.shape[0] for values, is_open in zip(arrays, batched) if is_open and values.ndim}
    if not any(batched) or len(lengths) != 1 or 0 in lengths:
        return None
    single = lengths == {1}
    inputs = [
        (name, (np.concatenate([values, values]) if single else values[:1]) if is_open else values)
        for (name, values), is_open in zip(attempt.inputs, batched)
    ]
    try:
        outputs, logits = signature.predict_with_logits(inputs)
    except Exception:
        return None
    found = Attempt(inputs, outputs, attempt.words, None, logits)
    return found if all(_has_something(value) for _, value in found.outputs) else None


def _refuses_values(error):
    """Whether a model raised on account of values: an assertion of it, an index that is too large."""
    return any(kind.__name__ in ("InvalidArgumentError", "AssertionError") for kind in type(error).__mro__)


def _largest_difference(shaken, values):
    """How far two predictions are apart at most; None where they cannot be compared."""
    if shaken is None or shaken.shape != values.shape:
        return None
    difference = np.abs(judgement.wide(shaken) - judgement.wide(values))
    return float(difference[np.isfinite(difference)].max(initial=0.0))


def _shape(spec, open_size, rows):
    return [
        rows if axis == 0 and size is None else open_size if size is None else size
        for axis, size in enumerate(spec.shape)
    ]


def _has_something(values):
    """Whether an output has elements, and not only NaN: of a mean over nothing."""
    if values.size == 0:
        return False
    return judgement.kind_of(values) not in ("float", "complex") or bool(np.isfinite(judgement.wide(values)).any())
