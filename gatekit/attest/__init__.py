"""Signed statements: keys, envelopes, what a statement says, and whom a policy trusts with it."""
