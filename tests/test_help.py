"""Every help text fits a terminal of 80 columns, says what the command does, and so does pytest's."""

import argparse

import pytest

from gatekit.cli import COLUMNS, _parser


def helps():
    parser = _parser()
    (action,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return {"gatekit": parser, **action.choices}


@pytest.mark.parametrize("command", helps())
def test_help_fits_and_says_what_the_command_does(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    parser = helps()[command]
    assert parser.description
    assert parser.description.endswith(".")
    for action in parser._actions:
        assert action.help or isinstance(action, argparse._SubParsersAction), action.dest
    text = parser.format_help()
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= COLUMNS


def test_the_options_of_pytest_fit_as_well(pytester, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    said = pytester.runpytest_inprocess("--help", "-p", "no:locust").stdout.str()
    ours = said.partition("promotion gates (gatekit):")[2].partition("\n\n")[0]
    assert "--model-uri" in ours
    assert "--gate-quiet" in ours
    assert ours.isascii()
    assert max(map(len, ours.splitlines())) <= COLUMNS
