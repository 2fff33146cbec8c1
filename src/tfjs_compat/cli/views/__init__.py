"""Values of workflows, printed for a terminal.

Takes a value and a console; prints.
Imports: report (grid, words) and the types that it prints.
"""
