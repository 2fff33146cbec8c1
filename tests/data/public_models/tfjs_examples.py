"""After tfjs-examples (the Python side, or what it would be); own code, tf.keras as those use it."""

import tensorflow as tf

L, Model, Sequential = tf.keras.layers, tf.keras.Model, tf.keras.Sequential


def mnist_conv():
    return Sequential(
        [
            L.Input((28, 28, 1)),
            L.Conv2D(8, 5, activation="relu", kernel_initializer="variance_scaling"),
            L.MaxPooling2D(2, strides=2),
            L.Conv2D(16, 5, activation="relu", kernel_initializer="variance_scaling"),
            L.MaxPooling2D(2, strides=2),
            L.Flatten(),
            L.Dense(10, activation="softmax", kernel_initializer="variance_scaling"),
        ]
    )


def iris():
    return Sequential([L.Dense(10, activation="sigmoid", input_shape=(4,)), L.Dense(3, activation="softmax")])


def polynomial():
    return Sequential([L.Input((1,)), L.Dense(1), L.Dense(1)])


def linear_one_number():
    return Sequential([L.Dense(units=1, input_shape=[1])])


def boston():
    return Sequential(
        [
            L.Input((12,)),
            L.Dense(50, activation="sigmoid", kernel_initializer="lecun_normal"),
            L.Dense(50, activation="sigmoid", kernel_initializer="lecun_normal"),
            L.Dense(1),
        ]
    )


def addition():
    return Sequential(
        [
            L.Input((7, 12)),
            L.LSTM(32, recurrent_initializer="glorot_normal"),
            L.RepeatVector(3),
            L.LSTM(32, recurrent_initializer="glorot_normal", return_sequences=True),
            L.TimeDistributed(L.Dense(12)),
            L.Activation("softmax"),
        ]
    )


def addition_simple_rnn():
    return Sequential(
        [
            L.Input((7, 12)),
            L.SimpleRNN(24, recurrent_initializer="glorot_normal"),
            L.RepeatVector(3),
            L.SimpleRNN(24, return_sequences=True),
            L.TimeDistributed(L.Dense(12)),
            L.Activation("softmax"),
        ]
    )


def lstm_text():
    return Sequential(
        [L.Input((40, 60)), L.LSTM(24, return_sequences=True), L.LSTM(24), L.Dense(60, activation="softmax")]
    )


def sentiment_cnn():
    return Sequential(
        [
            L.Input((50,)),
            L.Embedding(300, 16),
            L.Dropout(0.5),
            L.Conv1D(32, 5, padding="valid", activation="relu", strides=1),
            L.GlobalMaxPooling1D(),
            L.Dense(24, activation="relu"),
            L.Dense(1, activation="sigmoid"),
        ]
    )


def sentiment_lstm():
    return Sequential([L.Input((50,)), L.Embedding(300, 16), L.LSTM(24), L.Dense(1, activation="sigmoid")])


def jena_gru():
    return Sequential([L.Input((30, 14)), L.GRU(16, dropout=0.1, recurrent_dropout=0.1, reset_after=False), L.Dense(1)])


def jena_gru_default():
    return Sequential([L.Input((30, 14)), L.GRU(16, dropout=0.1, recurrent_dropout=0.1), L.Dense(1)])


def object_detection():
    """a truncated MobileNet and a head of five numbers"""
    base = tf.keras.applications.MobileNet(alpha=0.25, input_shape=(64, 64, 3), include_top=False, weights=None)
    x = L.Flatten()(base.get_layer("conv_pw_11_relu").output)
    return Model(base.input, L.Dense(5)(L.Dense(20, activation="relu")(x)))


def transfer_head():
    return Sequential(
        [
            L.Flatten(input_shape=(7, 7, 16)),
            L.Dense(20, activation="relu", kernel_initializer="variance_scaling", use_bias=True),
            L.Dense(4, kernel_initializer="variance_scaling", use_bias=False, activation="softmax"),
        ]
    )


class ZLayer(L.Layer):
    def call(self, inputs):
        m, v = inputs
        return m + tf.exp(v / 2) * tf.random.normal(tf.shape(m))


def fashion_vae():
    i = L.Input((784,))
    x = L.Dense(64, activation="relu")(i)
    m, v = L.Dense(2, name="z_mean")(x), L.Dense(2, name="z_log_var")(x)
    z = ZLayer()([m, v])
    d = L.Input((2,))
    decoder = Model(d, L.Dense(784, activation="sigmoid")(L.Dense(64, activation="relu")(d)), name="decoder")
    return Model(i, [m, v, z, decoder(z)])


def fashion_decoder():
    d = L.Input((2,))
    return Model(d, L.Dense(784, activation="sigmoid")(L.Dense(64, activation="relu")(d)), name="decoder")


def angular_momentum():
    """strokes of varied length"""
    i = L.Input((None, 3))
    x = L.Masking()(i)
    x = L.LSTM(12, return_sequences=True)(x)
    return Model(i, L.Dense(5, activation="softmax")(L.LSTM(12)(x)))


