"""What one trial did, as values: stages, verdicts, failures, findings, parity, repairs applied, Outcome.

Takes nothing and gives types that every later room speaks in; has no side effect.
Imports: errors, system (text).
"""
