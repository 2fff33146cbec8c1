"""A Keras model made into one that computes the same, of layers and operations that TensorFlow.js has.

Stands alone: a recipe copies this folder beside its script. Python >= 3.8, numpy and the model's own Keras.
"""
