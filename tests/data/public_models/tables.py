"""After keras.io examples on structured data, time series, graphs, reinforcement learning; own code."""

import keras
import numpy as np
from keras import layers, ops


def deep_and_cross():
    numbers = keras.Input((6,), name="numbers")
    kinds = [keras.Input((1,), dtype="int64", name=f"kind_{k}") for k in range(3)]
    parts = [numbers] + [layers.Flatten()(layers.Embedding(8, 3)(k)) for k in kinds]
    x0 = layers.concatenate(parts)
    cross = x0
    for _ in range(3):
        cross = x0 * layers.Dense(x0.shape[-1])(cross) + cross
    cross = layers.BatchNormalization()(cross)
    deep = x0
    for u in (16, 16):
        deep = layers.Dropout(0.1)(layers.ReLU()(layers.BatchNormalization()(layers.Dense(u)(deep))))
    return keras.Model([numbers, *kinds], layers.Dense(7, activation="softmax")(layers.concatenate([cross, deep])))


def wide_deep_strings():
    """vocabularies given, strings in"""
    ins, wide, deep = {}, [], []
    for name, words in (("Wilderness", ["A", "B", "C"]), ("Soil", ["s1", "s2", "s3", "s4"])):
        ins[name] = keras.Input((1,), dtype="string", name=name)
        look = layers.StringLookup(vocabulary=words, mask_token=None, num_oov_indices=0, output_mode="int")
        e = layers.Embedding(len(words), 4)(look(ins[name]))
        deep.append(layers.Flatten()(e))
        wide.append(layers.Flatten()(e))
    ins["Elevation"] = keras.Input((1,), name="Elevation")
    x = layers.concatenate([*deep, ins["Elevation"]])
    x = layers.Dropout(0.1)(layers.ReLU()(layers.BatchNormalization()(layers.Dense(16)(x))))
    return keras.Model(ins, layers.Dense(3, activation="softmax")(layers.concatenate([x, *wide])))


def structured_from_scratch():
    """Normalization adapted, IntegerLookup and StringLookup to binary, as one model from raw columns"""
    rng = np.random.RandomState(0)
    age = keras.Input((1,), name="age")
    sex = keras.Input((1,), name="sex", dtype="int64")
    thal = keras.Input((1,), name="thal", dtype="string")
    n = layers.Normalization()
    n.adapt(rng.randint(20, 80, (50, 1)).astype("float32"))
    a = layers.IntegerLookup(output_mode="multi_hot")
    a.adapt(np.array([0, 1, 1, 0]))
    s = layers.StringLookup(output_mode="multi_hot")
    s.adapt(["fixed", "normal", "reversible"])
    x = layers.concatenate([n(age), a(sex), s(thal)])
    x = layers.Dropout(0.5)(layers.Dense(32, activation="relu")(x))
    return keras.Model([age, sex, thal], layers.Dense(1, activation="sigmoid")(x))


def feature_space():
    import tensorflow as tf
    from keras.utils import FeatureSpace

    space = FeatureSpace(
        features={
            "age": "float_normalized",
            "chol": FeatureSpace.float_discretized(num_bins=4),
            "sex": FeatureSpace.integer_categorical(num_oov_indices=0),
            "thal": "string_categorical",
        },
        output_mode="concat",
    )
    rows = {
        "age": np.linspace(20, 70, 12).astype("float32"),
        "chol": np.linspace(100, 300, 12).astype("float32"),
        "sex": np.array([0, 1] * 6, "int64"),
        "thal": np.array(["fixed", "normal", "rev"] * 4),
    }
    space.adapt(tf.data.Dataset.from_tensor_slices(rows))
    encoded = space.get_encoded_features()
    x = layers.Dense(16, activation="relu")(encoded)
    return keras.Model(space.get_inputs(), layers.Dense(1, activation="sigmoid")(x))


