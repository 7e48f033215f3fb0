"""Reads a model's files without running any of them, and says why they must not be loaded."""
