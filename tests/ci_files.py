"""Reading pipelines of GitLab and GitHub, and holding them against the published schemas."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import yaml
from jsonschema import Draft202012Validator
from prometheus_client.openmetrics.parser import text_string_to_metric_families

# As GitLab documents its subset of the Code Climate format.
FINDINGS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "pattern": r"^gatekit\..+"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                        "additionalProperties": False,
                    },
                },
            },
        },
    },
}


class Loader(yaml.SafeLoader):
    """YAML with GitLab's one tag."""


Loader.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))


def gitlab(path: Path) -> tuple[dict, dict]:
    """The header with the inputs, and the jobs."""
    header, jobs = yaml.load_all(path.read_text(encoding="utf-8"), Loader)
    return header, jobs


def github(path: Path) -> dict:
    """A workflow; YAML 1.1 reads its `on` as true."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in found.items()}


def resolved(jobs: dict, job: dict) -> list[dict]:
    """A job's rules, or those of what it extends, with their references filled in."""
    if "rules" not in job and "extends" in job:
        return resolved(jobs, jobs[job["extends"]])
    rules: list[dict] = []
    for rule in job.get("rules", []):
        rules += jobs[rule[0]]["rules"] if isinstance(rule, list) else [rule]
    return rules


def check(schema: str, *paths: Path) -> None:
    """By check-jsonschema and a schema it ships; GitLab's is about what the inputs have filled."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, path in enumerate(paths):
            files.append(Path(folder, f"{number}-{path.name}"))
            files[-1].write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
        if schema == "gitlab-ci":
            command += ["--data-transform", "gitlab-ci"]
        done = subprocess.run(
            [*command, "--output-format", "json", *files],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


def findings(text: str) -> list[dict]:
    """The findings of a Code Quality file."""
    found = json.loads(text)
    Draft202012Validator(FINDINGS).validate(found)
    return found


def metrics(text: str) -> dict[tuple, float]:
    """(name, labels) -> value, by Prometheus' own parser."""
    assert text.endswith("# EOF\n")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def junit(path: Path) -> list[str]:
    """The cases of a JUnit file, by the names that a CI tells them apart by.

    There is no one schema of JUnit: this holds it against what GitLab's parser reads.
    """
    root = ElementTree.parse(path).getroot()
    assert root.tag == "testsuites"
    named: list[str] = []
    for suite in root:
        assert suite.tag == "testsuite"
        counts = {key: int(suite.attrib[key]) for key in ("tests", "failures", "errors", "skipped")}
        cases = suite.findall("testcase")
        assert counts["tests"] == len(cases)
        for case in cases:
            assert float(case.attrib["time"]) >= 0
            assert {part.tag for part in case} <= {
                "failure",
                "error",
                "skipped",
                "properties",
                "system-out",
                "system-err",
            }
            named.append(f"{case.attrib['classname']}.{case.attrib['name']}")
        failed = [case for case in cases if case.find("failure") is not None]
        assert counts["failures"] == len(failed)
        assert all(case.find("failure").attrib["message"] for case in failed)
    return named


def filled(text: str) -> str:
    """The jobs of a file with a header, each input at its default, or called by its own name."""
    header, mark, jobs = text.partition("\n---\n")
    if not mark or "spec:" not in header:
        return text
    for name, said in yaml.safe_load(header)["spec"]["inputs"].items():
        jobs = jobs.replace(f"$[[ inputs.{name} ]]", str(said.get("default", name)))
    return jobs
