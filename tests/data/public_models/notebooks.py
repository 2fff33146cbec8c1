"""After notebooks, courses and questions that people bring: what each taught stands in docs/models-results.md."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers


class Word2Vec(keras.Model):
    """Called with a pair of integers: Keras 3 keeps their shapes and forgets their types."""

    def __init__(self):
        super().__init__()
        self.target, self.context = layers.Embedding(60, 16), layers.Embedding(60, 16)

    def call(self, pair):
        target, context = pair
        return tf.einsum("be,bce->bc", self.target(tf.squeeze(target, axis=1)), self.context(context))


def word2vec():
    model = Word2Vec()
    model((tf.zeros([2, 1], tf.int64), tf.zeros([2, 5], tf.int64)))
    return model


class Recommender(keras.Model):
    def __init__(self):
        super().__init__()
        self.user, self.item = layers.Embedding(30, 8), layers.Embedding(40, 8)
        self.deep = keras.Sequential([layers.Dense(16, activation="relu"), layers.Dense(1)])

    def call(self, features, training=False):
        price = tf.expand_dims(features["price"], -1)
        known = [self.user(features["user"]), self.item(features["item"]), price]
        return self.deep(tf.concat(known, 1), training=training)


def recommender():
    model = Recommender()
    model({"user": tf.constant([1, 2]), "item": tf.constant([3, 4]), "price": tf.constant([1.0, 2.0])})
    return model


class Attention(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.query, self.values, self.score = layers.Dense(units), layers.Dense(units), layers.Dense(1)

    def call(self, query, values):
        weights = tf.nn.softmax(self.score(tf.nn.tanh(self.query(query[:, None]) + self.values(values))), axis=1)
        return tf.reduce_sum(weights * values, axis=1), weights


class Decoder(keras.Model):
    """One step of a translation: a token, the state before it and what is translated, each by its place."""

    def __init__(self):
        super().__init__()
        self.embedding, self.attention = layers.Embedding(30, 8), Attention(12)
        self.gru = layers.GRU(12, return_sequences=True, return_state=True)
        self.words = layers.Dense(30)

    def call(self, token, hidden, encoded):
        context, weights = self.attention(hidden, encoded)
        x = tf.concat([context[:, None], self.embedding(token)], axis=-1)
        output, state = self.gru(x, initial_state=hidden)
        return self.words(output[:, 0]), state, weights


def translation_step():
    model = Decoder()
    model(tf.zeros([2, 1], tf.int32), tf.zeros([2, 12]), tf.zeros([2, 6, 12]))
    return model


class Messages(keras.Model):
    """The largest and the mean of what neighbours say, and an addition at their places."""

    def __init__(self):
        super().__init__()
        self.say, self.out = layers.Dense(6, activation="softsign"), layers.Dense(2)

    def call(self, graph):
        nodes, edges = graph["nodes"], graph["edges"]
        said = tf.gather(self.say(nodes), edges[:, 0])
        loudest = tf.math.unsorted_segment_max(said, edges[:, 1], tf.shape(nodes)[0])
        total = tf.tensor_scatter_nd_add(tf.zeros_like(loudest), edges[:, 1:], said)
        return self.out(tf.concat([tf.maximum(loudest, -1.0), total], -1))


def messages():
    model = Messages()
    model(messages_inputs())
    return model


def messages_inputs():
    random = np.random.RandomState(0)
    nodes = random.normal(size=(5, 4)).astype("float32")
    return {"nodes": nodes, "edges": random.randint(0, 5, (9, 2)).astype("int32")}


def dueling():
    """A value and advantages: oneDNN fuses the addition that widens a product."""
    i = keras.Input((12,))
    x = layers.Dense(16, activation="relu")(i)
    value, advantages = layers.Dense(1)(x), layers.Dense(4)(x)
    return keras.Model(i, value + (advantages - keras.ops.mean(advantages, axis=1, keepdims=True)))


class Mfcc(layers.Layer):
    """Spectra that are sliced and scaled: complex numbers."""

    def call(self, wave):
        spectra = tf.abs(tf.signal.stft(wave, 256, 128, fft_length=256))
        mel = tf.tensordot(spectra, tf.signal.linear_to_mel_weight_matrix(20, 129, 8000, 80.0, 3600.0), 1)
        return tf.signal.mfccs_from_log_mel_spectrograms(tf.math.log(mel + 1e-6))[..., :10]


def mfcc():
    i = keras.Input((1600,))
    x = layers.Conv1D(8, 3, activation="relu")(Mfcc()(i))
    return keras.Model(i, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))


class Sampling(layers.Layer):
    def __init__(self, **more):
        super().__init__(**more)
        self.seeds = keras.random.SeedGenerator(1337)

    def call(self, moments):
        mean, spread = moments
        return mean + keras.ops.exp(0.5 * spread) * keras.random.normal(keras.ops.shape(mean), seed=self.seeds)


class Vae(keras.Model):
    """Samples when it predicts: its seed is a variable that the call assigns."""

    def __init__(self):
        super().__init__()
        self.inner, self.sampling = layers.Dense(16, activation="relu"), Sampling()
        self.mean, self.spread = layers.Dense(2), layers.Dense(2)
        self.decoder = keras.Sequential([layers.Dense(16, activation="relu"), layers.Dense(12, activation="sigmoid")])

    def call(self, x):
        h = self.inner(x)
        mean, spread = self.mean(h), self.spread(h)
        return self.decoder(self.sampling([mean, spread])), mean, spread


def vae():
    model = Vae()
    model(np.zeros((2, 12), "float32"))
    return model


class Counter(keras.Model):
    def __init__(self):
        super().__init__()
        self.calls = tf.Variable(0, trainable=False)
        self.out = layers.Dense(3)

    def call(self, x):
        self.calls.assign_add(1)
        return self.out(x)


def counter():
    model = Counter()
    model(np.zeros((2, 4), "float32"))
    return model


def closure():
    """A function alone, whose variable belongs to nothing."""
    weight = tf.Variable(np.random.RandomState(0).normal(size=(6, 2)).astype("float32"))

    @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float32)])
    def predict(x):
        return tf.matmul(x, weight)

    return predict


def focus():
    """The first layer of many detectors: pixels of a block beside each other."""
    i = keras.Input((32, 32, 3))
    x = layers.Lambda(lambda x: tf.nn.space_to_depth(x, 2), output_shape=(16, 16, 12))(i)
    return keras.Model(i, layers.Dense(4)(layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3, activation="silu")(x))))


class Filter(keras.Model):
    """A Kalman filter: a loop over the steps of a tensor, in the call itself."""

    def __init__(self):
        super().__init__()
        self.move, self.see = layers.Dense(3, use_bias=False), layers.Dense(2, use_bias=False)
        self.gain = layers.Dense(3, use_bias=False)

    def call(self, seen):
        state = tf.zeros([tf.shape(seen)[0], 3])
        states = tf.TensorArray(tf.float32, size=8)
        for step in tf.range(8):
            state = self.move(state)
            state = state + self.gain(seen[:, step] - self.see(state))
            states = states.write(step, state)
        return tf.transpose(states.stack(), [1, 0, 2])


def kalman():
    model = Filter()
    model(tf.zeros([2, 8, 2]))
    return model
