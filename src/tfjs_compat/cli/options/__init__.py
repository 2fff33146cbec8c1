"""The options that say what to run, what to look for and how: each is declared once, by the field that it sets.

The name of a parameter is the field of RunRequest or SearchRequest that it sets, or ``axis_NAME`` for an axis; so a new
option is a line in the module of its group, and no command maps one.
"""
