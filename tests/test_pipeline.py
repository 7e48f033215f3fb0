"""The pipeline file says what a person could type: every command in it is known, down to options."""

import re
import shlex
import string
from pathlib import Path

import pytest
import yaml

from gatekit import cli
from gatekit.plan import RunRequest, make_plan

ROOT = Path(__file__).resolve().parents[1]
VALUES = {"MODEL": "churn-model", "MODEL_VERSION": "6", "VERSION": "6", "STAGING_URL": "http://s"}
VALUES |= {"CI_PIPELINE_URL": "http://p", "STAGING_SECONDS": "9"}
STAGES = ["test", "train", "gate", "staging", "load", "production", "rollback"]


class Loader(yaml.SafeLoader):
    """YAML with GitLab's one tag."""


Loader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))


@pytest.fixture(scope="module")
def pipeline():
    text = (ROOT / ".gitlab-ci.yml").read_text(encoding="utf-8")
    header, jobs = yaml.load_all(text, Loader)
    return header, jobs


def jobs_of(pipeline):
    return {name: job for name, job in pipeline[1].items() if "stage" in job}


def commands(pipeline, program):
    """Every call of a program in every job, its variables filled in, split as a shell does."""
    found = []
    for name, job in jobs_of(pipeline).items():
        for line in job["script"]:
            for part in line.split(" | "):
                if part.startswith(program + " "):
                    words = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", r"boosting", part)
                    words = re.sub(
                        r'\$\{ASKED_VERSION:\+(--to) "\$ASKED_VERSION"\}', r"\1 6", words
                    )
                    words = string.Template(words).substitute(VALUES)
                    found.append((name, shlex.split(words)[1:]))
    return found


def test_every_script_line_is_a_string(pipeline):
    for name, job in pipeline[1].items():
        if name not in ("stages", "variables", "default"):
            lines = [*job.get("script", []), *job.get("before_script", [])]
            assert all(isinstance(line, (str, list)) for line in lines), name


def test_there_is_one_job_a_stage_in_the_order_of_the_ladder(pipeline):
    assert pipeline[1]["stages"] == STAGES
    assert [job["stage"] for job in jobs_of(pipeline).values()] == STAGES


def test_the_version_is_an_input_of_the_jobs_that_people_start(pipeline):
    assert pipeline[0]["spec"]["inputs"]["version"]["default"] == ""
    for name in ("production", "rollback"):
        job = pipeline[1][name]
        assert [rule.get("when") for rule in job["rules"]] == ["manual"]
        asked = {**pipeline[1][".version"]["variables"], **job.get("variables", {})}
        assert asked["ASKED_VERSION"] == "$[[ inputs.version ]]"


def test_jobs_that_move_a_pointer_take_turns_and_are_not_cut_off(pipeline):
    moving = {name for name, words in commands(pipeline, "gatekit") if words[0] != "status"}
    assert moving == {"staging", "production", "rollback"}
    for name in moving:
        job = pipeline[1][name]
        assert job["resource_group"].startswith("$MODEL-")
        assert job["interruptible"] is False
    assert pipeline[1]["production"]["resource_group"] == pipeline[1]["rollback"]["resource_group"]


def test_gatekit_understands_its_commands(pipeline):
    called = commands(pipeline, "gatekit")
    for _, words in called:
        cli._parser().parse_args(words)
    assert [words[0] for _, words in called] == [
        "promote",
        "promote",
        "status",
        "rollback",
        "status",
    ]


def test_targets_are_those_of_the_policy(pipeline):
    plan = make_plan(RunRequest(uri="models:/churn-model/6"), ROOT)
    for name, words in commands(pipeline, "gatekit"):
        args = cli._parser().parse_args(words)
        if words[0] == "promote":
            assert args.to in plan.policy.promotion, name
        if words[0] == "rollback":
            assert args.stage in plan.policy.promotion, name


def test_pytest_knows_the_options(pipeline, request):
    parser = request.config._parser
    groups = [*parser._groups, parser._anonymous]
    known = {flag for group in groups for option in group.options for flag in option.names()}
    called = commands(pipeline, "pytest")
    assert [name for name, _ in called] == ["gate", "load"]
    for name, words in called:
        assert {word for word in words if word.startswith("-")} <= known, name
        assert ("--service-url" in words) == (name == "load")
        assert (
            f"{words[words.index('--report-dir') + 1]}/"
            in pipeline[1][".gated"]["artifacts"]["paths"]
        )


def test_scripts_and_make_targets_exist(pipeline):
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for _, words in commands(pipeline, "make"):
        assert words[0] in targets
    files = [words[0] for _, words in commands(pipeline, "python") if words[0] != "-c"]
    assert files
    assert all((ROOT / file).is_file() for file in files)
