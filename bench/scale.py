"""What judging very many rows costs: wall, memory, processes, clusters.

    python bench/scale.py gates [ROWS] [ROUNDS]        10,000,000 and 3 unless said
    python bench/scale.py memory [FEW] [MANY]          1,000,000 and 30,000,000
    python bench/scale.py forest [ROWS] [ROUNDS]       2,000,000 and 3
    python bench/scale.py clusters [ROWS]              5,000,000; Spark where pyspark and Java are
    python bench/scale.py drift [ROWS] [ROUNDS]        10,000,000 on either side, and 3

Each piece of work is a process of its own; ratios are of medians of interleaved rounds, counted
from when the models are loaded. Data is written once, below $GATEKIT_BENCH or the folder for
temporary files, some 75 MB for a million rows.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import psutil
from scale_data import write_drift_policy, write_models, write_policy, write_rows

HERE = Path(__file__).parent
AT_MOST_SECONDS = 3600


def ground(n, processes=1):
    """The folder with data of n rows and the models; the data's name; the policy."""
    root = Path(os.environ.get("GATEKIT_BENCH", tempfile.gettempdir())) / "gatekit-scale"
    root.mkdir(parents=True, exist_ok=True)
    data = f"rows-{n}.parquet"
    write_rows(root / data, n)
    write_models(root)
    return root, data, write_policy(root, data, processes)


def work(*command, watch=False):
    """What one process did, as it told; with `watch` also the most its tree of processes held."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    process = subprocess.Popen(
        [sys.executable, str(HERE / "scale_work.py"), *map(str, command)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    most = [0.0]
    if watch:
        watcher = threading.Thread(target=_watch, args=(process, most))
        watcher.start()
    said, _ = process.communicate(timeout=AT_MOST_SECONDS)
    if process.returncode:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return json.loads(said.splitlines()[-1]) | {"tree_mb": most[0]}


def _watch(process, most):
    """Proportional shares (PSS) of the tree, added up, as often as that can be read."""
    top = psutil.Process(process.pid)
    while process.poll() is None:
        held = 0.0
        try:
            for each in (top, *top.children(recursive=True)):
                held += each.memory_full_info().pss / 2**20
        except psutil.Error:
            continue
        most[0] = max(most[0], held)
        time.sleep(0.05)


def row(name, value, bar=""):
    print(f"{name:<58} {value:>9}  {bar}")


def done_in_turn(pieces, rounds, *, watch=False):
    """What each piece of work told, by name: interleaved, so that a slow minute meets all."""
    done = {name: [] for name in pieces}
    for _ in range(rounds):
        for name, piece in pieces.items():
            done[name].append(work(*piece, watch=watch))
    return done


def told(done):
    """Print the medians; the wall and the processor's seconds by the first letter of the name."""
    print(f"{'':<58} {'wall s':>9}  processor s")
    walls, cpus = {}, {}
    for name, each in done.items():
        walls[name[0]], cpus[name[0]] = (median(d[key] for d in each) for key in ("seconds", "cpu"))
        row(name, f"{walls[name[0]]:.2f}", f"{cpus[name[0]]:.2f}")
    return walls, cpus


def gates(n=10_000_000, rounds=3):
    root, data, policy = ground(n)
    pieces = {
        "a  scan and predict, this process, no walls": ("plain", root, data, "logistic"),
        "b  scan and predict, behind the walls": ("behind walls", root, policy, "logistic"),
        "c  all gates of accuracy, slices, fairness, with bounds": (
            "gates", root, policy, "logistic", "", "local",
        ),
        "d  the same beside a champion": ("gates", root, policy, "logistic", "champion", "local"),
    }  # fmt: skip
    done = done_in_turn(pieces, rounds)
    print(f"{n:,} rows, 10 features, logistic regression, medians of {rounds}")
    walls, cpus = told(done)
    # the floor is what anybody would write: one process, and so one core; the gates may take two
    for one, other, bar in (("c", "a", "wall at most 1.25"), ("c", "b", ""), ("d", "c", "")):
        ratios = (each[one] / each[other] for each in (walls, cpus))
        row(f"{one} / {other}", f"{next(ratios):.2f}", f"{next(ratios):.2f}   {bar}")
    most = max(d["peak_mb"] for name in done if name[0] in "cd" for d in done[name])
    row("gate process, peak MB", f"{most:.0f}", "at most 450")
    return walls["c"] > 1.25 * walls["a"] or most > 450


