"""[gates.load] is checked when the policy is read."""

import pytest

from gatekit.errors import PolicyError
from gatekit.policy_file import apply_sets, read_policy

POLICY = 'model = "m"\n[data.holdout]\npath = "h.csv"\ntarget = "y"\n[gates.load]\n'


@pytest.fixture
def policy(tmp_path):
    def read(line=""):
        path = tmp_path / "gates.toml"
        path.write_text(POLICY + line)
        return read_policy(path)

    return read


@pytest.mark.parametrize(
    "line",
    ["users = 0", "processes = -1", "rows_per_request = 0", "seconds = 0.0"],
)
def test_a_load_of_nothing_is_an_error(policy, line):
    with pytest.raises(PolicyError, match=r"gates\.load\.\w+ is"):
        policy(line)


def test_a_shape_is_one_of_three(policy):
    assert policy('shape = "spike"').gates.load.shape == "spike"
    with pytest.raises(PolicyError, match=r"gates\.load\.shape"):
        policy('shape = "wave"')


@pytest.mark.parametrize(
    ("text", "loosened"),
    [
        ("load.shape=spike", True),  # another question, neither easier nor harder
        ("load.processes=2", True),
        ("load.throughput=10", False),
        ("load.requests_per_second=60", False),
        ("load.requests_per_second=40", True),
    ],
)
def test_what_counts_as_loosened(policy, text, loosened):
    _, (change,) = apply_sets(policy(), (text,), "ada")
    assert change.loosened is loosened
