"""For users' own tests and ours: toy models with known faults, and data to try them on."""

from gatekit.testing.rules import RULES
from gatekit.testing.toys import toy_holdout, write_toy

__all__ = ["RULES", "toy_holdout", "write_toy"]
