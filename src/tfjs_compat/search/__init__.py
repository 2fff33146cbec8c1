"""Which change makes a case work: pure search cores, remedies as changes, and the evaluator that answers.

Takes a request and an evaluator of cases; gives candidates and answers.
Imports: engine and every room below; never report.
"""
