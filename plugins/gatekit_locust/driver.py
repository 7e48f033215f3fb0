"""Start locust and wait for it, never longer than it may take.

As a function `run_load`; from another process

python -m gatekit_locust.driver URL ROWS OUT USERS RATE SECONDS
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gatekit.errors import GatekitError, ServiceProblem

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
SLACK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """How much: `rate` is requests a second, all users together."""

    users: int
    rate: float
    seconds: float


def run_load(url: str, rows: Path, load: Load, out: Path) -> None:
    """Send the request bodies in `rows` to `url`/predict; write what was seen to `out`, as JSON.

    Raises:
        ServiceProblem: locust is not installed, failed, or did not end in time.
    """
    if find_spec("locust") is None:
        raise ServiceProblem("the load gate needs locust", "Install pytest-gatekit[load]")
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"]
    command += ["-u", str(load.users), "-r", str(load.users), "-t", f"{math.ceil(load.seconds)}s"]
    command += ["--host", url, "--only-summary", "--loglevel", "WARNING"]
    command += ["--exit-code-on-error", "0", "--stop-timeout", "5"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")}
    environment |= {
        "GATEKIT_LOAD_ROWS": str(rows),
        "GATEKIT_LOAD_OUT": str(out),
        "GATEKIT_LOAD_RATE_PER_USER": str(load.rate / load.users),
        "GATEKIT_LOAD_SECONDS": str(load.seconds),
    }
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=out.parent,  # locust reads settings from where it stands
            capture_output=True,
            text=True,
            timeout=load.seconds + SLACK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ServiceProblem("locust did not end in time and was stopped") from error
    if done.returncode != 0 or not out.is_file():
        said = done.stderr.strip().splitlines() or ["it gave no reason"]
        raise ServiceProblem(f"locust ended with {done.returncode}: {said[-1]}")


def main(arguments: list[str]) -> int:
    """Run as a process; 3 and one line on stderr if there is no result."""
    url, rows, out, users, rate, seconds = arguments
    try:
        run_load(url, Path(rows), Load(int(users), float(rate), float(seconds)), Path(out))
    except GatekitError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
