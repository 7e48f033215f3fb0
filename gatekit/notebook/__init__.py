"""The gates from a notebook: the same suites in a child process, and a result that shows itself."""