def grn_vsn():
    class Gate(layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.linear, self.sigmoid = layers.Dense(units), layers.Dense(units, activation="sigmoid")

        def call(self, x):
            return self.linear(x) * self.sigmoid(x)

    class Residual(layers.Layer):
        def __init__(self, units, rate):
            super().__init__()
            self.units = units
            self.elu, self.linear, self.drop, self.gate, self.norm, self.project = (
                layers.Dense(units, activation="elu"),
                layers.Dense(units),
                layers.Dropout(rate),
                Gate(units),
                layers.LayerNormalization(),
                layers.Dense(units),
            )

        def call(self, x):
            y = self.drop(self.linear(self.elu(x)))
            x = self.project(x) if x.shape[-1] != self.units else x
            return self.norm(x + self.gate(y))

    class Select(layers.Layer):
        def __init__(self, count, units, rate):
            super().__init__()
            self.grns = [Residual(units, rate) for _ in range(count)]
            self.all, self.soft = Residual(units, rate), layers.Dense(count, activation="softmax")

        def call(self, inputs):
            v = ops.expand_dims(self.soft(self.all(layers.concatenate(inputs))), axis=-1)
            x = ops.stack([g(i) for g, i in zip(self.grns, inputs, strict=False)], axis=1)
            return ops.squeeze(ops.matmul(ops.transpose(v, axes=[0, 2, 1]), x), axis=1)

    ins = [keras.Input((1,), name=f"f{k}") for k in range(4)]
    e = [layers.Dense(8)(i) for i in ins]
    return keras.Model(ins, layers.Dense(1, activation="sigmoid")(Select(4, 8, 0.15)(e)))


def neumf():
    u, m = keras.Input((1,), dtype="int32", name="user"), keras.Input((1,), dtype="int32", name="item")
    gu, gm = layers.Flatten()(layers.Embedding(30, 8)(u)), layers.Flatten()(layers.Embedding(40, 8)(m))
    mu, mm = layers.Flatten()(layers.Embedding(30, 8)(u)), layers.Flatten()(layers.Embedding(40, 8)(m))
    x = layers.Dense(8, activation="relu")(layers.Dense(16, activation="relu")(layers.concatenate([mu, mm])))
    return keras.Model(
        [u, m], layers.Dense(1, activation="sigmoid")(layers.concatenate([layers.multiply([gu, gm]), x]))
    )


class Recommender(keras.Model):
    """collaborative filtering with biases, subclassed, pairs of integers in"""

    def __init__(self, users, movies, width):
        super().__init__()
        kw = {"embeddings_initializer": "he_normal", "embeddings_regularizer": keras.regularizers.l2(1e-6)}
        self.user, self.user_bias = layers.Embedding(users, width, **kw), layers.Embedding(users, 1)
        self.movie, self.movie_bias = layers.Embedding(movies, width, **kw), layers.Embedding(movies, 1)

    def call(self, x):
        u, m = x[:, 0], x[:, 1]
        dot = ops.tensordot(self.user(u), self.movie(m), 2)
        return ops.nn.sigmoid(dot + self.user_bias(u) + self.movie_bias(m))


def collaborative():
    model = Recommender(20, 30, 8)
    model.compile(loss="mse", optimizer="adam")
    r = np.random.RandomState(0)
    model.fit(np.stack([r.randint(0, 20, 64), r.randint(0, 30, 64)], 1), r.rand(64), batch_size=16, verbose=0)
    return model


def collaborative_inputs():
    r = np.random.RandomState(1)
    return [np.stack([r.randint(0, 20, 5), r.randint(0, 30, 5)], 1).astype("int64")]


def two_tower():
    u, i = keras.Input((), dtype="string", name="user_id"), keras.Input((), dtype="string", name="movie_title")
    users, movies = [str(k) for k in range(10)], [f"film {k}" for k in range(12)]
    a = keras.Sequential([layers.StringLookup(vocabulary=users, mask_token=None), layers.Embedding(11, 8)])(u)
    b = keras.Sequential([layers.StringLookup(vocabulary=movies, mask_token=None), layers.Embedding(13, 8)])(i)
    return keras.Model([u, i], layers.Dense(1)(layers.Dense(16, activation="relu")(layers.concatenate([a, b]))))


def two_tower_ids():
    u, i = keras.Input((), dtype="int32", name="user"), keras.Input((5,), dtype="int32", name="history")
    a = layers.Dense(8)(layers.Embedding(40, 8)(u))
    b = layers.Dense(8)(layers.GlobalAveragePooling1D()(layers.Embedding(50, 8)(i)))
    return keras.Model([u, i], [layers.Dot(axes=1, normalize=True)([a, b]), a, b])


def tab_transformer():
    cats = [keras.Input((), dtype="int32", name=f"c{k}") for k in range(4)]
    num = keras.Input((3,), name="num")
    x = ops.stack([layers.Embedding(6, 8)(c) for c in cats], axis=1)
    x = x + layers.Embedding(4, 8)(ops.arange(4))
    a = layers.MultiHeadAttention(2, 8)(x, x)
    x = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([a, x]))
    x = layers.LayerNormalization(epsilon=1e-6)(
        layers.Add()([layers.Dense(8, activation=keras.activations.gelu)(x), x])
    )
    x = layers.concatenate([layers.Flatten()(x), layers.LayerNormalization()(num)])
    x = layers.Dense(12, activation=keras.activations.selu)(layers.BatchNormalization()(x))
    return keras.Model([*cats, num], layers.Dense(1, activation="sigmoid")(x))


