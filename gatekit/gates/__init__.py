"""What is measured, one module per gate. A measure takes what the suite holds and gives an
`Estimate`; it decides nothing. Deciding is `gatekit.verdict`, the words are the suite's.
"""
