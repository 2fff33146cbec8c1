"""Which change makes a case work: pure search cores, remedies as changes, and the oracle that says yes, no or unknown.

Takes a request and an oracle; gives the best case that works, and which preferred ones could not be tried.
Imports: engine and every room below; never report.
"""
