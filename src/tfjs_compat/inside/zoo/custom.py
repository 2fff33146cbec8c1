"""Models with code of one's own."""

import tensorflow as tf
from tensorflow import keras

from ._weights import random_weights

layers = keras.layers


@random_weights
def lambda_layer():
    """A Lambda layer with a TensorFlow function."""
    inputs = keras.Input(shape=(6, 4))
    x = layers.Lambda(lambda value: tf.reduce_sum(value * value, axis=1))(inputs)
    return keras.Model(inputs, layers.Dense(2)(x))


@keras.utils.register_keras_serializable(package="zoo")
class Sine(layers.Layer):
    """``sin(x · kernel + bias)``."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.units))
        self.bias = self.add_weight(name="bias", shape=(self.units,))
        super().build(input_shape)

    def call(self, inputs):
        return tf.sin(tf.matmul(inputs, self.kernel) + self.bias)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.units)

    def get_config(self):
        return dict(super().get_config(), units=self.units)


@random_weights
def custom_layer():
    """A layer class of one's own, with weights and a configuration, registered for saving."""
    return keras.Sequential([keras.Input(shape=(5,)), Sine(8), layers.Dense(2)])


@keras.utils.register_keras_serializable(package="zoo")
class Classifier(keras.Model):
    """Two Dense layers and batch normalization."""

    def __init__(self, units=8, **options):
        super().__init__(**options)
        self.units = units
        self.input_spec = layers.InputSpec(shape=(None, 6))
        self.hidden = layers.Dense(units, activation="relu")
        self.normalization = layers.BatchNormalization()
        self.head = layers.Dense(3)

    def call(self, inputs, training=False):
        return self.head(self.normalization(self.hidden(inputs), training=training))

    def get_config(self):
        return {"units": self.units}


@random_weights
def subclassed():
    """A model class of one's own, which has no graph of layers; its ``input_spec`` says what it takes."""
    model = Classifier()
    model(tf.zeros((1, 6)))
    return model
