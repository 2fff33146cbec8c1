"""What a run found: case results, the journal, results.json, expectations.

Takes cases, outcomes and diagnoses; gives the documents that users and scripts read.
Imports: diagnosis, matrix, outcomes, system, errors.
"""
