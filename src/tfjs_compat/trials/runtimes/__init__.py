"""The programs that run TensorFlow.js: Node, waiting Nodes, a browser, and the bundle that they load.

Takes a converted model and a job; gives an exit status and a record.
Imports: artifact, system, errors.
"""