def quantile_regression():
    i = keras.Input((5,))
    x = layers.Dense(16, activation="swish")(layers.Dense(16, activation="swish")(i))
    return keras.Model(i, [layers.Dense(1, name=f"q{q}")(x) for q in (10, 50, 90)])


def sorted_quantiles():
    """quantiles that do not cross: cumulative sum of softplus"""
    i = keras.Input((5,))
    x = layers.Dense(16, activation="relu")(i)
    steps = ops.softplus(layers.Dense(5)(x))
    return keras.Model(i, layers.Dense(1)(x) + ops.cumsum(steps, axis=-1))


def series_transformer():
    i = keras.Input((40, 1))
    x = i
    for _ in range(2):
        y = layers.Dropout(0.2)(layers.MultiHeadAttention(key_dim=16, num_heads=2, dropout=0.2)(x, x))
        r = layers.LayerNormalization(epsilon=1e-6)(y) + x
        y = layers.Conv1D(4, 1, activation="relu")(r)
        y = layers.Conv1D(1, 1)(layers.Dropout(0.2)(y))
        x = layers.LayerNormalization(epsilon=1e-6)(y) + r
    x = layers.GlobalAveragePooling1D(data_format="channels_last")(x + layers.Conv1D(1, 3, padding="same")(i))
    x = layers.Dropout(0.4)(layers.Dense(16, activation="relu")(x))
    return keras.Model(i, layers.Dense(2, activation="softmax")(x))


def series_transformer_as_printed():
    """normalising over one channel gives zeros: the printed example looks only at its pooled constants"""
    i = keras.Input((40, 1))
    x = i
    for _ in range(2):
        y = layers.MultiHeadAttention(key_dim=16, num_heads=2)(x, x)
        r = layers.LayerNormalization(epsilon=1e-6)(y) + x
        y = layers.Conv1D(1, 1)(layers.Conv1D(4, 1, activation="relu")(r))
        x = layers.LayerNormalization(epsilon=1e-6)(y) + r
    x = layers.GlobalAveragePooling1D(data_format="channels_first")(x)
    return keras.Model(i, layers.Dense(2, activation="softmax")(layers.Dense(16, activation="relu")(x)))


def anomaly_conv1d():
    return keras.Sequential(
        [
            keras.Input((48, 1)),
            layers.Conv1D(8, 7, padding="same", strides=2, activation="relu"),
            layers.Dropout(0.2),
            layers.Conv1D(4, 7, padding="same", strides=2, activation="relu"),
            layers.Conv1DTranspose(4, 7, padding="same", strides=2, activation="relu"),
            layers.Dropout(0.2),
            layers.Conv1DTranspose(8, 7, padding="same", strides=2, activation="relu"),
            layers.Conv1DTranspose(1, 7, padding="same"),
        ]
    )


def weather_lstm():
    i = keras.Input((24, 7))
    return keras.Model(i, layers.Dense(1)(layers.LSTM(16)(i)))


def conv1d_classifier():
    i = keras.Input((64, 1))
    x = i
    for _ in range(3):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv1D(12, 3, padding="same")(x)))
    return keras.Model(i, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x)))


def causal_wavenet():
    i = keras.Input((None, 4))
    x = layers.Conv1D(8, 2, padding="causal")(i)
    skips = []
    for rate in (1, 2, 4):
        t = layers.Conv1D(8, 2, padding="causal", dilation_rate=rate, activation="tanh")(x)
        s = layers.Conv1D(8, 2, padding="causal", dilation_rate=rate, activation="sigmoid")(x)
        g = layers.Conv1D(8, 1)(layers.Multiply()([t, s]))
        skips.append(g)
        x = layers.Add()([x, g])
    x = layers.Activation("relu")(layers.Add()(skips))
    return keras.Model(i, layers.Conv1D(16, 1, activation="softmax")(x))


