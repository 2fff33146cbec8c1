"""Plan → results, anywhere: what runs, in which pieces and order, over which executor; the cache of outcomes.

Takes a plan; gives results. Tasks and their results are plain data, and the coordinator alone writes.
Imports: results and every room below; never report.
"""
