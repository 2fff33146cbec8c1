"""Random numbers whose seed is a variable, in a graph: drawn by operations that TensorFlow.js has.

Keras 3 draws by seeds that it keeps. In a frozen graph such a seed is a constant, of a type that TensorFlow.js has
not, and the numbers would be the same at each call.
"""

import contextlib


@contextlib.contextmanager
def drawn_without_seeds():
    """Until it ends, random numbers in a graph whose seed is not constant are drawn by operations without one."""
    import tensorflow as tf
    from tensorflow.python.ops import stateless_random_ops as seeded

    def drawing(own, plain):
        def draw(shape, seed, *args, **keywords):
            if not _varies(tf, seed):
                return own(shape, seed, *args, **keywords)
            keywords.pop("alg", None)
            return plain(shape, *args, **keywords)

        return draw

    def choosing(own):
        def choose(logits, num_samples, seed, *args, **keywords):
            if not _varies(tf, seed):
                return own(logits, num_samples, seed, *args, **keywords)
            return tf.random.categorical(logits, num_samples, *args, **keywords)

        return choose

    normal, uniform = seeded.stateless_random_normal, seeded.stateless_random_uniform
    cut, chosen = seeded.stateless_truncated_normal, seeded.stateless_categorical
    places = (
        (seeded, "stateless_random_normal", drawing(normal, tf.random.normal)),
        (tf.random, "stateless_normal", drawing(normal, tf.random.normal)),
        (seeded, "stateless_random_uniform", drawing(uniform, tf.random.uniform)),
        (tf.random, "stateless_uniform", drawing(uniform, tf.random.uniform)),
        (seeded, "stateless_truncated_normal", drawing(cut, tf.random.truncated_normal)),
        (tf.random, "stateless_truncated_normal", drawing(cut, tf.random.truncated_normal)),
        (tf.random, "stateless_categorical", choosing(chosen)),
    )
    own = [(module, name, getattr(module, name)) for module, name, _ in places]
    for module, name, function in places:
        setattr(module, name, function)
    try:
        yield
    finally:
        for module, name, function in own:
            setattr(module, name, function)


def _varies(tf, seed):
    """Whether a symbolic tensor is computed from anything but constants."""
    if not tf.is_tensor(seed) or not hasattr(seed, "graph"):
        return False
    operations, seen = [seed.op], set()
    while operations:
        operation = operations.pop()
        if operation.name in seen:
            continue
        seen.add(operation.name)
        if not operation.inputs and operation.type != "Const":
            return True
        operations += [tensor.op for tensor in operation.inputs]
    return False
