"""What counting and logging add to an answer: the whole app in one process, without a socket.

python bench/metering.py    microseconds for one row, the least of several rounds, and the ratio
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import timeit
from collections import Counter
from pathlib import Path
from time import perf_counter

from gatekit.registry.folder import FolderRegistry
from gatekit.testing import write_toy
from gatekit_service.app import create_app
from gatekit_service.inferences import InferenceLog
from gatekit_service.settings import Settings

ROUNDS, CALLS = 20, 300
BODY = json.dumps({"features": [[0.5, 1.0, 2.0, 3.0]]}).encode()
SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/predict",
    "raw_path": b"/predict",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"content-type", b"application/json")],
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 2),
}


async def ask(app):
    statuses = []

    async def receive():
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app({**SCOPE, "state": {}}, receive, send)
    return statuses[0]


async def answer_us(app):
    """One answer through the whole app, without a socket."""
    least = float("inf")
    for _ in range(ROUNDS):
        start = perf_counter()
        for _ in range(CALLS):
            assert await ask(app) == 200
        least = min(least, (perf_counter() - start) / CALLS * 1e6)
    return least


def hook_us(hook, answered):
    return min(timeit.repeat(lambda: hook(answered), number=CALLS, repeat=ROUNDS)) / CALLS * 1e6


async def measure(root):
    registry = FolderRegistry(root / "registry")
    registry.register("toy", write_toy(root / "toy", "threshold"))
    registry.move("toy", "staging", "1", "alias")
    app = create_app(Settings(model="toy", registry=registry.uri, cache=root / "cache"))
    state, ready, seen = app.state.wiring.state, asyncio.Event(), []
    loop = asyncio.get_running_loop()
    state.on_swap.append(lambda *_: loop.call_soon_threadsafe(ready.set))
    logs = [InferenceLog(root / "log", share, 64.0, Counter()) for share in (0.01, 1.0)]
    for log in logs:
        log.start()
    async with app.router.lifespan_context(app):
        await ready.wait()
        (counted,) = state.on_answer
        state.on_answer[:] = [seen.append]
        found = {"an answer, whole": await answer_us(app)}
        found["counting it"] = hook_us(counted, seen[0])
        found["logging 1 in 100"] = hook_us(logs[0].offer, seen[0])
        found["logging all"] = hook_us(logs[1].offer, seen[0])
    return found


def main():
    with tempfile.TemporaryDirectory() as scratch:
        found = asyncio.run(measure(Path(scratch)))
    for name, us in found.items():
        print(f"{name:20}{us:9.2f} us   {us / found['an answer, whole']:.4f}")


if __name__ == "__main__":
    main()
