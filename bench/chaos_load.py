"""Requests at a steady rate over kept connections, until told to stop; what came of them, as JSON.

    python bench/chaos_load.py URL RATE MOST_SECONDS

Ends when its standard input ends. Arrivals follow a clock, not the answers: an answer's time counts
from when its request was due. Version N of the model answers x0 + N, so that an answer that names
one version and was computed by another is seen.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from time import perf_counter
from urllib.parse import urlsplit

CONNECTIONS = 32
PATIENCE_S = 10.0
CLOSE = 1e-6


class Tally:
    """What came of the requests; times in milliseconds, with the second they were due."""

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()
        self.wrong = 0
        self.times: list[tuple[float, float]] = []

    def count(self, status: int, body: bytes, x0: float) -> None:
        """One answer."""
        if status != 200:
            self.lost[str(status)] += 1
            return
        said = json.loads(body)
        self.versions[said["version"]] += 1
        if abs(said["predictions"][0] - x0 - int(said["version"])) > CLOSE:
            self.wrong += 1


class Line:
    """One connection; made again when it was lost."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname, place.port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of one answer."""
        if self._reader is not None and self._reader.at_eof():
            self.drop()  # the other side has closed a line that was idle
        if self._reader is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        head = f"POST /predict HTTP/1.1\r\nHost: load\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        content = await self._reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.drop()
        return int(lines[0].split()[1]), content

    def drop(self) -> None:
        """Give the connection up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def work(url: str, due: asyncio.Queue, tally: Tally, start: float) -> None:
    """Send what is due, over one connection."""
    line = Line(url)
    while True:
        number, at = await due.get()
        x0 = number % 977 / 8
        body = f'{{"features": [[{x0}, 0.0, 0.0, 0.0]]}}'.encode()
        try:
            tally.count(*await asyncio.wait_for(line.ask(body), PATIENCE_S), x0)
            tally.times.append((at - start, (perf_counter() - at) * 1000))
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            tally.lost[type(error).__name__] += 1
            line.drop()
        finally:
            due.task_done()


async def generate(url: str, rate: float, most_s: float) -> dict:
    """Send until standard input ends, or `most_s` have passed."""
    loop, due, tally, start = asyncio.get_running_loop(), asyncio.Queue(), Tally(), perf_counter()
    stop = loop.run_in_executor(None, sys.stdin.read)
    workers = [asyncio.create_task(work(url, due, tally, start)) for _ in range(CONNECTIONS)]
    number = 0
    while not stop.done() and perf_counter() - start < most_s:
        while (at := start + number / rate) <= perf_counter():
            due.put_nowait((number, at))
            number += 1
        await asyncio.sleep(0.001)
    await asyncio.wait_for(due.join(), 60)
    for worker in workers:
        worker.cancel()
    return {
        "sent": number,
        "lost": dict(tally.lost),
        "wrong": tally.wrong,
        "versions": dict(tally.versions),
        "times": [(round(at, 3), round(ms, 3)) for at, ms in tally.times],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(generate(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))))
