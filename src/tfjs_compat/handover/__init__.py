"""What leaves the house: the converted folder, its CONVERSION.json, the recipe.

Takes a case that worked; gives files for somebody else.
Imports: search and every room below.
"""
