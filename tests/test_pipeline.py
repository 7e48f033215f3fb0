"""The pipeline file says what a person could type: every command in it is known, down to options."""

import re
import shlex
import string
from pathlib import Path

import pytest
import yaml

from gatekit import cli
from gatekit.plan import RunRequest, make_plan

from . import ci_files

ROOT = Path(__file__).resolve().parents[1]
VALUES = {"MODEL": "churn-model", "VERSION": "6", "STAGING_URL": "http://s"}
VALUES |= {"CI_PIPELINE_URL": "http://p", "REPORTS": "gate-report"}
LADDER = ["test", "train", "gate", "staging", "build-image", "deploy-staging", "staging-suite"]
LADDER += ["load", "production", "deploy-production", "tag-image", "rollback"]
SCHEDULED = ["monitor", "reverify"]
MOVING = {"staging", "production", "rollback"}
# What GitLab's reference of its keywords keeps to the paid tiers, and the reports that the free one
# shows; those of metrics are uploaded there too, and not shown.
PAID = {"secrets", "identity", "dast_configuration"}
SHOWN_FREE = {"junit", "codequality", "dotenv"}
CREDENTIALS = {"staging", "production"}  # environments whose variables may move a pointer


@pytest.fixture(scope="module")
def pipeline():
    return ci_files.gitlab(ROOT / ".gitlab-ci.yml")


def jobs_of(pipeline):
    return {name: job for name, job in pipeline[1].items() if "script" in job}


def stage_of(pipeline, job):
    return job.get("stage") or stage_of(pipeline, pipeline[1][job["extends"]])


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
                    words = string.Template(words).safe_substitute(VALUES)
                    found.append((name, shlex.split(words)[1:]))
    return found


def test_every_script_line_is_a_string(pipeline):
    for name, job in pipeline[1].items():
        if name not in ("stages", "variables", "default"):
            lines = [*job.get("script", []), *job.get("before_script", [])]
            assert all(isinstance(line, (str, list)) for line in lines), name


def test_the_files_are_what_gitlab_and_compose_read():
    ci_files.check("gitlab-ci", ROOT / ".gitlab-ci.yml", *(ROOT / "templates").glob("*.yml"))
    ci_files.check("compose-spec", *(ROOT / "service" / "deploy").glob("compose.*.yml"))


def test_the_jobs_stand_in_the_order_of_the_ladder(pipeline):
    stages = {name: stage_of(pipeline, job) for name, job in jobs_of(pipeline).items()}
    by_stage = sorted(stages, key=lambda name: pipeline[1]["stages"].index(stages[name]))
    assert [name for name in by_stage if name != "note"] == [*LADDER, *SCHEDULED]


def test_a_schedule_looks_and_moves_nothing(pipeline):
    for name, job in jobs_of(pipeline).items():
        first = ci_files.resolved(pipeline[1], job)
        tests = [rule["if"] for rule in first if "schedule" in rule.get("if", "")]
        if name in SCHEDULED:
            assert tests == ['$CI_PIPELINE_SOURCE == "schedule"'], name
        elif name != "note":
            assert tests, name
            assert any(rule.get("when") == "never" or "!=" in rule["if"] for rule in first), name


def test_the_version_is_an_input_and_then_nothing_is_trained(pipeline):
    assert pipeline[0]["spec"]["inputs"]["version"]["default"] == ""
    assert pipeline[1]["variables"]["ASKED_VERSION"] == "$[[ inputs.version ]]"
    assert pipeline[1]["train"]["rules"][0] == {"if": "$ASKED_VERSION", "when": "never"}
    for name in ("production", "deploy-production", "rollback"):
        assert [rule.get("when") for rule in pipeline[1][name]["rules"]] == ["manual"], name


def test_only_jobs_that_move_a_pointer_have_the_credentials_to(pipeline):
    for name, job in jobs_of(pipeline).items():
        environment = job.get("environment", {}).get("name", "")
        if any(line.startswith("pytest ") for line in job["script"]) or name in ("train", "test"):
            assert environment not in CREDENTIALS, name
        if name in MOVING:
            assert environment in CREDENTIALS, name


