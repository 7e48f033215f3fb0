"""What the scan refuses and passes, side by side with picklescan: the tests' corpora, made here.

    python bench/scan.py

Each hostile pickle stands as `model.pkl` in a model's folder, each other hostile artifact is made
in a folder of its own; the benign ones are saved by the real MLflow. gatekit judges by its own
list alone, without picklescan's word. Prints counts and the names of what each of the two missed.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from gatekit.scanning import scan as scan_module
from gatekit.testing import write_toy

ROOT = Path(__file__).resolve().parents[1]


def corpus(name):
    """tests/scanning/NAME.py, which is no package."""
    path = ROOT / "tests" / "scanning" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def picklescan_refuses(folder):
    """Whether picklescan, asked about the folder, finds a dangerous global or breaks off."""
    from picklescan.scanner import SafetyLevel, scan_directory_path

    try:
        found = scan_directory_path(str(folder))
    except Exception:  # noqa: BLE001 - its scan breaks off, and its command exits with an error
        return True
    dangerous = any(each.safety is SafetyLevel.Dangerous for each in found.globals)
    return dangerous or found.infected_files > 0


def judged(folder, trusted=()):
    """(refused by gatekit, refused by picklescan)."""
    return bool(scan_module.scan(folder, trusted)), picklescan_refuses(folder)


def told(title, answers, *, hostile):
    """A line for each scanner."""
    print(f"{title}: {len(answers)}")
    for position, scanner in enumerate(("gatekit", "picklescan")):
        right = [name for name, said in answers.items() if said[position] == hostile]
        wrong = [name for name in answers if name not in right]
        word = "refused" if hostile else "passed"
        print(f"  {scanner:10} {word} {len(right)}; not: {', '.join(wrong) or 'none'}")


def main() -> int:
    """Print the table; 1 when gatekit let a hostile one through or refused a benign one."""
    logging.getLogger("picklescan").setLevel(logging.CRITICAL)
    scan_module.second_opinion = lambda *_: ()
    hostile, benign = corpus("hostile"), corpus("benign")
    print(f"picklescan {version('picklescan')}")
    pickles, others, sound = {}, {}, {}
    with tempfile.TemporaryDirectory() as place:
        root, canary = Path(place), Path(place) / "canary"
        for kind, content in hostile.pickles(canary).items():
            model = write_toy(root / "model", "threshold")
            (model / "model.pkl").write_bytes(content)
            found = [f for f in scan_module.scan(model) if "nothing says" not in f.reason]
            pickles[kind] = (bool(found), picklescan_refuses(model))
            shutil.rmtree(model)
        for kind, spoil in hostile.models().items():
            model = write_toy(root / kind, "threshold")
            spoil(model, canary)
            others[kind] = judged(model)
        for name in benign.models():
            folder = root / "benign" / name / "model"
            folder.parent.mkdir(parents=True)
            trusted, _ = benign.save(name, folder)
            sound[name] = judged(folder, trusted)
        ran = canary.exists()
    told("hostile pickles, as model.pkl", pickles, hostile=True)
    told("other hostile artifacts", others, hostile=True)
    told("benign models", sound, hostile=False)
    print(f"anything of them was run: {'yes' if ran else 'no'}")
    bad = [*pickles.values(), *others.values()]
    return int(ran or not all(s[0] for s in bad) or any(s[0] for s in sound.values()))


if __name__ == "__main__":
    sys.exit(main())
