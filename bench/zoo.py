"""Every pair of the zoo as a user would gate it: one run of pytest, one process a model.

    .venv/bin/python bench/zoo.py [NAME ...]

Prints a line a pair and ends with 1 if any defect went unseen, was seen by a suite that should not
have, or a sound twin did not pass. The pairs under latency want a machine that is not overloaded.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from gatekit.testing import zoo
from gatekit.testing.zoo.process import VARIABLE


def gate(pair, folder, model):
    """Run pytest on one model of a pair: its exit code, and the suites that did not pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--model-uri", str(folder / model), "--gates", str(zoo.gates(folder, model))]
    if pair.rival is not None:
        command += ["--champion", str(folder / "champion")]
    report = folder / f"report-{model}"
    done = subprocess.run(
        [*command, "--report-dir", str(report)],
        cwd=folder,
        env={**os.environ, VARIABLE: "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    file = report / "gatekit-report.json"
    if not file.exists():
        return done.returncode, {"no report: " + (done.stderr or done.stdout)[-200:]}
    gates = json.loads(file.read_text())["gates"]
    return done.returncode, {each["gate"] for each in gates if each["outcome"] != "PASSED"}


def main():
    names = set(sys.argv[1:])
    wrong = 0
    for pair in zoo.PAIRS:
        if names and pair.name not in names:
            continue
        with tempfile.TemporaryDirectory() as made:
            folder = zoo.lay_out(pair, Path(made))
            (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:locust\n")
            good, good_suites = gate(pair, folder, "sound")
            bad, bad_suites = gate(pair, folder, "defective")
        seen = bad == 1 and pair.suite in bad_suites and bad_suites <= {pair.suite, *pair.also}
        holds = seen and good == 0
        wrong += not holds
        print("ok   " if holds else "WRONG", pair.name, sorted(bad_suites), sorted(good_suites))
    print(f"{wrong} pairs do not hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