def test_nobody_elses_gate_job_has_them_either():
    gate = ci_files.gitlab(ROOT / "templates" / "gate.yml")[1]
    ((_, job),) = gate.items()
    assert job["environment"]["name"] == "reports/$CI_COMMIT_REF_SLUG"
    started = yaml.safe_load(written("gitlab-ci.yml").partition("\n---\n")[2])
    assert started["gate"]["environment"]["name"] == "reports/$CI_COMMIT_REF_SLUG"
    assert {started[name]["environment"]["name"] for name in MOVING} == CREDENTIALS
    jobs = yaml.safe_load(written("candidate-to-staging.yml"))["jobs"]
    assert "environment" not in jobs["gate"]
    assert jobs["staging"]["environment"] == "staging"


def written(name):
    """A file of the starter, its marks filled in."""
    text = (ROOT / "gatekit" / "starter" / "files" / name).read_text()
    return re.sub(r"@[A-Z]+@", "m", text)


def test_nothing_in_it_needs_a_paid_tier(pipeline):
    for name, job in pipeline[1].items():
        if not isinstance(job, dict):
            continue
        assert not PAID & set(job), name
        needs = [each for each in job.get("needs", []) if isinstance(each, dict)]
        assert not [each for each in needs if "project" in each or "pipeline" in each], name
        assert set(job.get("artifacts", {}).get("reports", {})) <= SHOWN_FREE | {"metrics"}, name


def test_the_image_is_tagged_by_commit_and_stage(pipeline):
    told = dict(commands(pipeline, "service/deploy/image"))
    name = ["$CI_REGISTRY_IMAGE", "$CI_COMMIT_SHA"]
    assert told == {
        "build-image": ["build", *name, "staging"],
        "tag-image": ["tag", *name, "production"],
    }
    assert pipeline[1]["tag-image"]["needs"] == ["deploy-production"]


def test_reports_have_the_names_that_a_run_writes(pipeline, tmp_path):
    from gatekit.report.code_quality import CODE_QUALITY_FILE
    from gatekit.report.markdown import MARKDOWN_FILE
    from gatekit.report.openmetrics import METRICS_FILE

    reports = pipeline[1][".gated"]["artifacts"]["reports"]
    assert reports["codequality"] == f"$REPORTS/{CODE_QUALITY_FILE}"
    assert reports["metrics"] == f"$REPORTS/{METRICS_FILE}"
    assert f"$REPORTS/{MARKDOWN_FILE}" in " ".join(pipeline[1]["note"]["script"])
    assert pipeline[1]["gate"]["environment"]["url"] == "$REPORT_URL"
    assert "gatekit-report.html" in " ".join(pipeline[1]["gate"]["script"])


def test_jobs_that_move_a_pointer_take_turns_and_are_not_cut_off(pipeline):
    moving = {name for name, words in commands(pipeline, "gatekit") if words[0] != "status"}
    assert moving - {"reverify"} == MOVING
    for name in MOVING:
        job = pipeline[1][name]
        assert job["resource_group"].startswith("$MODEL-")
        assert job["interruptible"] is False
    assert pipeline[1]["production"]["resource_group"] == pipeline[1]["rollback"]["resource_group"]


def test_gatekit_understands_its_commands(pipeline):
    called = commands(pipeline, "gatekit")
    for _, words in called:
        cli._parser().parse_args(words)
    named = [words[0] for _, words in called]
    assert named == ["promote", "promote", "status", "rollback", "status", "reverify"]


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
    assert [name for name, _ in called] == ["gate", "staging-suite", "load", "monitor"]
    for name, words in called:
        assert {word for word in words if word.startswith("-")} <= known, name
        assert ("--service-url" in words) == (name in ("staging-suite", "load"))
        assert words[words.index("--report-dir") + 1] == "gate-report"


def test_scripts_and_make_targets_exist(pipeline):
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for _, words in commands(pipeline, "make"):
        assert words[0] in targets
    files = [words[0] for _, words in commands(pipeline, "python") if words[0] != "-c"]
    for program in ("service/deploy/deploy", "service/deploy/image"):
        found = commands(pipeline, program)
        assert found
        files.append(program)
    assert all((ROOT / file).is_file() for file in files)