def abalone():
    return Sequential(
        [
            L.Input((8,)),
            L.Dense(units=50, activation="sigmoid"),
            L.Dense(units=50, activation="sigmoid"),
            L.Dense(units=1),
        ]
    )


def translation():
    e = L.Input((None, 20))
    _, h, c = L.LSTM(32, return_state=True, name="encoder_lstm")(e)
    d = L.Input((None, 24))
    y, _, _ = L.LSTM(32, return_sequences=True, return_state=True, name="decoder_lstm")(d, initial_state=[h, c])
    return Model([e, d], L.Dense(24, activation="softmax", name="decoder_dense")(y))


def date_conversion():
    """attention by dot products over an embedding"""
    e, d = L.Input((12,)), L.Input((10,))
    x = L.LSTM(16, return_sequences=True)(L.Embedding(35, 16, mask_zero=True)(e))
    last = L.Lambda(lambda t: t[:, -1, :])(x)
    y = L.LSTM(16, return_sequences=True)(L.Embedding(13, 16, mask_zero=True)(d), initial_state=[last, last])
    a = L.Activation("softmax", name="attention")(L.Dot(axes=[2, 2])([y, x]))
    y = L.Concatenate()([L.Dot(axes=[2, 1], name="context")([a, x]), y])
    y = L.TimeDistributed(L.Dense(16, activation="tanh"))(y)
    return Model([e, d], L.TimeDistributed(L.Dense(13, activation="softmax"))(y))


def acgan_generator():
    c, z = L.Input((1,), dtype="int32"), L.Input((20,))
    h = L.Multiply()([z, L.Flatten()(L.Embedding(10, 20, embeddings_initializer="glorot_normal")(c))])
    x = L.Reshape((3, 3, 24))(L.Dense(3 * 3 * 24, activation="relu")(h))
    x = L.BatchNormalization()(
        L.Conv2DTranspose(16, 5, strides=1, padding="valid", activation="relu", kernel_initializer="glorot_normal")(x)
    )
    x = L.BatchNormalization()(
        L.Conv2DTranspose(8, 5, strides=2, padding="same", activation="relu", kernel_initializer="glorot_normal")(x)
    )
    return Model(
        [z, c],
        L.Conv2DTranspose(1, 5, strides=2, padding="same", activation="tanh", kernel_initializer="glorot_normal")(x),
    )


def snake_dqn():
    return Sequential(
        [
            L.Input((9, 9, 2)),
            L.Conv2D(16, 3, strides=1, activation="relu"),
            L.BatchNormalization(),
            L.Conv2D(24, 3, strides=1, activation="relu"),
            L.BatchNormalization(),
            L.Conv2D(24, 3, strides=1, activation="relu"),
            L.Flatten(),
            L.Dense(16, activation="relu"),
            L.Dropout(0.25),
            L.Dense(3),
        ]
    )


def speech_commands():
    return Sequential(
        [
            L.Input((43, 232, 1)),
            L.Conv2D(4, (2, 8), activation="relu"),
            L.MaxPooling2D((2, 2), strides=(2, 2)),
            L.Conv2D(8, (2, 4), activation="relu"),
            L.MaxPooling2D((2, 2), strides=(2, 2)),
            L.Flatten(),
            L.Dense(16, activation="relu"),
            L.Dropout(0.5),
            L.Dense(4, activation="softmax"),
        ]
    )


def pitch_type():
    return Sequential(
        [
            L.Dense(48, activation="relu", input_shape=(8,)),
            L.Dense(24, activation="relu"),
            L.Dense(7, activation="softmax"),
        ]
    )


def quantized_export_module():
    """a plain tf.function, as in the guide on SavedModels"""

    class Adder(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable(tf.random.normal((3, 3), seed=1))

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
        def add(self, x):
            return {"y": x @ self.w + 1.0}

    return Adder()


def tf_functions_on_tensors():
    """functional model with raw tf functions, as written before Keras 3"""
    i = L.Input((16, 16, 3))
    x = tf.nn.relu(L.Conv2D(8, 3, padding="same")(i))
    x = tf.image.resize(x, (8, 8))
    x = tf.reduce_mean(tf.nn.depth_to_space(x, 2), axis=[1, 2])
    return Model(i, tf.math.l2_normalize(L.Dense(4)(x), axis=-1))


def stateful_lstm():
    return Sequential([L.Input(batch_shape=(2, 5, 3)), L.LSTM(8, stateful=True), L.Dense(2)])


def locally_connected():
    return Sequential([L.Input((12, 3)), L.LocallyConnected1D(4, 3), L.Flatten(), L.Dense(2)])


def custom_activation():
    def mish(x):
        return x * tf.math.tanh(tf.math.softplus(x))

    return Sequential([L.Input((8,)), L.Dense(16, activation=mish), L.Dense(2)])


def leaky_prelu():
    return Sequential(
        [
            L.Input((12, 12, 3)),
            L.Conv2D(4, 3),
            L.PReLU(shared_axes=[1, 2]),
            L.Conv2D(4, 3),
            L.LeakyReLU(0.3),
            L.Flatten(),
            L.ELU(),
            L.Dense(2),
        ]
    )
