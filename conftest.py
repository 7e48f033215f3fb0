"""Settings for gatekit's own tests. The plugin itself comes from the installed entry point."""

from hypothesis import settings

pytest_plugins = ["pytester"]

# The same examples every time: a test that flaps teaches people to press the button again.
settings.register_profile("gatekit", derandomize=True, database=None, deadline=None)
settings.load_profile("gatekit")
