"""The smallest model that still fails in the same way: a model as a value, smaller ones, and its code. Pure.

Takes the configuration of a Keras model and an oracle; gives a network and Python code for it.
Imports: answer and ddmin of the room it is in; errors.
"""
