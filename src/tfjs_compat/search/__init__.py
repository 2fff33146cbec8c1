"""Searching over cases: pure cores that ask an oracle, and the oracle that runs cases for real."""
