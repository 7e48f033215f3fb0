"""`python -m gatekit_service`: serve what the environment says."""

from __future__ import annotations

import os
import sys

from gatekit.errors import GatekitError, UsageProblem
from gatekit.runner.environment import one_thread
from gatekit_service.logs import begin
from gatekit_service.settings import Settings


def main() -> int:
    """Serve until told to stop. 2 if the environment makes no sense."""
    try:
        settings = Settings.from_environment()
    except UsageProblem as error:
        sys.stderr.write(f"gatekit_service: {error}\n")
        return 2
    os.environ.update(one_thread(os.environ))  # read when numpy and its kind are imported
    try:
        import uvicorn

        from gatekit_service.app import create_app
        from gatekit_service.lane import lane
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"gatekit_service: {error.name} is missing; install pytest-gatekit[service]\n"
        )
        return 2
    try:
        app = create_app(settings)
    except GatekitError as error:  # its policy cannot be used
        sys.stderr.write(f"gatekit_service: {error}\n")
        return 2
    begin(settings.log)
    uvicorn.run(
        app,
        http=lane(app.scoring),
        host=settings.host,
        port=settings.port,
        access_log=False,  # a path may hold what people send
        log_config=None,
        ws="none",
        timeout_graceful_shutdown=10,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
