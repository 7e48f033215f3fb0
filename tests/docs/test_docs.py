"""What a user can type or set stands in the README or in docs/, and what stands there exists."""

import importlib.util
import re
import textwrap
from dataclasses import fields
from pathlib import Path

import pytest

from gatekit import policy, policy_gates

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "ARCHITECTURE.md",
        *(ROOT / "docs").rglob("*.md"),
    ]
)
WORDS = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
POLICY_PAGE = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")


class Options:
    """Stands where pytest's parser stands, and remembers the flags."""

    def __init__(self):
        self.flags = []

    def getgroup(self, *_):
        return self

    def addoption(self, *names, **_):
        self.flags += [name for name in names if name.startswith("--")]


def pytest_flags():
    from gatekit_pytest.options import add_options

    parser = Options()
    add_options(parser)
    return parser.flags


def commands():
    """The subcommands of `gatekit` with the options of each; empty before there is a command line."""
    if importlib.util.find_spec("gatekit.cli") is None:
        return {}
    from gatekit.cli import _parser

    (action,) = (a for a in _parser()._actions if a.dest != "help")
    return {name: sub._option_string_actions for name, sub in action.choices.items()}


@pytest.mark.parametrize("flag", pytest_flags())
def test_every_option_is_described(flag):
    assert re.search(rf"{flag}\b(?!-)", WORDS)


def test_every_fixture_is_described():
    from gatekit_pytest import plugin

    assert len(plugin.__all__) == 7
    for name in plugin.__all__:
        assert f"`{name}`" in README


@pytest.mark.skipif(not commands(), reason="no command line yet")
def test_every_command_and_its_options_are_described():
    assert commands()
    for name, options in commands().items():
        assert f"gatekit {name} " in README
        for option in options:
            assert option in WORDS or option in ("-h", "--help"), f"gatekit {name} {option}"


@pytest.mark.skipif(not commands(), reason="no command line yet")
def test_only_commands_that_exist_are_named():
    named = re.findall(r"^\s*gatekit ([a-z]+) .*$|`gatekit ([a-z]+)[ `]", WORDS, re.MULTILINE)
    assert named
    assert {one or two for one, two in named} <= set(commands())


def test_only_options_that_exist_are_named():
    known = set(pytest_flags()) | {o for options in commands().values() for o in options}
    others = {"--pyargs", "--assert"}  # pytest's own, and the server's of MLflow
    others |= {"--app-name", "--artifacts-destination", "--backend-store-uri", "--workers"}
    others |= {"--uvicorn-opts", "--timeout-worker-healthcheck"}
    others |= {"--cd", "--default", "--all-commits"}  # DVC's
    others |= {"--build-arg", "--stop"}  # an image builder's, and of service/deploy/deploy
    others |= {"--only", "--mlserver"}  # of bench/coverage.py and bench/serving.py
    others |= {"--from-literal"}  # kubectl's
    others |= locust_options()
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", WORDS)) - others <= known


def locust_options():
    """Locust's own that the pages name, and those of our locustfile: locust is not imported here."""
    text = (ROOT / "plugins" / "gatekit_locust" / "locustfile.py").read_text(encoding="utf-8")
    ours = set(re.findall(r'add\("(--[a-z0-9-]+)"', text))
    assert len(ours) > 5
    assert {option for option in ours if option in WORDS} == ours
    own = {"--headless", "--host", "--users", "--spawn-rate", "--html", "--processes", "--master"}
    return ours | own | {"--expect-workers", "--worker", "--master-host", "--most-p"}


def test_only_make_targets_that_exist_are_named():
    makefile = ROOT / "Makefile"
    if not makefile.exists():
        pytest.skip("no Makefile yet")
    targets = set(re.findall(r"^([a-z-]+):", makefile.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)`", WORDS)) | {"demo", "test"} <= targets


def test_every_setting_of_the_service_is_described():
    if importlib.util.find_spec("gatekit_service.settings") is None:
        pytest.skip("no service yet")
    from gatekit_service.settings import KEYS, PREFIX

    assert len(KEYS) > 5
    for key in KEYS:
        assert f"`{PREFIX}{key}`" in WORDS
    named = {name for name in re.findall(rf"`{PREFIX}([A-Z_]+)", WORDS)}
    gates_own = {"SIGNING_KEY", "ENVIRONMENTS", "EVIDENCE"}
    assert named - gates_own <= set(KEYS)


def section(heading):
    return POLICY_PAGE.partition(heading + "\n")[2].partition("\n#")[0]


def rows(heading):
    """key -> default, as the table under that heading gives them."""
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section(heading), re.MULTILINE))


