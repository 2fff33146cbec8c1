"""What a run found: case results, the journal, results.json, expectations; what changed between two runs.

Takes cases, outcomes and diagnoses; gives the documents that users and scripts read.
Imports: diagnosis, matrix, locks, outcomes, system, errors.
"""
