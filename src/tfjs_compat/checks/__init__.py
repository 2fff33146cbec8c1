"""Artifact → findings: what TensorFlow.js will refuse, pass over or compute otherwise, found without loading it.

Takes an Artifact and the Vocabulary of a TensorFlow.js release; gives findings. Pure.
Imports: artifact, outcomes, errors; never repairs.
"""
