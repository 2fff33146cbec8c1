"""The programs that run TensorFlow.js: Node, warm Nodes, a browser and its page, and the bundle that they load.

Takes a converted model and a job; gives how the run ended (``TfjsExit``) and a record.
Imports: artifact, matrix, system, errors.
"""
