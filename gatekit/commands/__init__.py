"""What `gatekit` can be told to do: one file per command, parsing and printing only.

Each file has `add_NAME(commands, common)`, which adds its options to the parser, and a function
from the parsed arguments to an `Answer`.
"""
