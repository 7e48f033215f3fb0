"""`gatekit plan`: how many rows a bar needs before they are labelled, and what n can tell apart."""
