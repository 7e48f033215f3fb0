"""MLflow's many exceptions, told apart into the three that gatekit knows; and MLflow made quiet.

What MLflow raises for an outage, a refusal and an absence differs between its SQL store, its REST
client and its artifact clients. The rule here: only an answer that says so is `NotFound`, only an
answer is `RegistryError`, and everything else is `RegistryUnavailable`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from gatekit.errors import GatekitError, NotFound, RegistryError, RegistryUnavailable

_ABSENT = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})
_RIGHTS = frozenset({401, 403})
_TOO_MANY = 429
FILES = "the files at"  # what is asked for where it is files
MANY_FILES = "The following failures occurred"
NO_ROOM = "[Errno 28]"
# what is at the end of it is what happened; the address is told already
RETRIED = re.compile(r"Max retries exceeded .*\(Caused by \w+\((?P<said>.*)\)\)")
_DETAIL = 300  # characters of MLflow's own words that a person is shown

# MLflow retries a 5xx seven times with growing pauses, four minutes in all, unless told otherwise.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
}


def prepare_environment() -> None:
    """Give up in seconds, send no telemetry, print nothing; what the user has set wins.

    Must run before MLflow is first imported: it reads the logging level at import.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    connections = logging.getLogger("urllib3.connectionpool")
    if connections.level == logging.NOTSET:
        connections.setLevel(logging.ERROR)  # each retry is a warning on the user's terminal


@dataclass(frozen=True, slots=True)
class Place:
    """A registry's address: `shown` is fit for people, `secret` is the password cut out of it."""

    shown: str
    secret: str = ""

    @classmethod
    def of(cls, uri: str) -> Place:
        """Take the password out of a URI."""
        parts = urlsplit(uri)
        if parts.password is None:
            return cls(uri)
        host = parts.netloc.rpartition("@")[2]
        return cls(parts._replace(netloc=f"{parts.username}@{host}").geturl(), parts.password)

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Turn whatever is raised while asking for `what` into an error of gatekit's own."""
        try:
            yield
        except GatekitError:
            raise
        except Exception as error:  # noqa: BLE001 - MLflow lets SQLAlchemy, requests and OSError through
            raise self._told(error, what) from (None if self.secret else error)

    def _told(self, error: Exception, what: str) -> RegistryError:
        detail = self._words(error)
        status = http_status(error)
        if error_code(error) in _ABSENT:
            return NotFound(f"{what}: the registry at {self.shown} has none ({detail})")
        if status in _RIGHTS:
            return RegistryError(
                f"{what}: the registry at {self.shown} refuses, the right to do this is missing "
                f"(HTTP {status}: {detail})",
                "Check MLFLOW_TRACKING_TOKEN or MLFLOW_TRACKING_USERNAME and _PASSWORD, "
                "and what that user may do",
            )
        if status < 500 and status != _TOO_MANY:  # noqa: PLR2004 - the border of HTTP's server errors
            return RegistryError(f"{what}: the registry at {self.shown} refuses ({detail})")
        if NO_ROOM in str(error):
            return RegistryError(f"no room on this disk for {what}", "Make room, and try again")
        if what.startswith(FILES):
            return RegistryUnavailable(
                f"{what} cannot be had: the artifact store behind {self.shown} does not give them "
                f"whole ({detail})",
                "Nothing of them was used; try again when it is up",
            )
        return RegistryUnavailable(
            f"the registry at {self.shown} does not answer; asked for: {what} ({detail})",
            "Nothing is known about what it holds; try again when it is up",
        )

    def _words(self, error: Exception) -> str:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        if lines and lines[0].startswith(MANY_FILES):
            # then a heading for each file, and its reason
            lines = [line for line in lines[1:] if not line.startswith("#")]
        first = lines[0] if lines else type(error).__name__
        if retried := RETRIED.search(first):
            first = retried["said"].rpartition(": ")[2].strip("'\"")
        if self.secret:
            first = first.replace(self.secret, "***")
        first = re.sub(r"<[^<>]*object at 0x[0-9a-f]+>:? ?", "", first)
        return first if len(first) <= _DETAIL else first[:_DETAIL] + "..."


def error_code(error: BaseException) -> str:
    """MLflow's error code, or nothing if this is not an MLflow exception."""
    return str(getattr(error, "error_code", ""))


def http_status(error: BaseException) -> int:
    """The HTTP status that says what this exception says; 503 if it came from no answer at all."""
    if any(type(each).__module__.startswith("sqlalchemy") for each in _causes(error)):
        return 503
    answer = getattr(error, "response", None)
    if isinstance(status := getattr(answer, "status_code", None), int):
        return status
    if error_code(error):
        from mlflow.exceptions import ERROR_CODE_TO_HTTP_STATUS

        return int(ERROR_CODE_TO_HTTP_STATUS.get(error_code(error), 500))
    return 503


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
