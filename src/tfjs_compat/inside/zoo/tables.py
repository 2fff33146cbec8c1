"""Networks for tables of numbers and categories."""

import numpy as np
from tensorflow import keras

from ._weights import TOKENS, random_weights

layers = keras.layers


@random_weights
def preprocessing():
    """Rescaling and a Normalization adapted to data, in front of a classifier."""
    normalization = layers.Normalization(axis=-1)
    normalization.adapt(np.random.RandomState(1).normal(0.5, 1.5, (64, 6)).astype("float32"))
    inputs = keras.Input(shape=(6,))
    x = normalization(layers.Rescaling(2.0, offset=-0.5)(inputs))
    return keras.Model(inputs, layers.Dense(3)(layers.Dense(8, activation="relu")(x)))


@random_weights
def category_encoding():
    """A table's numeric and categorical columns, the latter one-hot by CategoryEncoding."""
    numbers = keras.Input(shape=(5,), name="numbers")
    category = keras.Input(shape=(1,), dtype="int32", name="category")
    encoded = layers.CategoryEncoding(num_tokens=TOKENS, output_mode="one_hot")(category)
    x = layers.Dense(12, activation="relu")(layers.Concatenate()([numbers, encoded]))
    return keras.Model([numbers, category], layers.Dense(2)(x))


@random_weights
def recommender():
    """Matrix factorisation: the dot product of a user's and an item's embedding."""
    user = keras.Input(shape=(1,), dtype="int32", name="user")
    item = keras.Input(shape=(1,), dtype="int32", name="item")
    vectors = [layers.Flatten()(layers.Embedding(TOKENS, 6)(ids)) for ids in (user, item)]
    return keras.Model([user, item], layers.Dot(axes=1)(vectors))
