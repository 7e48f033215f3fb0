"""Policies as text, and what every number of every gate table may be."""

from dataclasses import fields

from gatekit.policy_file import read_policy
from gatekit.policy_gates import BUILT_IN, AccuracyGate, FairnessGate, Gates

SMALL = """
model = "toy"
[data.reference]
path = "train.parquet"
[data.holdout]
path = "holdout.parquet"
target = "label"
"""


FULL = """
model = "toy"
task = "binary"
positive = 1
pointer = "alias"
engine = "auto"
suites = ["gates"]

[data.holdout]
path = "holdout.parquet"
target = "label"
sensitive = ["sex"]
sha256 = "ab"

[gates.accuracy]
floor = 0.9
level = 0.95
tolerated_loss = 0.01
mode = "enforce"

[gates.latency]
p99_ms = 50
calls = 1000

[own.profit]
least = 0.5

[promotion.staging]
requires = ["accuracy", "latency"]

[promotion.production]
from = "staging"
requires = ["accuracy"]
override = ["accuracy"]
first_promotion = "refuse"
"""


TABLES = {name: getattr(Gates(), name) for name in BUILT_IN}
NUMBERS = [  # every number of every gate table, with the side that is tighter
    (gate, f.name, f.metadata["tighter"])
    for gate, table in TABLES.items()
    for f in fields(table)
    if f.metadata.get("tighter")
]


def reader(folder):
    """Reads a policy from its text, as the file gates.toml of that folder."""

    def read_text(text):
        path = folder / "gates.toml"
        path.write_text(text)
        return read_policy(path)

    return read_text


def small_for(key):
    """The small policy; a bar on slices needs slices, one on scores needs to know where they are,
    and one on numbers a regression.
    """
    keys = (field for gate in (AccuracyGate, FairnessGate) for field in fields(gate))
    of = {field.name: field.metadata.get("of", "") for field in keys}.get(key, "")
    if of.startswith("scores"):
        return 'score = "predict_proba"\n' + SMALL
    if of == "numbers":
        return 'task = "regression"\n' + SMALL
    return SMALL + 'slices = ["contract"]\n' if key.startswith("slice_") else SMALL


KINDS = {f.name: str(f.type) for table in TABLES.values() for f in fields(table)}


def pair_for(key):
    """Two allowed values of a key, the smaller one first."""
    if KINDS[key] == "int":
        return 7, 8
    return ("false", "true") if KINDS[key] == "bool" else (0.6, 0.7)
