"""What users request, one verb a module, each a readable list of steps.

Takes a request; gives the value that a view or a script prints.
Imports: every room but api and cli.
"""
