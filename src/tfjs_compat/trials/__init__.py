"""One trial for real: the Python half in an environment, the TensorFlow.js half, their records, the comparison.

Takes a case, its environment and a folder; gives an Outcome. What happens happens in children.
Imports: checks, repairs, artifact, environments, matrix, outcomes, system, errors.
"""
