"""Start locust and wait for it, never longer than it may take.

As a function `run_load`; from another process `python -m gatekit_locust.driver ORDER`, where ORDER
is a JSON file: {"url", "rows", "folder", "load": {...}}. First the generator is measured alone,
against /health/live, then the service.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gatekit.errors import GatekitError, ServiceProblem
from gatekit_locust.arrivals import Load

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
SLACK_SECONDS = 180.0  # its start on a busy machine, and its end
ALONE_SECONDS = 3.0
RESULT, PAGE, NUMBERS = "load-run.json", "load-locust.html", "load-locust.json"
PARTS = {"locust": "locust", "hdrh": "hdrhistogram"}


def run_load(url: str, rows: Path, load: Load, folder: Path) -> dict[str, Any]:
    """Send the bodies in `rows` to `url`/predict, after a short run without a model.

    Gives {"load": ..., "alone": ...} as `Tally.as_dict` has it, and leaves it in `folder` with
    locust's own page and numbers.

    Raises:
        ServiceProblem: locust is not installed, failed, or did not end in time.
    """
    for module, name in PARTS.items():
        if find_spec(module) is None:
            raise ServiceProblem(f"the load gate needs {name}", "Install pytest-gatekit[load]")
    short = min(ALONE_SECONDS, load.seconds)
    alone = _run(url, load, short, folder / "alone.json", ["--bare"])
    kept = ["--rows", str(rows), "--rows-per-request", str(load.rows_per_request)]
    kept += ["--html", str(folder / PAGE)]
    kept += ["--json-file", str(folder / Path(NUMBERS).stem)]  # locust adds the suffix
    seen = _run(url, load, load.seconds, folder / "seen.json", kept)
    found = {"load": seen, "alone": alone}
    (folder / RESULT).write_text(json.dumps(found), encoding="utf-8")
    return found


def _run(url: str, load: Load, seconds: float, out: Path, more: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"]
    command += ["-u", str(load.users), "-r", str(load.users), "--host", url, "--only-summary"]
    command += ["--loglevel", "WARNING", "--exit-code-on-error", "0", "--out", str(out)]
    command += ["--rate", str(load.rate), "--seconds", str(seconds), "--shape", load.shape, *more]
    if load.processes > 1:
        command += ["--processes", str(load.processes)]
        command += ["--expect-workers-max-wait", str(int(SLACK_SECONDS / 2))]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")}
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=out.parent,  # locust reads settings from where it stands
            capture_output=True,
            text=True,
            timeout=seconds + SLACK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ServiceProblem("locust did not end in time and was stopped") from error
    if done.returncode != 0 or not out.is_file():
        said = [line for line in done.stderr.splitlines() if line.startswith("gatekit: ")]
        said = said or done.stderr.strip().splitlines() or ["it gave no reason"]
        raise ServiceProblem(f"locust ended with {done.returncode}: {said[-1]}")
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    out.unlink()
    return found


def main(arguments: list[str]) -> int:
    """Run as a process; 3 and one line on stderr if there is no result."""
    order = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    try:
        run_load(order["url"], Path(order["rows"]), Load(**order["load"]), Path(order["folder"]))
    except GatekitError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
