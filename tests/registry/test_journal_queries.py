"""Searching for several names at once, and where a server cannot."""

from types import SimpleNamespace

import pytest

from gatekit.registry.mlflow_errors import Place
from gatekit.registry.mlflow_journal import Journal


class Server:
    """Answers searches for names; `refuses` is what it says to a list of them."""

    def __init__(self, refuses=""):
        self.refuses, self.queries = refuses, []

    def search_model_versions(self, query, max_results, page_token):
        self.queries.append(query)
        if " IN " in query and self.refuses:
            raise Refusal(self.refuses)
        found = [n for n in ("m", "M", "m.journal", "it's") if f"{n}'" in query or f'{n}"' in query]
        return Page(SimpleNamespace(name=name) for name in found)


class Page(list):
    token = None


class Refusal(Exception):
    def __init__(self, error_code):
        super().__init__(error_code)
        self.error_code = error_code


def names(server, *wanted):
    journal = Journal(server, "http://somewhere", Place("somewhere"))
    return [[version.name for version in found] for found in journal.search_each(*wanted)]


def test_several_names_are_one_query():
    server = Server()
    assert names(server, "m", "m.journal") == [["m"], ["m.journal"]]
    assert server.queries == ["name IN ('m', 'm.journal')"]


def test_an_older_server_is_asked_name_by_name():
    server = Server(refuses="INVALID_PARAMETER_VALUE")
    assert names(server, "m", "m.journal") == [["m"], ["m.journal"]]
    assert server.queries[1:] == ["name='m'", "name='m.journal'"]


def test_another_refusal_is_an_error():
    with pytest.raises(Refusal):
        names(Server(refuses="PERMISSION_DENIED"), "m", "m.journal")


def test_a_name_with_a_quote_is_searched_for_by_itself():
    server = Server()
    assert names(server, "it's", "m.journal") == [["it's"], ["m.journal"]]
    assert server.queries == ['name="it\'s"', "name='m.journal'"]
