"""Requests made from a service's own OpenAPI document, and what was wrong with the answers.

A process of its own: `python -m gatekit.gates.fuzzed URL EXAMPLES` prints one JSON object. There
schemathesis and Hypothesis meet neither the suite's pytest nor its settings.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections import Counter
from typing import Any

TIMEOUT_SECONDS = 30
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


class Fuzz:
    """How many requests were sent, and how often what went wrong, by route."""

    def __init__(self, url: str) -> None:
        self.url = url
        token = os.environ.get("GATEKIT_TOKEN", "")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.tried = 0
        self.failures: Counter[str] = Counter()

    def run(self, examples: int) -> None:
        """Try every route, with data that fits its document and with data that does not."""
        import schemathesis
        from schemathesis import GenerationMode

        where = f"{self.url}/openapi.json"
        schema = schemathesis.openapi.from_url(where, headers=self.headers)
        found: Any
        for found in schema.get_all_operations():
            operation = found.ok()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                self._try(operation, mode, examples)

    def _try(self, operation: Any, mode: Any, examples: int) -> None:
        from hypothesis import HealthCheck, Phase, given, settings
        from hypothesis.errors import Unsatisfiable
        from schemathesis.checks import load_all_checks
        from schemathesis.core.failures import FailureGroup

        load_all_checks()
        checks = [_check(name) for name in CHECKS]

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def try_one(case: Any) -> None:
            self.tried += 1
            try:
                case.call_and_validate(
                    base_url=self.url,
                    headers=self.headers,
                    checks=checks,
                    timeout=TIMEOUT_SECONDS,
                )
            except FailureGroup as group:
                for failure in group.exceptions:
                    first = str(failure).strip().partition("\n")[0]
                    self.failures[f"{operation.label}: {first}"] += 1

        try:
            try_one()
        except Unsatisfiable:
            return  # nothing of a route without parameters can be made not to fit


def _check(name: str) -> Any:
    from schemathesis.checks import CHECKS as KNOWN

    return KNOWN.get_one(name)


def main(arguments: list[str]) -> int:
    """Run as a process; 3 and one line on stderr if there is no result."""
    url, examples = arguments
    warnings.simplefilter("ignore")
    fuzz = Fuzz(url)
    try:
        fuzz.run(int(examples))
    except Exception as error:  # noqa: BLE001 - whatever it is, in one line
        words = str(error).strip().partition("\n")[0]
        sys.stderr.write(f"{type(error).__name__}: {words}\n")
        return 3
    failures = [f"{words} ({n} times)" for words, n in fuzz.failures.most_common()]
    sys.stdout.write(json.dumps({"tried": fuzz.tried, "failures": failures}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
