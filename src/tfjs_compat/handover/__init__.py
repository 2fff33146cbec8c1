"""What leaves the house: the converted folder, its CONVERSION.json, the recipe; a bundle that shows a failure.

Takes a case that worked, or one that failed; gives files for somebody else.
Imports: search and every room below.
"""
