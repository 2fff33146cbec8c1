"""Dense networks."""

from tensorflow import keras

from ._weights import random_weights

layers = keras.layers


@random_weights
def linear():
    """One Dense layer: nothing smaller can be converted."""
    return keras.Sequential([keras.Input(shape=(4,)), layers.Dense(1)])


@random_weights
def mlp():
    """A classifier of three Dense layers."""
    return keras.Sequential(
        [
            keras.Input(shape=(8,)),
            layers.Dense(16, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(12, activation="tanh"),
            layers.Dense(3, activation="softmax"),
        ]
    )


@random_weights
def compiled():
    """A Dense network with optimizer, loss and metrics, as it is saved after training."""
    model = keras.Sequential([keras.Input(shape=(6,)), layers.Dense(8, activation="relu"), layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse", metrics=["mae"])
    return model


@random_weights
def regularised():
    """Dense layers with regularizers, constraints and named initializers."""
    return keras.Sequential(
        [
            keras.Input(shape=(8,)),
            layers.Dense(12, activation="relu", kernel_regularizer=keras.regularizers.l2(0.01)),
            layers.Dense(
                12,
                activation="relu",
                kernel_initializer=keras.initializers.Orthogonal(),
                kernel_regularizer=keras.regularizers.l1_l2(0.01, 0.01),
                kernel_constraint=keras.constraints.MaxNorm(2.0),
            ),
            layers.Dense(3, kernel_initializer="he_normal", bias_constraint=keras.constraints.NonNeg()),
        ]
    )


@random_weights
def noise():
    """Layers that act in training only: the dropouts and Gaussian noise."""
    return keras.Sequential(
        [
            keras.Input(shape=(10, 6)),
            layers.GaussianNoise(0.1),
            layers.SpatialDropout1D(0.2),
            layers.Dense(8, activation="relu"),
            layers.GaussianDropout(0.2),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


@random_weights
def activations():
    """Activations that TensorFlow.js knows, as layers and by name."""
    inputs = keras.Input(shape=(8,))
    x = layers.PReLU()(layers.LeakyReLU()(layers.Dense(12)(inputs)))
    x = layers.ReLU(max_value=6.0)(layers.ELU()(layers.Dense(12)(x)))
    branches = [
        layers.Dense(6, activation=name)(x) for name in ("selu", "softplus", "softsign", "sigmoid", "tanh", "elu")
    ]
    x = layers.Dense(5)(layers.Concatenate()(branches))
    return keras.Model(inputs, layers.Softmax()(x))


@random_weights
def modern_activations():
    """Activations of newer networks: gelu and swish."""
    return keras.Sequential(
        [
            keras.Input(shape=(8,)),
            layers.Dense(12, activation="gelu"),
            layers.Dense(12, activation="swish"),
            layers.Dense(3),
        ]
    )


@random_weights
def layer_normalization():
    """Dense layers with layer normalization between."""
    return keras.Sequential(
        [
            keras.Input(shape=(8,)),
            layers.Dense(12),
            layers.LayerNormalization(),
            layers.Activation("tanh"),
            layers.Dense(3),
        ]
    )


@random_weights
def autoencoder():
    """An autoencoder made of two named models."""
    encoder = keras.Sequential(
        [keras.Input(shape=(12,)), layers.Dense(8, activation="relu"), layers.Dense(4)], name="encoder"
    )
    decoder = keras.Sequential(
        [keras.Input(shape=(4,)), layers.Dense(8, activation="relu"), layers.Dense(12)], name="decoder"
    )
    inputs = keras.Input(shape=(12,))
    return keras.Model(inputs, decoder(encoder(inputs)))
