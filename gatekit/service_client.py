"""A running service, as the live gates ask it: one kept connection, the standard library only."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gatekit.errors import ServiceProblem
from gatekit.progress import Progress, unheard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIMEOUT_SECONDS = 30.0
WARM_UP_CALLS = 20
JSON = "application/json"


class LiveService:
    """The service at a URL. Not for use by several threads at once.

    `loads` keeps what a load run found, so that two gates of a session share one run; `kept` is
    the folder for files that go with the report. Without a `token` it is read from GATEKIT_TOKEN.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        kept: Path | None = None,
        patience_s: float = TIMEOUT_SECONDS,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServiceProblem(f"{url!r} is no URL of a service", "Write http://HOST:PORT")
        self.url = url.rstrip("/")
        self.loads: dict[str, Any] = {}
        self.kept = kept
        self.progress: Progress = unheard
        token = os.environ.get("GATEKIT_TOKEN", "") if token is None else token
        self._patience_s = patience_s
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._path = parts.path.rstrip("/")
        make = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = make(parts.hostname, parts.port, timeout=patience_s)

    def health(self) -> dict[str, Any]:
        """The body of /health, whatever its status code.

        Raises:
            ServiceProblem: nobody answers there, or not with a JSON object.
        """
        status, raw = self._ask("GET", "/health")
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise ServiceProblem(
                f"{self.url}/health answered {status} and no JSON object",
                "Is a gatekit service at that URL?",
            )
        return body

    def predict(self, rows: list[list[Any]], columns: list[str] | None = None) -> list[Any]:
        """One prediction a row; `rows` in the order of the signature unless `columns` names it.

        Raises:
            ServiceProblem: the service is not there, refused the rows, or gave too few answers.
        """
        status, raw = self.post("/predict", json.dumps(rows_payload(rows, columns)).encode(), JSON)
        said = predictions_in(raw) if status == http.client.OK else None
        if said is None:
            raise self._refused(status, raw)
        if len(said) != len(rows):
            raise ServiceProblem(
                f"{self.url}/predict gave {len(said)} predictions for {len(rows)} rows"
            )
        return said

    def metrics(self) -> str:
        """The text of /metrics.

        Raises:
            ServiceProblem: nobody answers there, or there is no such route.
        """
        status, raw = self._ask("GET", "/metrics")
        if status != http.client.OK:
            raise ServiceProblem(f"{self.url}/metrics answered {status}: {sentence_in(raw)}")
        return raw.decode("utf-8", "replace")

    def get(self, path: str) -> tuple[int, bytes]:
        """Status code and body of a GET.

        Raises:
            ServiceProblem: nobody answers there.
        """
        return self._ask("GET", path)

    def post(self, path: str, raw: bytes, content_type: str) -> tuple[int, bytes]:
        """Status code and body of a POST.

        Raises:
            ServiceProblem: nobody answers there.
        """
        return self._ask("POST", path, raw, {"Content-Type": content_type})

    def time_predictions(
        self, rows: list[list[Any]], calls: int, columns: list[str] | None = None
    ) -> NDArray[np.float64]:
        """Milliseconds of `calls` requests of one row each, one after another, (calls,).

        Raises:
            ServiceProblem: a request was not answered with 200.
        """
        import numpy as np

        bodies = [json.dumps(rows_payload([row], columns)).encode() for row in rows]
        times_ms = np.empty(calls)
        for call, body in zip(range(-WARM_UP_CALLS, calls), itertools.cycle(bodies), strict=False):
            start = time.perf_counter()
            status, raw = self.post("/predict", body, JSON)
            end = time.perf_counter()
            if status != http.client.OK:
                raise self._refused(status, raw)
            if call >= 0:
                times_ms[call] = (end - start) * 1000
        return times_ms

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _ask(
        self,
        method: str,
        path: str,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        was_kept = self._connection.sock is not None
        try:
            return self._once(method, path, raw, {**self._headers, **(headers or {})})
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            # a kept connection may have been closed by the other side; a fresh one has not
            if not was_kept or isinstance(error, TimeoutError):
                raise self._unreachable(error) from error
        try:
            return self._once(method, path, raw, {**self._headers, **(headers or {})})
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            raise self._unreachable(error) from error

    def _once(
        self, method: str, path: str, raw: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        self._connection.request(method, self._path + path, raw, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def _refused(self, status: int, raw: bytes) -> ServiceProblem:
        is_token = status == http.client.UNAUTHORIZED
        hint = (
            "Set GATEKIT_TOKEN to the token that the service was started with" if is_token else ""
        )
        return ServiceProblem(f"{self.url}/predict answered {status}: {sentence_in(raw)}", hint)

    def _unreachable(self, error: Exception) -> ServiceProblem:
        why = f"no answer in {self._patience_s:g} s" if isinstance(error, TimeoutError) else ""
        why = why or getattr(error, "strerror", None) or type(error).__name__
        return ServiceProblem(
            f"the service at {self.url} does not answer: {why}",
            "Start it with `python -m gatekit_service`, or correct --service-url",
        )


def rows_payload(rows: list[list[Any]], columns: list[str] | None) -> dict[str, Any]:
    """The body of a request for these rows."""
    if columns is None:
        return {"features": rows}
    return {"dataframe_split": {"columns": columns, "data": rows}}


def predictions_in(raw: bytes) -> list[Any] | None:
    """The predictions of an answer; None if there are none in it."""
    try:
        said = json.loads(raw)["predictions"]
    except (ValueError, KeyError, TypeError):
        return None
    return said if isinstance(said, list) else None


def sentence_in(raw: bytes) -> str:
    """The service's own sentence on what was wrong."""
    try:
        said = json.loads(raw)["error"]
    except (ValueError, KeyError, TypeError):
        return "it gave no reason"
    return said if isinstance(said, str) else "it gave no reason"
