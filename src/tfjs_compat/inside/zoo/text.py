"""Networks for tokens, and attention."""

from tensorflow import keras

from ._weights import TOKENS, random_weights

layers = keras.layers


@random_weights
def embedding():
    """A text classifier: token indices, Embedding, average, Dense."""
    return keras.Sequential(
        [
            keras.Input(shape=(12,), dtype="int32"),
            layers.Embedding(TOKENS, 8),
            layers.GlobalAveragePooling1D(),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


@random_weights
def text_lstm():
    """A text classifier with a masked Embedding and an LSTM."""
    return keras.Sequential(
        [
            keras.Input(shape=(10,), dtype="int32"),
            layers.Embedding(TOKENS, 8, mask_zero=True),
            layers.LSTM(8),
            layers.Dense(3, activation="softmax"),
        ]
    )


@random_weights
def text_cnn():
    """A text classifier of convolutions with several widths over one Embedding."""
    inputs = keras.Input(shape=(14,), dtype="int32")
    x = layers.Embedding(TOKENS, 8)(inputs)
    branches = [layers.GlobalMaxPooling1D()(layers.Conv1D(4, width, activation="relu")(x)) for width in (2, 3, 4)]
    return keras.Model(inputs, layers.Dense(3)(layers.Concatenate()(branches)))


@random_weights
def attention():
    """Multi-head self-attention."""
    inputs = keras.Input(shape=(6, 8))
    x = layers.MultiHeadAttention(num_heads=2, key_dim=4)(inputs, inputs)
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


@random_weights
def transformer():
    """A transformer block over token embeddings: attention, sums, layer normalization, feed-forward."""
    inputs = keras.Input(shape=(8,), dtype="int32")
    x = layers.Embedding(TOKENS, 8)(inputs)
    y = layers.Dropout(0.1)(layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x))
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, y]))
    y = layers.Dense(8)(layers.Dense(16, activation="relu")(x))
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([x, y]))
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


@random_weights
def dot_attention():
    """Dot-product attention between two sequences by ``keras.layers.Attention``."""
    query = keras.Input(shape=(4, 6), name="query")
    value = keras.Input(shape=(7, 6), name="value")
    x = layers.Attention(use_scale=True)([query, value])
    return keras.Model([query, value], layers.Dense(2)(layers.Flatten()(x)))
