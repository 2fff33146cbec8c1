"""A TensorFlow.js model on disk, read as values: model.json, manifest, shards, layers, graph nodes, tensors.

Takes a folder that is not trusted; gives an Artifact and the findings of reading it. Knows how TensorFlow.js looks
layers, variables and nodes up; what is wrong with them is for the checks, and how to change it for the repairs.
Imports: matrix (routes), outcomes, system, errors.
"""
