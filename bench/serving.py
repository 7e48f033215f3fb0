"""The service beside its peers: one worker on core 0, wrk on core 1, everything in one run.

    python bench/serving.py FOLDER [--mlserver BIN] [--models lr,rf] [--rounds 5] [--seconds 2]
        [--starts 3]

FOLDER keeps the models, trained and gated once. BIN is the bin/ of an environment with MLServer;
without it its column stays empty. Every request carries other rows than the one before. Each round
measures everything once, in turn, and gives ratios of its own; the medians of those are shown. The
service verifies signatures (enforce) and validates every row. Needs wrk, taskset and two cores.

Beside requests a second stand those for each second of CPU that the server used, and beside the
wall time of a start its CPU: on a machine that has other work, only these say something.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from serving_models import MODELS, ensure_models
from serving_servers import Server, servers_for, wrk

# model: (rows, connections) -> {peer: the least ratio}
Case = tuple[int, int]  # rows, connections
Rate = tuple[float, float]  # requests a second, and a second of CPU
Ask = Callable[[Server, Case], Rate]
Start = tuple[float, float, float]  # MB, seconds, seconds of CPU
BARS: dict[str, dict[Case, dict[str, float]]] = {
    "lr": {
        (1, 1): {"constant": 1.3, "mlflow": 25, "mlserver": 5},
        (1, 32): {"constant": 2.0, "mlflow": 60, "mlserver": 10},
        (100, 1): {"constant": 0.7, "mlflow": 16, "onnx": 2},
    },
    "rf": {(1, 1): {"constant": 0.6, "mlflow": 30}, (1, 32): {"constant": 1.2, "mlflow": 100}},
    "hgb": {(1, 1): {"constant": 0.5, "mlflow": 15}, (1, 32): {"constant": 1.0, "mlflow": 50}},
    "census": {(1, 32): {"mlflow": 30}},
    "pyfunc": {(1, 1): {"mlflow": 1.5}},
}
MOST = {"compiled": {"memory": 0.5, "cold": 0.6}, "pyfunc": {"memory": 1.0, "cold": 1.0}}


def main() -> int:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mlserver", type=Path)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    given = parser.parse_args()
    names = given.models.split(",")
    folder = given.folder.resolve()
    ensure_models(folder, names)
    print("| model | rows | connections | req/s | beside | ratio | by CPU | bar | |")
    print("|---|---|---|---|---|---|---|---|---|")
    starts: dict[str, dict[str, Start]] = {}
    for name in names:
        starts[name] = one_model(folder, name, given)
    print("\n| engine | | service | mlflow models serve | ratio | bar | |")
    print("|---|---|---|---|---|---|---|")
    for name, bars in (("lr", MOST["compiled"]), ("pyfunc", MOST["pyfunc"])):
        if name in starts:
            start_lines(name, starts[name], bars)
    return 0


def one_model(folder: Path, name: str, given: argparse.Namespace) -> dict[str, Start]:
    """All cases of one model, beside its peers; gives PSS (MB) and start (s) of each server."""
    cases = BARS[name]
    servers = servers_for(folder, name, {peer for bars in cases.values() for peer in bars}, given)
    live: list[Server] = []
    try:
        started = {server.name: start(server, live, given.starts) for server in servers}
        seen = ask_in_turn(
            live,
            cases,
            lambda server, case: wrk(server, folder, name, case, given.seconds),
            given.rounds,
        )
    finally:
        for server in live:
            server.stop()
    for case, bars in cases.items():
        for peer, bar in bars.items():
            if (case, peer) in seen:
                case_line(name, case, peer, bar, (seen[case, "service"], seen[case, peer]))
    return started


def start(server: Server, live: list[Server], starts: int) -> Start:
    """Start it, several times where that is measured.

    Gives medians of PSS (MB), time to a prediction (s) and CPU used for it (s). What is to be asked
    stays and is in `live`.
    """
    repeats = starts if server.name in ("service", "mlflow", "restart") else 1
    found = []
    for repeat in range(repeats):
        server.start()
        live.append(server)
        found.append((server.memory_mb(), server.took_s, server.started_cpu_s))
        if repeat + 1 < repeats or server.name == "restart":
            server.stop()
            live.remove(server)
    mb, took_s, cpu_s = map(statistics.median, zip(*found, strict=True))
    return mb, took_s, cpu_s


def ask_in_turn(
    live: list[Server], cases: dict[Case, dict[str, float]], ask: Ask, rounds: int
) -> dict[tuple[Case, str], list[Rate]]:
    """Requests a second of every server in every case; the first round warms up."""
    seen: dict[tuple[Case, str], list[Rate]] = {}
    for number in range(rounds + 1):
        for case, bars in cases.items():
            for server in live if number % 2 else live[::-1]:
                if server.name != "service" and server.name not in bars:
                    continue
                rate = ask(server, case)
                if number:
                    seen.setdefault((case, server.name), []).append(rate)
    return seen


def case_line(
    name: str,
    case: tuple[int, int],
    peer: str,
    bar: float,
    rates: tuple[list[Rate], list[Rate]],
) -> None:
    """One row of the first table."""
    ours, theirs = rates
    pairs = list(zip(ours, theirs, strict=True))
    ratio, by_cpu = (statistics.median(a[at] / b[at] for a, b in pairs) for at in (0, 1))
    met = "met" if ratio >= bar else "NOT MET"
    rows, connections = case
    own, other = (statistics.median(rate for rate, _ in each) for each in rates)
    shown = f"{own:.0f} | {peer} {other:.0f} | {ratio:.2f} | {by_cpu:.2f}"
    print(f"| {name} | {rows} | {connections} | {shown} | {bar:g} | {met} |", flush=True)


def start_lines(name: str, found: dict[str, Start], bars: dict[str, float]) -> None:
    """Memory and start of one engine, beside MLflow's server."""
    engine = "pyfunc" if name == "pyfunc" else "compiled"
    mlflow = found["mlflow"]
    lines = [("memory, MB", found["service"][0], mlflow[0], bars["memory"])]
    for what, which in (("cold start", "service"), ("restart from its cache", "restart")):
        lines.append((f"{what}, s", found[which][1], mlflow[1], bars["cold"]))
        lines.append((f"{what}, s of CPU", found[which][2], mlflow[2], bars["cold"]))
    for what, ours, theirs, bar in lines:
        ratio = ours / theirs
        met = "met" if ratio <= bar else "NOT MET"
        print(f"| {engine} | {what} | {ours:.2f} | {theirs:.2f} | {ratio:.2f} | {bar:g} | {met} |")
    print(json.dumps({name: found}), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
