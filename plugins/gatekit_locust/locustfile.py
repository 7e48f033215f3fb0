"""What locust runs: users that post real rows to /predict when the schedule says so.

By hand: `locust -f locustfile.py --headless --host URL --rows holdout.parquet --rate 50`; the load
gate sets the same options through `gatekit_locust.driver`. A token is read from GATEKIT_TOKEN.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import gevent
from locust import FastHttpUser, events, task
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

from gatekit.errors import GatekitError
from gatekit_locust.arrivals import SHAPES
from gatekit_locust.running import Run

GRACE_SECONDS = 10.0  # for the last answers, after the last arrival
DONE = "gatekit-done"
OK = 200
UNUSABLE = 3

RUN = Run()


class Caller(FastHttpUser):  # type: ignore[misc] # locust brings no types here
    """A connection that takes the next request of the schedule whenever it is free."""

    connection_timeout = GRACE_SECONDS
    network_timeout = GRACE_SECONDS

    @task  # type: ignore[untyped-decorator] # locust brings no types here
    def call(self) -> None:
        """One request, at its moment or as soon after it as this user is free."""
        RUN.began.wait()
        number = RUN.take()
        if number is None:
            if RUN.is_over:
                finish(self.environment)
            raise StopUser
        due = RUN.due(number)
        RUN.open += 1
        try:
            if (wait := due - perf_counter()) > 0:
                gevent.sleep(wait)
                RUN.tally.late(perf_counter() - due)
            self._send(number, due)
        finally:
            RUN.open -= 1

    def _send(self, number: int, due: float) -> None:
        method, path, body = "GET", "/health/live", None
        if RUN.bodies:
            method, path, body = "POST", "/predict", RUN.bodies[number % len(RUN.bodies)]
        with self.client.request(
            method, path, data=body, headers=RUN.headers, catch_response=True
        ) as response:
            end = perf_counter()
            response.request_meta["response_time"] = (end - due) * 1000  # locust's pages show it
            wrong, version = _judge(response, body)
            if wrong:
                RUN.lost(wrong, end - due)
                response.failure(wrong)
            else:
                RUN.answered(due, end, version)


def _judge(response: Any, body: bytes | None) -> tuple[str, str]:
    """What was wrong with an answer, and the version that gave it."""
    if response.status_code != OK:
        return f"answered {response.status_code}" if response.status_code else "no answer", ""
    if body is None:
        return "", "alone"
    try:
        said = json.loads(response.text)
        whole = len(said["predictions"]) == RUN.each
        return ("" if whole else "too few predictions"), str(said["version"])
    except (ValueError, KeyError, TypeError):
        return "no prediction", ""


def finish(environment: Any) -> None:
    """This process is done: a worker hands over what it saw, anybody else ends the run."""
    RUN.close()
    runner = environment.runner
    if not isinstance(runner, WorkerRunner):
        gevent.spawn(_end, environment)
    elif RUN.hand_over():
        runner.send_message(DONE, RUN.tally.as_dict())


def cut(environment: Any) -> None:
    """The time is up, whatever the service does."""
    if not RUN.is_over:
        finish(environment)


def _end(environment: Any) -> None:
    runner, waited = environment.runner, 0.0
    while runner.stats.total.num_requests < RUN.tally.answers and waited < GRACE_SECONDS:
        gevent.sleep(0.1)  # locust's own numbers come from its workers every three seconds
        waited += 0.1
    if environment.parsed_options.headless:
        runner.quit()
    else:
        runner.stop()


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator] # as above
def add_options(parser: Any) -> None:
    """The options of this file."""
    add = parser.add_argument
    add("--rows", default="", help="Parquet, CSV or Arrow rows; or .json with request bodies")
    add("--rows-per-request", type=int, default=1, help="rows in one request")
    add("--rate", type=float, default=50.0, help="requests a second, all users together")
    add("--seconds", type=float, default=10.0, help="how long requests are sent")
    add("--shape", choices=SHAPES, default="steady", help="how the rate goes")
    add("--bare", action="store_true", help="ask /health/live: what the generator alone takes")
    add("--most-p99-ms", type=float, default=0.0, help="exit with 1 above it; 0: never")
    add("--most-error-rate", type=float, default=1.0, help="exit with 1 above it")
    add("--out", default="", help="where the result is written, as JSON")


@events.init.add_listener  # type: ignore[untyped-decorator] # as above
def listen(environment: Any, runner: Any, **_: Any) -> None:
    """A master hears what its workers saw, and when all are done."""
    out = environment.parsed_options.out
    RUN.out = Path(out) if out and not isinstance(runner, WorkerRunner) else None
    if not isinstance(runner, MasterRunner):
        return
    done: set[str] = set()

    def heard(environment: Any, msg: Any, **_: Any) -> None:
        done.add(msg.node_id)
        RUN.tally.add(msg.data)
        if len(done) >= int(environment.parsed_options.expect_workers):
            RUN.is_whole = True
            done.clear()
            gevent.spawn(_end, environment)

    runner.register_message(DONE, heard)


@events.test_start.add_listener  # type: ignore[untyped-decorator] # as above
def prepare(environment: Any, **_: Any) -> None:
    """Fix the schedule before any user starts; give up in time, whatever the service does."""
    runner, options = environment.runner, environment.parsed_options
    index, of = 0, 1
    if isinstance(runner, WorkerRunner):
        index, of = runner.worker_index, int(options.expect_workers)
    if isinstance(runner, MasterRunner):
        RUN.gather()
        gevent.spawn_later(options.seconds + 4 * GRACE_SECONDS, _end, environment)
    else:
        try:
            RUN.prepare(options, environment.host, index, of)
        except (GatekitError, OSError, ValueError) as error:
            sys.stderr.write(f"gatekit: {error}\n")
            environment.process_exit_code = UNUSABLE
            gevent.spawn(runner.quit)


@events.spawning_complete.add_listener  # type: ignore[untyped-decorator] # as above
def begin(**_: Any) -> None:
    """Every user is there: the schedule begins."""
    RUN.begin()


@events.test_start.add_listener  # type: ignore[untyped-decorator] # as above
def limit(environment: Any, **_: Any) -> None:
    """No run is longer than its schedule and the grace."""
    if not isinstance(environment.runner, MasterRunner):
        seconds = environment.parsed_options.seconds + 2 * GRACE_SECONDS
        gevent.spawn_later(seconds, cut, environment)


@events.quitting.add_listener  # type: ignore[untyped-decorator] # as above
def judge(environment: Any, **_: Any) -> None:
    """By hand: the exit code says whether the limits that were given are kept."""
    options = environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or not RUN.is_whole:
        return
    slow = options.most_p99_ms and RUN.tally.percentile_ms(99) > options.most_p99_ms
    if slow or RUN.tally.error_rate > options.most_error_rate:
        environment.process_exit_code = 1


@events.quit.add_listener  # type: ignore[untyped-decorator] # as above
def write_result(**_: Any) -> None:
    """Leave the result: one line, and JSON where it was asked for."""
    if not RUN.is_whole:
        return
    sys.stderr.write(RUN.tally.line() + "\n")
    if RUN.out is not None:
        RUN.out.write_text(json.dumps(RUN.tally.as_dict()), encoding="utf-8")
