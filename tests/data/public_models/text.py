"""After keras.io examples on language; own code."""

import keras
from keras import layers, ops


class Tokens(layers.Layer):
    """token and position embedding"""

    def __init__(self, length, vocabulary, width, **more):
        super().__init__(**more)
        self.token, self.place = layers.Embedding(vocabulary, width), layers.Embedding(length, width)

    def call(self, x):
        return self.token(x) + self.place(ops.arange(ops.shape(x)[-1]))


class Block(layers.Layer):
    """transformer encoder block"""

    def __init__(self, width, heads, inner, rate=0.1, causal=False, **more):
        super().__init__(**more)
        self.causal = causal
        self.att = layers.MultiHeadAttention(heads, width)
        self.ffn = keras.Sequential([layers.Dense(inner, activation="relu"), layers.Dense(width)])
        self.n1, self.n2 = layers.LayerNormalization(epsilon=1e-6), layers.LayerNormalization(epsilon=1e-6)
        self.d1, self.d2 = layers.Dropout(rate), layers.Dropout(rate)

    def call(self, x):
        mask = None
        if self.causal:
            n = ops.shape(x)[1]
            mask = ops.cast(ops.arange(n)[:, None] >= ops.arange(n)[None, :], "bool")[None]
        x = self.n1(x + self.d1(self.att(x, x, attention_mask=mask)))
        return self.n2(x + self.d2(self.ffn(x)))


def transformer_classifier():
    i = keras.Input(shape=(40,))
    x = Block(32, 2, 32)(Tokens(40, 200, 32)(i))
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(x))
    x = layers.Dropout(0.1)(layers.Dense(20, activation="relu")(x))
    return keras.Model(i, layers.Dense(2, activation="softmax")(x))


def miniature_gpt():
    i = keras.Input(shape=(30,), dtype="int32")
    x = Block(32, 2, 32, causal=True)(Tokens(30, 150, 32)(i))
    return keras.Model(i, [layers.Dense(150)(x), x])


def masked_language_model():
    i = keras.Input(shape=(24,), dtype="int64")
    x = layers.Embedding(120, 32, name="words")(i) + layers.Embedding(24, 32)(ops.arange(24))
    for k in range(2):
        a = layers.MultiHeadAttention(4, 8, name=f"encoder_{k}_att")(x, x, x)
        x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dropout(0.1)(a))
        f = layers.Dense(32)(layers.Dense(64, activation="relu")(x))
        x = layers.LayerNormalization(epsilon=1e-6)(x + f)
    return keras.Model(i, layers.Dense(120, activation="softmax", name="mlm")(x), name="masked_bert")


def bidirectional_imdb():
    i = keras.Input(shape=(None,), dtype="int32")
    x = layers.Embedding(500, 32)(i)
    x = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(x)
    x = layers.Bidirectional(layers.LSTM(16))(x)
    return keras.Model(i, layers.Dense(1, activation="sigmoid")(x))


def text_cnn():
    i = keras.Input(shape=(None,), dtype="int64")
    x = layers.Dropout(0.5)(layers.Embedding(500, 32)(i))
    x = layers.Conv1D(32, 7, padding="valid", activation="relu", strides=3)(x)
    x = layers.Conv1D(32, 7, padding="valid", activation="relu", strides=3)(x)
    x = layers.Dropout(0.5)(layers.Dense(32, activation="relu")(layers.GlobalMaxPooling1D()(x)))
    return keras.Model(i, layers.Dense(1, activation="sigmoid", name="predictions")(x))


def seq2seq_lstm():
    e = keras.Input(shape=(None, 20))
    _, h, c = layers.LSTM(24, return_state=True)(e)
    d = keras.Input(shape=(None, 25))
    y, _, _ = layers.LSTM(24, return_sequences=True, return_state=True)(d, initial_state=[h, c])
    return keras.Model([e, d], layers.Dense(25, activation="softmax")(y))


def seq2seq_decoder():
    """the decoder of a translator as it is used to sample: states in, states out"""
    d = keras.Input(shape=(None, 25))
    h, c = keras.Input(shape=(24,)), keras.Input(shape=(24,))
    y, h2, c2 = layers.LSTM(24, return_sequences=True, return_state=True)(d, initial_state=[h, c])
    return keras.Model([d, h, c], [layers.Dense(25, activation="softmax")(y), h2, c2])


