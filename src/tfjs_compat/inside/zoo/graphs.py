"""How layers are put together."""

from tensorflow import keras

from ._weights import random_weights

layers = keras.layers


@random_weights
def multi_input():
    """An image and numbers, joined."""
    image = keras.Input(shape=(8, 8, 1), name="image")
    numbers = keras.Input(shape=(4,), name="numbers")
    x = layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(image))
    x = layers.Concatenate()([x, layers.Dense(6, activation="relu")(numbers)])
    return keras.Model([image, numbers], layers.Dense(2)(x))


@random_weights
def multi_output():
    """One trunk with a classifying and a regressing head."""
    inputs = keras.Input(shape=(8,))
    x = layers.Dense(12, activation="relu")(inputs)
    label = layers.Dense(3, activation="softmax", name="label")(x)
    amount = layers.Dense(1, name="amount")(x)
    return keras.Model(inputs, [label, amount])


@random_weights
def shared_layers():
    """A siamese network: the same layers applied to two inputs."""
    left, right = keras.Input(shape=(6,), name="left"), keras.Input(shape=(6,), name="right")
    first, second = layers.Dense(8, activation="relu"), layers.Dense(5, activation="tanh")
    x = layers.Concatenate()([second(first(left)), second(first(right))])
    return keras.Model([left, right], layers.Dense(2)(x))


@random_weights
def difference():
    """Two towers joined by Subtract, which TensorFlow.js has no layer for."""
    left, right = keras.Input(shape=(6,), name="left"), keras.Input(shape=(6,), name="right")
    x = layers.Subtract()([layers.Dense(5)(left), layers.Dense(5)(right)])
    return keras.Model([left, right], layers.Dense(2)(x))


@random_weights
def nested():
    """A functional model and a Sequential inside another model, as in transfer learning."""
    inner_input = keras.Input(shape=(10, 10, 3))
    x = layers.BatchNormalization()(layers.Conv2D(6, 3, activation="relu")(inner_input))
    base = keras.Model(inner_input, layers.GlobalAveragePooling2D()(x), name="base")
    base.trainable = False
    head = keras.Sequential([keras.Input(shape=(6,)), layers.Dense(8, activation="relu"), layers.Dense(3)], name="head")
    inputs = keras.Input(shape=(10, 10, 3))
    return keras.Model(inputs, head(base(inputs)))


@random_weights
def merging():
    """The merging layers that TensorFlow.js knows."""
    inputs = keras.Input(shape=(6,))
    a, b, c = [layers.Dense(5)(inputs) for _ in range(3)]
    merged = [
        layers.Add()([a, b, c]),
        layers.Multiply()([a, b]),
        layers.Average()([a, c]),
        layers.Maximum()([a, b]),
        layers.Minimum()([b, c]),
    ]
    return keras.Model(inputs, layers.Dense(3)(layers.Concatenate(axis=-1)(merged)))


@random_weights
def reshaping():
    """Reshape, Permute and Flatten."""
    return keras.Sequential(
        [
            keras.Input(shape=(4, 6)),
            layers.Reshape((2, 3, 4)),
            layers.Permute((3, 1, 2)),
            layers.Conv2D(3, 2, activation="relu"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


@random_weights
def operators():
    """Arithmetic and slicing written with Python operators between layers."""
    inputs = keras.Input(shape=(6,))
    x = layers.Dense(6, activation="tanh")(inputs)
    y = layers.Dense(3)(inputs)
    return keras.Model(inputs, layers.Dense(2)(x[:, 1:4] * 2.0 + y - x[:, 3:]))
