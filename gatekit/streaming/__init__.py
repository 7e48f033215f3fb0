"""Holdouts that are too large to hold: a pass over their parts fills evidence, which merges."""
