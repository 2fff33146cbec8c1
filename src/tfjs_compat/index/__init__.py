"""What there is: the package index with its releases, uv to call, and the Pythons of this machine.

Takes the user's configuration; gives releases and interpreters.
Imports: system, errors.
"""
