"""For pytest at the project's root. Options, fixtures and hooks come from the installed plugin
(`plugins/gatekit_pytest`), as they do for everybody else; settings of our own tests are in tests/.
"""

collect_ignore_glob = ["bench/*", "examples/*", "plugins/*", "service/*"]
