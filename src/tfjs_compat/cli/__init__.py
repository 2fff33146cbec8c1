"""The command line: options, commands, exit codes, live progress, views for a terminal.

Takes arguments; prints and exits. Holds no logic.
Imports: api, report, and the types that it prints.
"""
