"""MLflow's basic-auth app on a real server, with the grants of docs/rights.md: who can do what."""

import re
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatekit.errors import NotFound, RegistryError, RegistryUnavailable
from gatekit.policy import DataSpec
from gatekit.promotion.journal import journal_name
from gatekit.promotion.status import status_lines
from gatekit.registry import GateRunRecord
from gatekit.uses import Use, count_use
from tests.servers import running_server

from .ground import Ground

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rights.md").read_text(encoding="utf-8")
PASSWORD = "a-password-of-a-test"
NAME = "churn-model"
AUTH = """[mlflow]
default_permission = READ
admin_username = admin
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 600
"""


class Company:
    """The server, and whom one is."""

    def __init__(self, uri):
        self.uri = uri
        self.who = pytest.MonkeyPatch()
        self.who.setenv("MLFLOW_TRACKING_URI", uri)
        self.become("admin")

    def become(self, who):
        self.who.setenv("MLFLOW_TRACKING_USERNAME", who)
        self.who.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)

    @contextmanager
    def acting_as(self, who):
        self.become(who)
        try:
            yield
        finally:
            self.become("admin")


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rights")
    settings = folder / "auth.ini"
    settings.write_text(f"{AUTH}database_uri = sqlite:///{folder}/users.db\n")
    variables = {
        "MLFLOW_AUTH_CONFIG_PATH": str(settings),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a secret of a test",
        "MLFLOW_AUTH_ADMIN_PASSWORD": PASSWORD,
    }
    options = ("--app-name", "basic-auth", "--workers", "1")  # its users are in one SQLite file
    with running_server(folder, options, **variables) as (uri, _):
        made = Company(uri)
        try:
            yield made
        finally:
            made.who.undo()


@pytest.fixture(scope="module")
def ground(company):
    """The model with three proved versions, and the users with the grants of the page."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's server deprecates things under its own hands
        from mlflow.server.auth.client import AuthServiceClient

    from .conftest import make_policy

    for who in ("gate", "promoter", "viewer"):
        AuthServiceClient(company.uri).create_user(who, PASSWORD)
    made = Ground(company.uri, make_policy("alias"), NAME)
    versions = [made.add(proved=False) for _ in range(3)]
    (snippet,) = re.findall(r"```python[^\n]*\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(snippet, "docs/rights.md", "exec"), {})
    with company.acting_as("gate"):
        for version in versions:
            made.prove(version)  # the gate's user can file reports
    with company.acting_as("promoter"):
        assert made.promote("1", by="promoter").state == "moved"
    return made


@contextmanager
def forbidden(ground):
    """It is refused for want of a right, in gatekit's words, and nothing has changed."""
    before = ground.registry.entries(journal_name(NAME)), ground.holder()
    with pytest.raises(RegistryError, match="the right to do this is missing") as caught:
        yield
    assert not isinstance(caught.value, NotFound | RegistryUnavailable)
    assert "HTTP 403" in str(caught.value)
    assert (ground.registry.entries(journal_name(NAME)), ground.holder()) == before


def act(ground, what):
    registry = ground.registry
    acts = {
        "report": lambda: ground.prove("3"),
        "run": lambda: registry.attach(GateRunRecord("gates", {}, {}, {}), {"a.txt": b"a"}),
        "tag": lambda: registry.tag(NAME, "3", "gatekit.note", "x"),
        "alias": lambda: registry.move(NAME, "staging", "3", "alias"),
        "stage": lambda: registry.move(NAME, "staging", "3", "stage"),
        "journal": lambda: registry.append(journal_name(NAME), {"kind": "promote"}),
        "promote": lambda: ground.promote("3"),
        "rollback": lambda: ground.rollback(now=True, reason="fire"),
    }
    return acts[what]()


@pytest.mark.parametrize("who", ["viewer", "gate", "promoter"])
def test_everybody_can_look(company, ground, who):
    with company.acting_as(who):
        lines = status_lines(ground.registry, ground.policy, NAME)
        assert ground.promote("3", dry_run=True).state == "dry run"
    assert any("agrees with the journal" in line for line in lines)


@pytest.mark.parametrize("what", ["report", "run", "tag", "alias", "stage", "journal", "promote"])
def test_a_viewer_can_only_look(company, ground, what):
    with company.acting_as("viewer"), forbidden(ground):
        act(ground, what)


@pytest.mark.parametrize("what", ["alias", "journal", "promote"])
def test_the_gate_can_neither_move_the_alias_nor_write_the_journal(company, ground, what):
    with company.acting_as("gate"), forbidden(ground):
        act(ground, what)


def test_the_gate_counts_a_use_of_the_test_set_and_others_do_not(company, ground):
    spec = DataSpec(path="h", target="y", uses=2)
    use = Use("c", "", "d", "p")
    for who in ("viewer", "promoter"):
        with company.acting_as(who):
            refused = count_use(ground.registry, NAME, use, spec, 1)
        assert "the right to do this is missing" in refused.closed
    with company.acting_as("gate"):
        assert count_use(ground.registry, NAME, use, spec, 1).number == 1


def test_the_promoter_files_no_reports(company, ground):
    with company.acting_as("promoter"), forbidden(ground):
        act(ground, "run")


def test_the_promoter_promotes_and_goes_back(company, ground):
    with company.acting_as("promoter"):
        assert ground.promote("2", by="promoter").state == "moved"
        assert ground.rollback(by="promoter").version == "1"
        assert ground.promote("2", by="promoter").state == "moved"
        assert ground.rollback(by="promoter", now=True, reason="fire").version == "1"
        assert ground.promote("1", by="promoter").state == "already"  # and closes what was open
    assert ground.problems() == []


def test_what_cannot_be_separated_a_stage(company, ground):
    with company.acting_as("gate"):
        act(ground, "stage")
    assert ground.registry.by_stage(NAME, "Staging").version == "3"
    assert ground.holder() == "1"  # the alias, which is what counts here, stays


def test_what_cannot_be_separated_a_tag_of_an_entry_which_shows(company, ground):
    number = ground.journal.entries[0].number
    kept = ground.journal.entries[0].by
    with company.acting_as("gate"):
        ground.registry.tag(journal_name(NAME), str(number), "by", "somebody else")
    try:
        assert any("it was changed" in problem for problem in ground.journal.check_chain())
    finally:
        ground.registry.tag(journal_name(NAME), str(number), "by", kept)
    assert ground.journal.check_chain() == []
