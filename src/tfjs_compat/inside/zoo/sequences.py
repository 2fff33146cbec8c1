"""Networks for sequences of numbers."""

from tensorflow import keras

from ._weights import BATCH, random_weights

layers = keras.layers


@random_weights
def seed():
    """Two LSTM and two Dense layers: the model of the article that this project answers."""
    return keras.Sequential(
        [
            keras.Input(shape=(10, 4)),
            layers.LSTM(16, return_sequences=True),
            layers.Dropout(0.2),
            layers.LSTM(8),
            layers.Dense(8, activation="relu"),
            layers.Dense(1),
        ]
    )


@random_weights
def conv1d():
    """Convolution and pooling over time."""
    return keras.Sequential(
        [
            keras.Input(shape=(20, 3)),
            layers.Conv1D(8, 3, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(8, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ]
    )


@random_weights
def causal_conv():
    """Dilated causal convolutions with a residual sum, as in WaveNet."""
    inputs = keras.Input(shape=(24, 2))
    x = layers.Conv1D(6, 1)(inputs)
    for rate in (1, 2, 4):
        y = layers.Conv1D(6, 2, dilation_rate=rate, padding="causal", activation="tanh")(x)
        x = layers.Add()([x, y])
    return keras.Model(inputs, layers.Conv1D(1, 1)(x))


@random_weights
def lstm():
    """One LSTM."""
    return keras.Sequential([keras.Input(shape=(8, 3)), layers.LSTM(8), layers.Dense(2)])


@random_weights
def gru():
    """Two GRU layers, the first returning sequences."""
    return keras.Sequential(
        [keras.Input(shape=(8, 3)), layers.GRU(8, return_sequences=True), layers.GRU(6), layers.Dense(2)]
    )


@random_weights
def gru_reset_before():
    """A GRU with ``reset_after=False``, the variant that TensorFlow.js implements."""
    return keras.Sequential([keras.Input(shape=(8, 3)), layers.GRU(6, reset_after=False), layers.Dense(2)])


@random_weights
def simple_rnn():
    """A SimpleRNN that reads backwards."""
    return keras.Sequential([keras.Input(shape=(8, 3)), layers.SimpleRNN(8, go_backwards=True), layers.Dense(2)])


@random_weights
def bidirectional():
    """Bidirectional LSTM and GRU, joined by concatenation and by sum."""
    return keras.Sequential(
        [
            keras.Input(shape=(8, 3)),
            layers.Bidirectional(layers.LSTM(6, return_sequences=True)),
            layers.Bidirectional(layers.GRU(5), merge_mode="sum"),
            layers.Dense(2),
        ]
    )


@random_weights
def stateful_rnn():
    """A stateful LSTM with a fixed batch; every prediction starts from the state the last one left."""
    return keras.Sequential(
        [keras.Input(shape=(6, 3), batch_size=BATCH), layers.LSTM(6, stateful=True), layers.Dense(2)]
    )


@random_weights
def rnn_cells():
    """An RNN over a stack of unequal cells."""
    cells = [layers.LSTMCell(6), layers.GRUCell(5, reset_after=False), layers.SimpleRNNCell(4)]
    return keras.Sequential([keras.Input(shape=(6, 3)), layers.RNN(cells), layers.Dense(2)])


@random_weights
def masking():
    """An LSTM behind a Masking layer."""
    return keras.Sequential(
        [keras.Input(shape=(8, 3)), layers.Masking(mask_value=0.0), layers.LSTM(6), layers.Dense(2)]
    )


@random_weights
def seq2seq():
    """An encoder LSTM whose states start a decoder LSTM; two inputs."""
    source = keras.Input(shape=(7, 3), name="source")
    target = keras.Input(shape=(5, 2), name="target")
    _, hidden, cell = layers.LSTM(6, return_state=True)(source)
    x = layers.LSTM(6, return_sequences=True)(target, initial_state=[hidden, cell])
    return keras.Model([source, target], layers.Dense(2)(x))


@random_weights
def repeat_vector():
    """A sequence autoencoder: GRU, RepeatVector, GRU and a Dense layer on each step."""
    return keras.Sequential(
        [
            keras.Input(shape=(6, 2)),
            layers.GRU(8, reset_after=False),
            layers.RepeatVector(6),
            layers.GRU(8, reset_after=False, return_sequences=True),
            layers.TimeDistributed(layers.Dense(2)),
        ]
    )


@random_weights
def dynamic_sequence():
    """A GRU over sequences of any length."""
    inputs = keras.Input(shape=(None, 3))
    x = layers.GRU(6, return_sequences=True)(inputs)
    return keras.Model(inputs, layers.Dense(2)(layers.GlobalMaxPooling1D()(x)))


@random_weights
def time_distributed():
    """A convolution on every frame of a clip, then an LSTM."""
    return keras.Sequential(
        [
            keras.Input(shape=(4, 8, 8, 1)),
            layers.TimeDistributed(layers.Conv2D(3, 3, activation="relu")),
            layers.TimeDistributed(layers.Flatten()),
            layers.LSTM(6),
            layers.Dense(2),
        ]
    )


@random_weights
def conv_lstm():
    """A convolutional LSTM over a clip."""
    return keras.Sequential(
        [
            keras.Input(shape=(4, 8, 8, 1)),
            layers.ConvLSTM2D(4, 3, recurrent_activation="sigmoid"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
