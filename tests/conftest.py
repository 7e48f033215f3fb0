"""Settings for gatekit's own tests."""

from hypothesis import settings

from .browser import browser
from .indexes import index
from .servers import closed_port, mlflow_server

__all__ = ["browser", "closed_port", "index", "mlflow_server"]

# The same examples every time: a test that flaps teaches people to press the button again.
settings.register_profile("gatekit", derandomize=True, database=None, deadline=None)
settings.load_profile("gatekit")
