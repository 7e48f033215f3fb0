"""Faults and swaps around a service while requests run: what was lost, as tables.

    python bench/chaos.py [--only WORD] [--rate 200] [--swaps 100] [--swap-rate 1000] [--no-faults]

`mlflow server` over a database file, a door before it that can be shut, the service with proof
enforced and a compiled model, requests at a steady rate from a process of its own, their times
counted from when they were due. Bounded: no load lasts more than ten minutes. Ends with 1 if a
request was lost or an answer came from another version than it names, but for the two signals.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from chaos_faults import FALLS, FAULTS, small_disk
from chaos_site import Site, scratch

MOST_SECONDS = 600
QUIET_SECONDS = 20
HERE = Path(__file__).parent


class Load:
    """The process that sends requests; `end` tells what came of them."""

    def __init__(self, url: str, rate: float) -> None:
        command = [sys.executable, str(HERE / "chaos_load.py"), url, str(rate), str(MOST_SECONDS)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        time.sleep(2)

    def end(self) -> dict:
        """Send no more, wait for what is open."""
        said, _ = self._process.communicate("")
        return json.loads(said)


def percentile(found: dict, share: float) -> float:
    """Milliseconds, from when a request was due."""
    return float(np.percentile([ms for _, ms in found["times"]], share))


def line(*cells: object) -> None:
    """A row of a table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def one_fault(site: Site, name: str, rate: float, good: str) -> bool:
    """Let it happen while requests run; whether nothing was lost."""
    site.serves(good)
    if name == "registry down for the whole run":
        site.stop()
        site.door.shut = "all"
        site.start()
        site.complaint()
    load = Load(site.url, rate)
    try:
        said = FAULTS[name](site)
    except TimeoutError as error:
        said = f"NOTHING: {error}"
    time.sleep(2)
    found = load.end()
    site.door.shut = ""
    site.point(good)
    lost = sum(found["lost"].values())
    words = ", ".join(f"{many} {why}" for why, many in found["lost"].items())
    shown = f"{lost} ({words})" if lost else "0"
    line(name, f"{found['sent']:,}", shown, found["wrong"], f"{percentile(found, 99):.1f}", said)
    return (lost == 0 or name in FALLS) and found["wrong"] == 0 and "NOTHING" not in said


def faults(site: Site, only: str, rate: float) -> bool:
    """The table of faults."""
    good, fine = site.add(), True
    site.point(good)
    site.start()
    line("fault", "requests", "lost", "wrong", "p99 ms", "what the service said")
    line(*["---"] * 6)
    for name in FAULTS:
        if only.lower() not in name.lower():
            continue
        if name.startswith("disk") and not site.has_small_disk:
            line(name, "", "", "", "", "not tried: a small disk takes root to make")
            continue
        fine &= one_fault(site, name, rate, good)
    site.serves(good)
    site.stop()
    return fine


def swaps(site: Site, many: int, rate: float) -> bool:
    """Swap to a version that is not loaded, again and again, and compare with quiet times."""
    versions = [site.add() for _ in range(3)]
    site.point(versions[0])
    site.start()
    site.serves(versions[0])
    load = Load(site.url, rate)
    time.sleep(QUIET_SECONDS)
    quiet = load.end()
    load, done, start = Load(site.url, rate), 0, time.monotonic()
    while done < many and time.monotonic() - start < MOST_SECONDS - 30:
        wanted = versions[(done + 1) % 3]
        site.point(wanted)
        site.serves(wanted)
        done += 1
    found = load.end()
    lost = sum(found["lost"].values()) + sum(quiet["lost"].values())
    ratios = {share: percentile(found, share) / percentile(quiet, share) for share in (50, 99)}
    line("swaps", "requests", "each second", "lost", "wrong", "p99 ms", "without swaps", "ratio")
    line(*["---"] * 8)
    sent, each = f"{found['sent']:,}", f"{found['sent'] / found['times'][-1][0]:.0f}"
    p99 = [f"{percentile(each, 99):.2f}" for each in (found, quiet)]
    line(
        done, sent, each, f"{lost} {found['lost'] or ''}", found["wrong"], *p99, f"{ratios[99]:.2f}"
    )
    print(f"p50 {ratios[50]:.2f} times that without; versions {found['versions']}")
    site.stop()
    return lost == 0 and found["wrong"] == 0


def main() -> int:
    """Both tables."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--only", default="")
    asked.add_argument("--rate", type=float, default=200)
    asked.add_argument("--swaps", type=int, default=100)
    asked.add_argument("--swap-rate", type=float, default=1000)
    asked.add_argument("--no-faults", action="store_true")
    told = asked.parse_args()
    root = scratch()
    has_small_disk = small_disk(root / "cache")
    site = Site(root)
    site.has_small_disk = has_small_disk
    try:
        fine = told.no_faults or faults(site, told.only, told.rate)
        if told.swaps:
            fine &= swaps(site, told.swaps, told.swap_rate)
    finally:
        site.close()
        if has_small_disk:
            subprocess.run(["umount", str(root / "cache")], check=False)
        shutil.rmtree(root, ignore_errors=True)
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
