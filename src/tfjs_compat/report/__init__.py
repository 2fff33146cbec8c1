"""Results → documents: terminal, HTML, Markdown, JUnit.

Takes Results; gives text. Knows nothing of how they came about or where they are written.
Imports: results, diagnosis, matrix, outcomes, system, errors.
"""
