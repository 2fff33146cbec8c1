"""Outcome → diagnosis: verdict, signature, known issues and their remedies.

Takes an Outcome; gives a Diagnosis. The catalogue is data, in known_issues/*.toml.
Imports: outcomes, matrix (versions), system (text), errors.
"""
