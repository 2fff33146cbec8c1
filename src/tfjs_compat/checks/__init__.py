"""Artifact → findings: what TensorFlow.js will refuse, pass over or compute otherwise, found without loading it.

Takes an Artifact and the Vocabulary of a TensorFlow.js release; gives findings. Reads model.json and weights, writes
nothing. A new check is a module here and its name in `catalogue.CHECKS`.
Imports: artifact, outcomes, errors; never repairs.
"""
