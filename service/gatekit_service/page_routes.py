"""The page at /, for people: what serves here, on what proof, what stands beside it.

Three files and one JSON route, all from this process; nothing is built and nothing is fetched from
elsewhere. Every value is put in as text by the script, and the policy of the page forbids the rest.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from gatekit.errors import GatekitError
from gatekit.service_client import LiveService
from gatekit_service.replies import json_reply
from gatekit_service.state import Served
from gatekit_service.wiring import Wiring, release

FOLDER = Path(__file__).with_name("page")
KEPT_S = 5.0  # what another service said is asked again after that
PATIENCE_S = 3.0
GUARD = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
FILES = {"page.css": "text/css", "page.js": "text/javascript"}


def add(app: FastAPI, wiring: Wiring) -> None:
    """GET /, its two files, /page/state, and /signature."""
    beside = Beside(wiring.settings.beside)
    for name, kind in FILES.items():
        app.add_api_route(f"/page/{name}", _file(name, kind), include_in_schema=False)
    app.add_api_route("/", _file("page.html", "text/html"), include_in_schema=False)

    @app.get("/page/state", include_in_schema=False)
    async def state() -> Response:
        """What the page shows."""
        _, health = wiring.state.health()
        served = wiring.state.served
        said = {
            "health": health,
            "columns": columns_of(served) if served else [],
            "beside": await run_in_threadpool(beside.said),
            "release": release(),
        }
        return json_reply(200, said, GUARD)

    @app.get("/signature", responses={503: {"description": "no model is loaded yet"}})
    async def signature() -> Response:
        """The columns of the model that is served, in its order."""
        served = wiring.state.served
        if served is None:
            return json_reply(503, {"error": "no model is loaded yet; see /health"})
        return json_reply(200, served.decoder.signature.as_dict())


def columns_of(served: Served) -> list[dict[str, Any]]:
    """Name, type and whether it is required, of every column of the form."""
    columns: list[dict[str, Any]] = served.decoder.signature.as_dict()["inputs"]
    return columns


class Beside:
    """The other service, asked now and then: production beside staging."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._kept: dict[str, Any] | None = None
        self._asked_s = 0.0

    def said(self) -> dict[str, Any] | None:
        """Its /health, or why there is none, in words; None if none was named."""
        if not self._url:
            return None
        now = time.monotonic()
        if self._kept is None or now - self._asked_s > KEPT_S:
            self._kept, self._asked_s = self._ask(), now
        return self._kept

    def _ask(self) -> dict[str, Any]:
        try:
            service = LiveService(self._url, "", patience_s=PATIENCE_S)
            health = service.health()
            service.close()
        except GatekitError as error:
            return {"error": error.message}
        return {"health": health}


def _file(name: str, kind: str) -> Any:
    raw = (FOLDER / name).read_bytes()

    async def answer() -> Response:
        return Response(raw, media_type=kind, headers=GUARD)

    return answer