def defaults(kind, skip=()):
    """key -> default as the page has to write it."""
    return {f.name.rstrip("_"): f.default for f in fields(kind) if f.name not in skip}


COMMON = {f.name for f in fields(policy_gates.GateTable)}
TABLES = [("## Every [gates.NAME] table", policy_gates.GateTable, ())] + [
    (f"### [gates.{f.name}]", type(f.default), COMMON) for f in fields(policy_gates.Gates)
]
TABLES = [
    (h, kind, {*skip, "columns", "expect"} if kind is policy_gates.RobustnessGate else skip)
    for h, kind, skip in TABLES
]
TABLES += [
    ("### [gates.robustness.columns.NAME]", policy_gates.ColumnRule, ()),
    ("### [gates.robustness.expect.NAME]", policy_gates.Expectation, ()),
    (
        "## Top of the file",
        policy.Policy,
        (
            "holdout",
            "reference",
            "current",
            "gates",
            "own",
            "declared",
            "promotion",
            "keys",
            "attestation",
            "runner",
            "streaming",
        ),
    ),
    ("## [data.holdout]", policy.DataSpec, ()),
    ("## [data.reference] and [data.current]", policy.SampleSpec, ()),
    ("## [promotion.NAME]", policy.Target, ()),
    ("## [keys.NAME]", policy.TrustedKey, ()),
    ("## [attestation]", policy.Attestation, ()),
    ("## [runner]", policy.RunnerPolicy, ()),
    ("## [streaming]", policy.StreamingPolicy, ()),
]


@pytest.mark.parametrize(("heading", "kind", "skip"), TABLES, ids=[t[0] for t in TABLES])
def test_every_key_of_the_policy_is_described_with_its_default(heading, kind, skip):
    import tomllib
    from dataclasses import MISSING

    shown, held = rows(heading), defaults(kind, skip)
    assert set(shown) == set(held)
    bars = {f.name for f in fields(kind) if f.metadata.get("bar")}
    for key, default in held.items():
        assert ("**bar**" in line(heading, key)) == (key in bars)
        if default is MISSING:
            assert shown[key] == "needed"
        elif default is None:
            assert shown[key] == ("no bar" if key in bars else "none")
        else:
            written = tomllib.loads(f"v = {shown[key].strip('`')}")["v"]
            assert written == (list(default) if isinstance(default, tuple) else default)


def line(heading, key):
    return next(row for row in section(heading).splitlines() if row.startswith(f"| `{key}` |"))


@pytest.mark.parametrize("page", ["README.md", "docs/policy.md"])
def test_the_shown_policy_is_a_policy(page, tmp_path):
    from gatekit.policy_file import read_policy

    text = (ROOT / page).read_text(encoding="utf-8")
    (shown,) = re.findall(r"^ *```toml\n( *model = .*?)```", text, re.MULTILINE | re.DOTALL)
    file = tmp_path / "gates.toml"
    file.write_text(textwrap.dedent(shown))
    read = read_policy(file)
    assert read.model == "churn-model"
    assert read.promotion["staging"].requires


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
def test_links_and_named_files_exist(page):
    text = page.read_text(encoding="utf-8")
    for link, _, anchor in re.findall(r"\]\((?!https?://)([^)#]*)(#([^)]+))?\)", text):
        linked = page.parent / link if link else page
        assert linked.exists(), link
        assert not anchor or anchor in anchors(linked), f"{link}#{anchor}"
    for named in re.findall(r"`((?:gatekit|plugins|suites|service|docs|tests)/[\w/.-]+)`", text):
        assert (ROOT / named).exists(), named


def anchors(page):
    """The names that a page's headings get on GitLab and GitHub."""
    text = re.sub(
        r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", index))
    there = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert {page for page in there if not page.startswith("decisions/")} - linked == {"README.md"}


def test_the_28_tests_are_counted_as_they_stand():
    page = (ROOT / "docs" / "ml-test-score.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([1-7]) \| .+? \| (shows|helps|no) \|", page, re.MULTILINE)
    assert [number for number, _ in rows] == 4 * list("1234567")
    said = [word for _, word in rows]
    assert (said.count("shows"), said.count("helps"), said.count("no")) == (9, 14, 5)
    assert "nine shown, fourteen helped and five" in page


def test_the_pages_are_plain():
    for page in PAGES:
        assert page.read_text(encoding="utf-8").isascii(), page.name
