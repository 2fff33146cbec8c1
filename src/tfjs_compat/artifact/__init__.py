"""A TensorFlow.js model on disk, read as values: model.json, manifest, shards, layers, graph nodes, tensors.

Takes a folder that is not trusted; gives an Artifact and the findings of reading it.
Imports: matrix (routes), outcomes, system, errors.
"""
