"""What the models' own processes cost: the whole offline run with them, and the same without.

    python bench/isolation.py [ROUNDS]

The churn example: both models are trained and registered once, then the boosted one is gated
against the logistic one, `pytest --model-uri ... --champion ...`, each time in a new process. The
other side is the same command with both models loaded into the gate's own process: scanned, by the
same engine, without a line and without walls. Rounds alternate; medians of wall time count. The
bar is 1.10. Last comes what raising the walls takes, from inside.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter, sleep
from types import SimpleNamespace

from project import CHAMPION, GATES, called, make_project

BAR = 1.10
INSIDE = "--in-process"


def run_in_process(arguments: list[str]) -> int:
    """The gates on models that live in this process."""
    import numpy as np
    import pytest

    from gatekit.runner.process import Loaded, Runner
    from gatekit.runner.worker import Worker, peak_mb
    from gatekit.scoring.engines import choose_engine, load_engine

    class Inside(Runner):
        """As a runner, without a process."""

        def start(self):
            self._held_engines = getattr(self, "_held_engines", {})

        def load(self, folder, engine="auto"):
            self.start()
            assert not self._scan(folder.resolve(), self._trusted)
            name, start = choose_engine(folder, engine), perf_counter()
            self._held_engines[name] = load_engine(folder, name)
            self._talk.asked += 1
            self._engines.append(name)
            return Loaded(perf_counter() - start, peak_mb(), name)

        def _by(self, engine):
            return self._held_engines[engine or self._engines[0]]

        def predict(self, table, *, engine=None):
            return self._by(engine).predict(table)

        def answer(self, table, score, *, engine=None):
            return self._by(engine).answer(table, score)

        def answer_each(self, tables, score=""):
            return [self.answer(t, score) if score else self.predict(t) for t in tables]

        def disturbed(self, table, score=""):
            return self._by(None).disturbed(table, score)

        def time_rows(self, table, calls, warm_up, *, engine=None, each=1):
            nobody = SimpleNamespace(send=lambda _: None)
            header = {"calls": calls, "warm_up": warm_up, "each": each}
            return np.asarray(Worker._time(nobody, self._by(engine), table, header, {}))  # noqa: SLF001 - the same loop, here

    import gatekit.run
    from gatekit.runner.forkserver import ForkServer

    gatekit.run.Runner = Inside
    ForkServer.begin = classmethod(lambda _: None)
    return pytest.main(arguments)


def timed(root: Path, *, inside: bool) -> tuple[float, list[str]]:
    """Seconds of one whole run, and its gates' outcomes."""
    python = (sys.executable, __file__, INSIDE) if inside else (sys.executable, "-m", "pytest")
    start = perf_counter()
    done = called(root, *python, *GATES, *CHAMPION)
    seconds = perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"a run has not passed:\n{done.stdout[-3000:]}{done.stderr[-1500:]}")
    report = json.loads((root / ".gatekit/report/gatekit-report.json").read_text())
    outcomes = [f"{gate['gate']} {gate['outcome']}" for gate in report["gates"]]
    if bool(report["run"]["walls"]) == inside:
        sys.exit(f"this is not what was to be measured: walls {report['run']['walls']}")
    return seconds, outcomes


def walls_ms(root: Path) -> float:
    """Milliseconds for the walls, as a process that raised them says."""
    from gatekit.runner.limits import Limits
    from gatekit.runner.process import Runner

    took = []
    for number in range(5):
        with Runner(Limits(), root / f"scratch{number}") as runner:
            runner.start()
            sleep(0.5)
            took.append(runner._talk.held().channel.receive(30).header["walls_ms"])  # noqa: SLF001 - its first word
    return statistics.median(took)


def told(side: str, seconds: list[float]) -> None:
    """A line for one side."""
    every = ", ".join(f"{each:.2f}" for each in seconds)
    print(f"{side}: median {statistics.median(seconds):.2f} s of {every}")


def main() -> int:
    """Print both medians and their ratio; 1 when it is above the bar."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        make_project(root)
        apart, inside = [], []
        for number in range(-1, rounds):  # the first pair warms the caches
            one, outcomes = timed(root, inside=False)
            other, same = timed(root, inside=True)
            if outcomes != same:
                sys.exit(f"the sides do not agree: {outcomes}, {same}")
            if number >= 0:
                apart.append(one)
                inside.append(other)
        print(f"gates: {', '.join(outcomes)}")
        raising = walls_ms(root)
    ratio = statistics.median(apart) / statistics.median(inside)
    told("processes", apart)
    told("in process", inside)
    print(f"ratio {ratio:.3f} (bar {BAR:.2f}); raising the walls: {raising:.1f} ms")
    return int(ratio > BAR)


if __name__ == "__main__":
    if sys.argv[1:2] == [INSIDE]:
        sys.exit(run_in_process(sys.argv[2:]))
    sys.exit(main())