def imbalanced():
    return keras.Sequential(
        [
            keras.Input((29,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


class GraphConv(layers.Layer):
    """one adjacency for all, as in the traffic example"""

    def __init__(self, adjacency, width):
        super().__init__()
        self.a, self.width = adjacency, width

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.width), name="w")

    def call(self, x):
        return ops.relu(ops.einsum("nm,bmtf->bntf", ops.convert_to_tensor(self.a), ops.matmul(x, self.w)))


def traffic_gcn_lstm():
    a = (np.random.RandomState(0).rand(5, 5) > 0.5).astype("float32")
    i = keras.Input((5, 8, 1))
    x = GraphConv(a, 6)(i)
    x = layers.Reshape((5, 48))(x)
    x = layers.LSTM(12)(layers.Permute((2, 1))(x))
    return keras.Model(i, layers.Dense(5)(x))


class Attend(layers.Layer):
    """graph attention over given edges, segments summed"""

    def __init__(self, units, nodes):
        super().__init__()
        self.units, self.nodes = units, nodes

    def build(self, shape):
        self.k = self.add_weight(shape=(shape[0][-1], self.units), name="k")
        self.a = self.add_weight(shape=(self.units * 2, 1), name="a")

    def call(self, inputs):
        states, edges = inputs
        s = ops.matmul(states, self.k)
        pairs = ops.reshape(ops.take(s, edges, axis=0), (ops.shape(edges)[0], -1))
        score = ops.exp(ops.clip(ops.squeeze(ops.nn.leaky_relu(ops.matmul(pairs, self.a)), -1), -2, 2))
        total = ops.segment_sum(score, edges[:, 0], num_segments=self.nodes, sorted=False)
        score = score / (ops.take(total, edges[:, 0], axis=0) + 1e-7)
        return ops.segment_sum(
            ops.take(s, edges[:, 1], axis=0) * score[:, None], edges[:, 0], num_segments=self.nodes, sorted=False
        )


def graph_attention():
    states, edges = (
        keras.Input(batch_shape=(6, 4), name="states"),
        keras.Input(batch_shape=(None, 2), dtype="int32", name="edges"),
    )
    return keras.Model([states, edges], layers.Dense(3)(Attend(8, 6)([states, edges])))


def graph_attention_inputs():
    r = np.random.RandomState(0)
    return {
        "states": r.randn(6, 4).astype("float32"),
        "edges": np.array([[0, 1], [1, 2], [2, 0], [3, 4], [4, 5], [5, 3], [0, 3], [1, 1], [2, 2]], "int32"),
    }


def dense_graph_conv():
    """adjacency as an input"""
    x, a = keras.Input((7, 4)), keras.Input((7, 7))
    h = layers.Dense(8)(x)
    h = layers.ReLU()(layers.Dot(axes=(2, 1))([a, h]))
    return keras.Model([x, a], layers.Dense(2)(layers.GlobalAveragePooling1D()(h)))


def actor_critic():
    i = keras.Input((4,))
    c = layers.Dense(32, activation="relu")(i)
    return keras.Model(i, [layers.Dense(2, activation="softmax")(c), layers.Dense(1)(c)])


def deep_q():
    """channels first in front, as the Atari example has it"""
    return keras.Sequential(
        [
            layers.Lambda(lambda t: ops.transpose(t, [0, 2, 3, 1]), output_shape=(36, 36, 4), input_shape=(4, 36, 36)),
            layers.Conv2D(8, 8, strides=4, activation="relu"),
            layers.Conv2D(8, 4, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(4, activation="linear"),
        ]
    )


def ddpg_critic():
    s, a = keras.Input((3,)), keras.Input((1,))
    x = layers.Concatenate()(
        [
            layers.Dense(16, activation="relu")(layers.Dense(8, activation="relu")(s)),
            layers.Dense(16, activation="relu")(a),
        ]
    )
    return keras.Model([s, a], layers.Dense(1)(layers.Dense(16, activation="relu")(x)))


def ddpg_actor():
    i = keras.Input((3,))
    x = layers.Dense(16, activation="relu")(i)
    return keras.Model(
        i,
        layers.Dense(1, activation="tanh", kernel_initializer=keras.initializers.RandomUniform(-0.003, 0.003))(x) * 2.0,
    )


def vae_decoder():
    i = keras.Input((2,))
    x = layers.Reshape((7, 7, 8))(layers.Dense(7 * 7 * 8, activation="relu")(i))
    x = layers.Conv2DTranspose(8, 3, activation="relu", strides=2, padding="same")(x)
    x = layers.Conv2DTranspose(4, 3, activation="relu", strides=2, padding="same")(x)
    return keras.Model(i, layers.Conv2DTranspose(1, 3, activation="sigmoid", padding="same")(x), name="decoder")


class Sampling(layers.Layer):
    def __init__(self, **more):
        super().__init__(**more)
        self.seed = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        m, v = inputs
        return m + ops.exp(0.5 * v) * keras.random.normal(shape=ops.shape(m), seed=self.seed)


def vae_encoder():
    i = keras.Input((28, 28, 1))
    x = layers.Conv2D(8, 3, activation="relu", strides=2, padding="same")(i)
    x = layers.Dense(16, activation="relu")(
        layers.Flatten()(layers.Conv2D(16, 3, activation="relu", strides=2, padding="same")(x))
    )
    m, v = layers.Dense(2, name="z_mean")(x), layers.Dense(2, name="z_log_var")(x)
    return keras.Model(i, [m, v, Sampling()([m, v])], name="encoder")


def diffusion_block():
    """sinusoidal embedding of the noise, a small U-Net"""
    noisy, variance = keras.Input((16, 16, 3)), keras.Input((1, 1, 1))

    def sinus(x):
        f = ops.exp(ops.linspace(ops.log(1.0), ops.log(1000.0), 8))
        s = ops.cast(2.0 * 3.14159 * f, "float32")
        return ops.concatenate([ops.sin(s * x), ops.cos(s * x)], axis=3)

    e = layers.UpSampling2D(size=16, interpolation="nearest")(layers.Lambda(sinus, output_shape=(1, 1, 16))(variance))

    def res(x, w):
        r = x if x.shape[3] == w else layers.Conv2D(w, 1)(x)
        x = layers.BatchNormalization(center=False, scale=False)(x)
        return layers.Add()(
            [layers.Conv2D(w, 3, padding="same")(layers.Conv2D(w, 3, padding="same", activation="swish")(x)), r]
        )

    x = res(layers.Concatenate()([layers.Conv2D(8, 1)(noisy), e]), 8)
    skip = x
    x = res(layers.AveragePooling2D(2)(x), 12)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = res(layers.Concatenate()([x, skip]), 8)
    return keras.Model([noisy, variance], layers.Conv2D(3, 1, kernel_initializer="glorot_uniform")(x))


def nerf():
    i = keras.Input((32, 15))
    x = i
    for k in range(5):
        x = layers.Dense(24, activation="relu")(x)
        if k % 4 == 0 and k > 0:
            x = layers.concatenate([x, i], axis=-1)
    return keras.Model(i, layers.Dense(4)(x))


def text_generation_lstm():
    return keras.Sequential([keras.Input((40, 26)), layers.LSTM(32), layers.Dense(26, activation="softmax")])


def speech_ctc():
    """convolutions over a spectrogram, bidirectional GRU, a class for blank"""
    i = keras.Input((None, 33), name="input")
    x = layers.Reshape((-1, 33, 1))(i)
    x = layers.ReLU()(
        layers.BatchNormalization()(layers.Conv2D(8, [11, 41], strides=[2, 2], padding="same", use_bias=False)(x))
    )
    x = layers.ReLU()(
        layers.BatchNormalization()(layers.Conv2D(8, [11, 21], strides=[1, 2], padding="same", use_bias=False)(x))
    )
    x = layers.Reshape((-1, x.shape[-2] * x.shape[-1]))(x)
    x = layers.Bidirectional(layers.GRU(12, return_sequences=True, reset_after=True), merge_mode="concat")(x)
    return keras.Model(
        i, layers.Dense(30, activation="softmax")(layers.Dropout(0.5)(layers.ReLU()(layers.Dense(24)(x))))
    )


def speaker_conv1d():
    i = keras.Input((64, 1))

    def block(x, f):
        s = layers.Conv1D(f, 1, padding="same")(x)
        x = layers.Activation("relu")(layers.Conv1D(f, 3, padding="same")(x))
        x = layers.Add()([layers.Conv1D(f, 3, padding="same")(x), s])
        return layers.MaxPool1D(pool_size=2, strides=2)(layers.Activation("relu")(x))

    x = block(block(i, 8), 12)
    x = layers.Flatten()(layers.AveragePooling1D(pool_size=3, strides=3)(x))
    return keras.Model(i, layers.Dense(5, activation="softmax")(layers.Dense(16, activation="relu")(x)))


def mel_in_model():
    """a layer that makes a spectrogram with keras.ops"""

    class Spectrum(layers.Layer):
        def call(self, x):
            re, im = ops.stft(x, sequence_length=64, sequence_stride=32, fft_length=64)
            return ops.log(ops.square(re) + ops.square(im) + 1e-6)

    i = keras.Input((512,))
    x = Spectrum()(i)
    return keras.Model(i, layers.Dense(4)(layers.LSTM(8)(x)))