def translation_transformer():
    src, dst = (
        keras.Input(shape=(None,), dtype="int64", name="encoder_inputs"),
        keras.Input(shape=(None,), dtype="int64", name="decoder_inputs"),
    )
    enc = Block(32, 4, 48)(Tokens(20, 90, 32)(src))
    x = Tokens(20, 90, 32)(dst)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 32)(x, x, use_causal_mask=True))
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 32)(x, enc, enc))
    x = layers.LayerNormalization()(x + layers.Dense(32)(layers.Dense(48, activation="relu")(x)))
    return keras.Model([src, dst], layers.Dense(90, activation="softmax")(layers.Dropout(0.5)(x)))


def masked_translation():
    """mask_zero with attention: masks of padding and of the future together"""
    src, dst = keras.Input(shape=(12,), dtype="int32"), keras.Input(shape=(12,), dtype="int32")
    e = layers.Embedding(60, 24, mask_zero=True)(src)
    e = layers.LayerNormalization()(e + layers.MultiHeadAttention(2, 12)(e, e))
    d = layers.Embedding(60, 24, mask_zero=True)(dst)
    d = layers.LayerNormalization()(d + layers.MultiHeadAttention(2, 12)(d, d, use_causal_mask=True))
    d = layers.LayerNormalization()(d + layers.MultiHeadAttention(2, 12)(d, e))
    return keras.Model([src, dst], layers.Dense(60)(d))


def text_vectorization():
    v = layers.TextVectorization(max_tokens=50, output_sequence_length=10)
    v.adapt(["the film was good", "a bad film", "what a great plot and cast", "the worst of all"])
    i = keras.Input(shape=(1,), dtype="string")
    x = layers.Embedding(50, 16)(v(i))
    x = layers.Conv1D(16, 5, activation="relu")(x)
    return keras.Model(i, layers.Dense(1, activation="sigmoid")(layers.GlobalMaxPooling1D()(x)))


def bag_of_words():
    v = layers.TextVectorization(max_tokens=30, output_mode="tf_idf")
    v.adapt(["the film was good", "a bad film", "what a great plot and cast"])
    i = keras.Input(shape=(1,), dtype="string")
    return keras.Model(i, layers.Dense(3, activation="softmax")(layers.Dense(8, activation="relu")(v(i))))


class Fourier(layers.Layer):
    def call(self, x):
        return ops.fft2((x, ops.zeros_like(x)))[0]


def fnet():
    i = keras.Input(shape=(20,), dtype="int32")
    x = layers.Embedding(100, 32)(i)
    x = layers.LayerNormalization()(x + Fourier()(x))
    x = layers.LayerNormalization()(x + layers.Dense(32)(layers.Dense(64, activation="relu")(x)))
    return keras.Model(i, layers.Dense(4)(layers.GlobalAveragePooling1D()(x)))


def memory_network():
    story, question = keras.Input((16,), dtype="int32"), keras.Input((4,), dtype="int32")
    m = layers.Dropout(0.3)(layers.Embedding(22, 32)(story))
    c = layers.Dropout(0.3)(layers.Embedding(22, 4)(story))
    q = layers.Dropout(0.3)(layers.Embedding(22, 32)(question))
    match = layers.Activation("softmax")(layers.Dot(axes=(2, 2))([m, q]))
    x = layers.Concatenate()([layers.Permute((2, 1))(layers.Add()([match, c])), q])
    x = layers.Dropout(0.3)(layers.LSTM(32)(x))
    return keras.Model([story, question], layers.Activation("softmax")(layers.Dense(22)(x)))


def addition_rnn():
    return keras.Sequential(
        [
            keras.Input((7, 12)),
            layers.LSTM(32),
            layers.RepeatVector(4),
            layers.LSTM(32, return_sequences=True),
            layers.Dense(12, activation="softmax"),
        ]
    )


def siamese_text():
    a, b = keras.Input((10,), dtype="int32"), keras.Input((10,), dtype="int32")
    tower = keras.Sequential([layers.Embedding(80, 16, mask_zero=True), layers.GRU(12)])
    x, y = tower(a), tower(b)
    both = layers.Concatenate()([ops.abs(x - y), x * y])
    return keras.Model([a, b], layers.Dense(1, activation="sigmoid")(both))


def ner_crf_like():
    i = keras.Input((None,), dtype="int64")
    x = Block(16, 2, 32)(Tokens(50, 70, 16)(i))
    x = layers.Dropout(0.1)(layers.Dense(16, activation="relu")(x))
    return keras.Model(i, layers.Dense(9, activation="softmax")(x))


def additive_attention():
    i = keras.Input((12, 8))
    y = layers.Bidirectional(layers.GRU(10, return_sequences=True))(i)
    a = layers.AdditiveAttention()([y, y])
    return keras.Model(i, layers.Dense(3)(layers.Flatten()(layers.Concatenate()([y, a]))))
