"""Results → texts: terminal, HTML, Markdown, JUnit, JSON (writers.py lists them).

Takes Results; gives text. Knows nothing of how the results came about or where the text is written.
Imports: results, diagnosis, matrix, outcomes, system, errors.
"""
