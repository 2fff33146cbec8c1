"""Values for one input: kinds of them, each deterministic, uneven, and with rows that differ."""

import numpy as np

SEED = 20240410
WORDS = ("the", "cat", "sat", "on", "a", "mat", "zebra", "hello world", "", "unheard-of")


class Values:
    """How the values of an input are drawn. ``words`` says it to people; ``draw`` gives them for a source of random
    numbers, a shape and a number that makes inputs of one kind differ."""

    def __init__(self, words, draw):
        self.words, self.draw = words, draw

    def array(self, shape, dtype, number, seed=0):
        """``number`` is the input's place among the model's inputs, so that no two inputs are alike; ``seed`` gives
        others of the same kind."""
        random = np.random.RandomState((SEED + number + 7919 * seed) % (1 << 32))
        drawn = self.draw(random, tuple(shape), number + seed)
        return drawn if dtype == "string" else drawn.astype(dtype)


def _shown(value):
    return "%g" % value


def normal(mean=0.0, deviation=1.0, because=""):
    """Normal values, rows of different scale. ``mean`` and ``deviation`` may be arrays that fit the last axes."""

    def draw(random, shape, _):
        drawn = random.normal(0.0, 1.0, size=shape)
        if shape:
            # Rows of different scale: two that come out alike then mean something.
            drawn *= np.linspace(0.5, 1.5, shape[0]).reshape([-1] + [1] * (len(shape) - 1))
        try:
            return mean + deviation * drawn
        except ValueError:
            return np.mean(mean) + np.mean(deviation) * drawn

    middle, width = _shown(np.mean(mean)), _shown(np.mean(deviation))
    return Values("normal, mean %s, deviation %s%s" % (middle, width, because), draw)


def uniform(low, high, because="", whole=False):
    """Values between two ends.

    From rank 3 on they are like pictures, with a level of each row and channel and with large patches: the mean over a
    picture of noise alone is always the same.
    """

    def draw(random, shape, _):
        drawn = random.rand(*shape)
        if len(shape) > 2:
            level = random.rand(*([shape[0]] + [1] * (len(shape) - 2) + [shape[-1]]))
            drawn = 0.45 * level + 0.35 * _patches(random, shape) + 0.2 * drawn
        drawn = low + (high - low) * drawn
        return np.floor(drawn) if whole else drawn

    return Values("uniform, %s to %s%s" % (_shown(low), _shown(high), because), draw)


def _patches(random, shape):
    """Values in [0, 1) that are equal within large patches of the axes between the first and the last."""
    coarse = random.rand(*([shape[0]] + [min(4, size) for size in shape[1:-1]] + [shape[-1]]))
    for axis, size in enumerate(shape[1:-1], start=1):
        if size:
            coarse = np.take(coarse, np.arange(size) * coarse.shape[axis] // size, axis=axis)
    return coarse if coarse.size else np.zeros(shape)


def mixed(others, with_these):
    """Values of which every third is one of a list."""

    def draw(random, shape, number):
        drawn = others.draw(random, shape, number)
        places = (np.arange(drawn.size) + number) % 3 == 1
        drawn[places.reshape(shape)] = random.choice(np.asarray(with_these, dtype=drawn.dtype), size=int(places.sum()))
        return drawn

    return Values(others.words, draw)


def padded(unpadded, value, trailing, because=""):
    """The same values as sequences of different lengths: of three rows one is whole, one ends and one begins with steps
    that are all ``value``. ``trailing``: how many axes a step has.
    """

    def draw(random, shape, number):
        drawn = unpadded.draw(random, shape, number)
        steps = len(shape) - 1 - trailing
        for row in range(shape[0] if steps > 0 else 0):
            kind, along = (row + number) % 3, shape[steps]
            length = along - max(1, along * (1 + row % 3) // 4)
            if kind and length > 0:
                places = slice(length, None) if kind == 1 else slice(None, along - length)
                drawn[(row, *[slice(None)] * (steps - 1), places)] = value
        return drawn

    return Values("%s, rows padded with %s%s" % (unpadded.words, _shown(value), because), draw)


def integers(low, high, because=""):
    """Integers from ``low`` to ``high - 1``."""
    words = "integers, %d to %d%s" % (low, high - 1, because)
    return Values(words, lambda random, shape, _: random.randint(low, high, size=shape))


def choices(among, because=""):
    """Numbers of a list."""
    words = "of %d numbers%s" % (len(among), because)
    return Values(words, lambda random, shape, _: random.choice(np.asarray(among), size=shape))


def truths():
    return Values("true or false", lambda random, shape, _: random.rand(*shape) < 0.5)


def texts(words=WORDS, because="", joined=1):
    """Texts of a list, ``joined`` of them in each element."""

    def draw(_, shape, first):
        elements = np.empty(int(np.prod(shape)), dtype=object)
        for i in range(elements.size):
            elements[i] = " ".join(words[(i * 7 + k * 3 + first) % len(words)] for k in range(1 + i % joined))
        return elements.reshape(shape)

    return Values("words%s" % because, draw)
