"""docs/reference.md is what the code says, and says all of it."""

import inspect
import re
from dataclasses import fields

import pytest

from gatekit import errors
from gatekit.commands import answer

from .pages import ROOT

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^###+ `(.+)`$", PAGE, re.MULTILINE)


@pytest.fixture
def reference(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import reference

    return reference


def codes(program):
    found = (heading.partition(f"{program}: ")[2] for heading in HEADINGS)
    return {int(code) for code in found if code.isdigit()}


def test_it_is_what_make_reference_writes(reference):
    assert reference.written() == PAGE, "the code has changed: make reference"
    assert len(set(HEADINGS)) == len(HEADINGS) > 200


def test_every_name_has_its_heading(reference):
    from gatekit_pytest import plugin
    from gatekit_service.settings import Settings

    from .test_docs import commands, pytest_flags

    def headed(name):
        return any(re.fullmatch(rf"{re.escape(name)}( .+)?", heading) for heading in HEADINGS)

    found = [*pytest_flags(), *plugin.__all__, *reference.hooks(), *reference.variables()]
    found += [f"gatekit {name}" for name in commands()]
    found += [f"GATEKIT_{each.name.upper()}" for each in fields(Settings)]
    kinds = inspect.getmembers(errors, inspect.isclass)
    found += [name for name, kind in kinds if issubclass(kind, errors.GatekitError)]
    assert [name for name in found if not headed(name)] == []


def test_what_has_no_words_is_an_error(reference):
    with pytest.raises(LookupError, match=r"variable without words.*GATEKIT_NEW"):
        reference.matched({"A", "GATEKIT_NEW"}, {"A": "a"}, "variable")
    with pytest.raises(LookupError, match="no such hook: pytest_gone"):
        reference.matched({"A"}, {"A": "a", "pytest_gone": "b"}, "hook")


def test_the_exit_codes_are_those_of_the_code():
    assert codes("gatekit") == {answer.DONE, answer.REFUSED, answer.USAGE}
    assert codes("pytest") == {int(code) for code in pytest.ExitCode}
    for program, file in (
        ("python -m gatekit_service", "service/gatekit_service/__main__.py"),
        ("service/deploy/deploy", "service/deploy/deploy"),
    ):
        text = (ROOT / file).read_text(encoding="utf-8")
        returned = re.findall(r"^ +return (\d)$", text, re.MULTILINE)
        assert codes(program) == set(map(int, returned)), program
    locust = (ROOT / "plugins/gatekit_locust/locustfile.py").read_text(encoding="utf-8")
    (unusable,) = re.findall(r"^UNUSABLE = (\d)$", locust, re.MULTILINE)
    ended = re.findall(r"process_exit_code = (\w+)", locust)
    assert set(ended) == {"1", "UNUSABLE"}
    assert codes("locust") == {0, 1, int(unusable)}
