"""The built-in suites, installed as `gatekit_suites`. Run by pytest, imported by nobody."""