def memory(few=1_000_000, many=30_000_000):
    held = []
    for n in (few, many):
        root, _, policy = ground(n)
        held.append(work("gates", root, policy, "logistic", "champion", "local", watch=True))
        row(f"{n:,} rows: gate process, peak MB", f"{held[-1]['peak_mb']:.0f}", "at most 450")
        row(f"{n:,} rows: the whole tree, peak MB (PSS)", f"{held[-1]['tree_mb']:.0f}")
    growth = held[1]["tree_mb"] / held[0]["tree_mb"] - 1
    row("growth of the tree", f"{growth:+.1%}", "at most 10 %")
    return growth > 0.10 or max(each["peak_mb"] for each in held) > 450


def forest(n=2_000_000, rounds=3):
    taken = {1: [], 2: []}
    hashes = set()
    for _ in range(rounds):
        for processes, seconds in taken.items():
            root, _, policy = ground(n, processes)
            done = work("gates", root, policy, "forest", "", "local")
            seconds.append(done["seconds"])
            hashes.add(done["sha256"])
    one, two = (median(each) for each in taken.values())
    print(f"{n:,} rows, forest of 100 trees, seconds, medians of {rounds}")
    row("1 process", f"{one:.2f}")
    row("2 processes", f"{two:.2f}")
    row("1 / 2", f"{one / two:.2f}", "at least 1.7")
    row("same evidence", str(len(hashes) == 1))
    return one < 1.7 * two or len(hashes) > 1


def clusters(n=5_000_000):
    root, _, policy = ground(n)
    missed = False
    print(f"{n:,} rows, seconds of the pass and all gates, the cluster's start apart")
    local = {
        name: work("gates", root, policy, name, "", "local") for name in ("logistic", "forest")
    }
    for name, done in local.items():
        row(f"local, {name}", f"{done['seconds']:.2f}", done["sha256"][:16])
    taken = {}
    for workers in (1, 2):
        with _dask(workers) as address:
            for name in local:
                done = work("gates", root, policy, name, "", f"dask://{address}")
                taken[name, workers] = done["seconds"]
                missed |= done["sha256"] != local[name]["sha256"]
                words = f"Dask, {workers} workers, {name}"
                row(words, f"{done['seconds']:.2f}", done["sha256"][:16])
    gained = taken["forest", 1] / taken["forest", 2]
    row("Dask, forest, 1 worker / 2", f"{gained:.2f}", "at least 1.5")
    missed |= gained < 1.5
    if importlib.util.find_spec("pyspark") is None:
        print("Spark: pyspark is not installed")
        return missed
    for name in local:
        done = work("gates", root, policy, name, "", "spark://local[2]")
        row(f"Spark local[2], {name}", f"{done['seconds']:.2f}", done["sha256"][:16])
        missed |= done["sha256"] != local[name]["sha256"]
    return missed


def drift(n=10_000_000, rounds=3):
    root, current, _ = ground(n)
    reference = f"train-{n}.parquet"
    write_rows(root / reference, n, seed=8)
    pieces = {"a  read both samples, this process": ("read", root, current, reference)}
    for place, with_model in (("b", False), ("c", True)):
        policy = write_drift_policy(root, current, reference, with_model=with_model)
        words = "  and predicted, leaks sought" if with_model else ""
        pieces[f"{place}  four effects of 11 columns{words}"] = ("drift", root, policy, "words")
    done = done_in_turn(pieces, rounds, watch=True)
    print(f"{n:,} rows of reference and of current, 11 columns, medians of {rounds}")
    walls, cpus = told(done)
    for one in "bc":
        ratio = cpus[one] / cpus["a"]
        row(f"{one} / a", f"{walls[one] / walls['a']:.2f}", f"{ratio:.2f}")
    for name, each in done.items():
        row(f"{name[0]}  gate process, peak MB", f"{max(d['peak_mb'] for d in each):.0f}")
        row(f"{name[0]}  the whole tree, peak MB (PSS)", f"{max(d['tree_mb'] for d in each):.0f}")
    widths = next(each for name, each in done.items() if name[0] == "b")[0]["widths"]
    for name, width in widths.items():
        row(f"{name}: upper bound less the value", f"{width:.5f}")
    return False


class _dask:  # noqa: N801 - used as a word
    """A scheduler and its workers, each a process with one thread."""

    def __init__(self, workers):
        from distributed import LocalCluster

        self.cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            host="127.0.0.1",
        )

    def __enter__(self):
        return self.cluster.scheduler_address.removeprefix("tcp://")

    def __exit__(self, *_):
        self.cluster.close()


if __name__ == "__main__":
    what = {each.__name__: each for each in (gates, memory, forest, clusters, drift)}
    if len(sys.argv) < 2 or sys.argv[1] not in what:
        sys.exit(__doc__)
    sys.exit(what[sys.argv[1]](*map(int, sys.argv[2:])))
