"""While the model's process starts, what the schema gate will ask is drawn."""

import pytest

from .conftest import POLICY

SCHEMA = POLICY.replace('"robustness"]', '"robustness", "schema"]') + "\n[gates.schema]\n"
SUITE = """
import pytest

@pytest.mark.gate("accuracy")
def test_floor(candidate):
    assert {drawn} == any(key[0] == "schema" for key in candidate.kept)

@pytest.mark.gate("schema")
def test_later():
    pass
"""


@pytest.mark.parametrize(
    ("args", "drawn"), [((), True), (("-k", "floor"), False), (("-n", "1"), False)]
)
def test_the_rows_are_there_before_the_first_test_where_they_will_be_asked(project, args, drawn):
    project.policy(SCHEMA)
    (project.root / "test_own.py").write_text(SUITE.format(drawn=drawn))
    result = project.run("--model-uri", project.register(), "test_own.py", *args)
    result.assert_outcomes(passed=1 if "-k" in args else 2, deselected=int("-k" in args))


def test_a_model_that_dies_ahead_is_told_by_the_gate_that_asks(project):
    project.policy(SCHEMA)
    uri = project.register("crash")
    result = project.run("--model-uri", uri)
    assert result.ret == 1
    assert "Traceback" not in result.stdout.str()
    assert str(project.report.outcome) == "FAILED"
