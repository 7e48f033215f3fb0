"""`gatekit plan`: which bars it plans, on which rows, and that it fits a terminal."""

import json
import subprocess
import sys

import pytest

from gatekit import cli
from gatekit.planning.answers import pictured_rows
from gatekit.stats import paired_power, power

POLICY = """
model = "churn-model"
[data.holdout]
path = "holdout.csv"
target = "churn"
[gates.accuracy]
floor = 0.9
tolerated_loss = 0.01
[gates.robustness]
noise_floor = 0.75
stability = 1.0
level = 0.99
[gates.latency]
p50_ms = 10
p99_ms = 50
calls = 500
[gates.load]
p99_ms = 250
error_rate = 0.01
seconds = 10
[gates.fairness]
selection_rate_ratio = 0.8
[gates.parity]
[own.campaign]
least = 0
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "gates.toml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *argv):
    code = cli.main(["plan", *argv])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def record(capsys, *argv):
    code, out, err = run(capsys, *argv, "--json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    return document, {bar["key"]: bar for bar in document["bars"]}


def test_every_bar_of_the_policy_is_planned_or_named(project, capsys):
    from gatekit.policy_file import read_policy

    document, bars = record(capsys)
    assert document["schema"] == "gatekit-plan/1"
    assert {k: (b["bar"], b["level"], b["unit"], b["n"]) for k, b in bars.items()} == {
        "accuracy.floor": (0.9, 0.95, "rows", None),
        "robustness.noise_floor": (0.75, 0.99, "rows", None),
        "accuracy.tolerated_loss": (0.01, 0.95, "rows", None),
        "latency.p50_ms": (0.5, 0.95, "calls", 500),
        "latency.p99_ms": (0.99, 0.95, "calls", 500),
        "load.p99_ms": (0.99, 0.95, "requests", 500),
        "load.error_rate": (0.99, 0.95, "requests", 500),
    }
    others = {each["key"] for each in document["not_planned"]}
    assert others == {
        "robustness.stability",  # no share lies above 1
        "fairness.selection_rate_ratio",
        "parity.disagreements",
        "campaign.least",
    }
    policy = read_policy(project / "gates.toml")
    assert {*bars, *others} == {key for gate in policy.declared for key in policy.bars(gate)}


def test_the_rows_are_those_of_the_holdout_unless_said(project, capsys):
    code, out, _ = run(capsys)
    assert code == 0
    assert "no holdout holdout.csv yet" in out
    assert "rows: sure to be" not in out
    (project / "holdout.csv").write_text("churn\n" + "1\n" * 350)
    document, bars = record(capsys)
    assert "350 rows" in document["source"]
    assert bars["accuracy.floor"]["tells_apart"]["n"] == 350
    _, bars = record(capsys, "--rows", "1234")
    assert bars["accuracy.floor"]["tells_apart"]["n"] == 1234
    assert bars["latency.p99_ms"]["tells_apart"]["n"] == 500  # calls are no rows


def test_the_numbers_are_those_of_the_statistics(capsys):
    _, bars = record(
        capsys, "--floor", "0.8", "--tolerated-loss", "0.02", "--expect", "0.85",
        "--expect", "0.7", "--expect", "0.8", "--discordant", "0.08", "--level", "0.9",
        "--power", "0.9", "--rows", "700",
    )  # fmt: skip
    floor, loss = bars["--floor"], bars["--tolerated-loss"]
    assert [(need["verdict"], need["rows"]) for need in floor["needs"]] == [
        ("PASSED", power.rows_to_pass(0.8, 0.85, 0.9, 0.9)),
        ("FAILED", power.rows_to_fail(0.8, 0.7, 0.9, 0.9)),
        ("neither", None),
    ]
    assert floor["tells_apart"]["passes_from"] == power.least_passing(700, 0.8, 0.9, 0.9)
    assert floor["tells_apart"]["fails_up_to"] == power.greatest_failing(700, 0.8, 0.9, 0.9)
    assert [(n["true"], n["verdict"], n["rows"]) for n in loss["needs"]] == [
        (0.0, "PASSED", paired_power.rows_not_worse(0.02, 0.08, 0.0, 0.9, 0.9)),
        (-0.04, "FAILED", paired_power.rows_not_worse(-0.02, 0.08, 0.04, 0.9, 0.9)),
    ]
    fails = paired_power.greatest_gain_failing(700, 0.02, 0.08, 0.9, 0.9)
    assert loss["tells_apart"]["fails_up_to"] == fails


def test_the_picture_says_what_the_numbers_say(capsys):
    _, bars = record(capsys, "--floor", "0.9", "--rows", "300")
    _, out, _ = run(capsys, "--floor", "0.9", "--rows", "300")
    drawn = [line for line in out.splitlines() if set(line[14:]) <= set("FP.|") and line[14:]]
    band = bars["--floor"]["band"]
    assert [int(line[:14].strip(" >").replace(",", "")) for line in drawn] == [b["n"] for b in band]
    assert [b["n"] for b in band if b["n"] == 300] == [300]
    for line, each in zip(drawn, band, strict=True):
        plot, step = line[14:], 0.2 / 60  # the axis runs from 0.8 to 1
        assert plot.index("|") == 30
        assert (
            0.8 + plot.rindex("F") * step
            <= each["fails_up_to"]
            < 0.8 + (plot.rindex("F") + 1.01) * step
        )
        assert 0.8 + plot.index("P") * step >= each["passes_from"] - 1e-9
    widths = [line.count(".") for line in drawn]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 4 * widths[-1]


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("--rows", "9999999"),
        ("--rows", "1"),
        ("--floor", "0.999", "--rows", "10"),
        ("--floor", "0.001"),
        ("--floor", "0.9", "--level", "0.5", "--expect", "0.9000001", "--rows", "20"),
        ("--tolerated-loss", "0.2", "--discordant", "0.1", "--rows", "30"),
        ("--tolerated-loss", "0", "--discordant", "1"),
        ("--tolerated-loss", "-0.02", "--discordant", "0.001", "--rows", "50"),
    ],
)
def test_it_fits_a_terminal(project, capsys, argv):
    code, out, err = run(capsys, *argv)
    assert (code, err) == (0, "")
    assert out.isascii()
    assert max(map(len, out.splitlines())) <= 80
    assert all(line == line.rstrip() for line in out.splitlines())
    assert "nan" not in out
    assert "inf " not in out


WRONG = [
    (("--floor", "1"), "--floor 1: not between 0 and 1"),
    (("--floor", "nan"), "--floor nan"),
    (("--tolerated-loss", "1.5"), "--tolerated-loss 1.5"),
    (("--floor", "0.9", "--expect", "92"), "--expect 92"),
    (("--tolerated-loss", "0.01", "--discordant", "0"), "--discordant 0"),
    (("--tolerated-loss", "0.01", "--expect", "0.9"), "Give --floor T"),
    (("--floor", "0.9", "--discordant", "0.1"), "Give --tolerated-loss M"),
    (("--floor", "0.9", "--gates", "gates.toml"), "one or the other"),
    (("--level", "1"), "--level 1"),
    (("--power", "0.4"), "--power 0.4"),
    (("--rows", "0"), "--rows 0"),
    (("--gates", "missing.toml"), "no policy at missing.toml"),
]


@pytest.mark.parametrize(("argv", "words"), WRONG)
def test_a_wrong_call_is_four(project, capsys, argv, words):
    code, out, err = run(capsys, *argv)
    assert (code, out) == (4, "")
    assert words in err


def test_a_pinned_holdout_has_to_be_the_pinned_one(project, capsys):
    pinned = POLICY.replace('target = "churn"', 'target = "churn"\nsha256 = "00"')
    (project / "gates.toml").write_text(pinned)
    (project / "holdout.csv").write_text("churn\n1\n")
    code, _, err = run(capsys)
    assert code == 4
    assert "the policy pins" in err


def test_without_a_policy_the_hint_is_to_write_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys)
    assert code == 4
    assert "gates.toml" in err
    assert run(capsys, "--floor", "0.9")[0] == 0


def test_the_pictured_rows_hold_the_n_there_is():
    assert pictured_rows(None) == (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)
    for n in (1, 7, 100, 350, 50_000, 50_001, 10_000_000):
        shown = pictured_rows(n)
        assert n in shown
        assert len(shown) <= 10
        assert list(shown) == sorted(set(shown))


def test_planning_needs_no_model_libraries():
    heavy = "('mlflow', 'pandas', 'sklearn', 'scipy.stats')"
    code = (
        "import sys; from gatekit import cli; cli.main(['plan', '--floor', '0.9', '--json']); "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"
