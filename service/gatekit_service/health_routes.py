"""Is it alive, is it ready, what does it serve and on what proof."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response

from gatekit_service.replies import json_reply
from gatekit_service.wiring import Wiring, installed

STARTING: dict[int | str, dict[str, Any]] = {503: {"description": "nothing is served yet"}}


def add(app: FastAPI, wiring: Wiring) -> None:
    """/health, /health/live, /health/ready, and MLflow's /ping and /version."""
    state = wiring.state

    @app.get("/health", responses=STARTING)
    async def health() -> Response:
        """What is served, since when, on what proof; 503 while nothing is."""
        return json_reply(*state.health())

    @app.get("/health/live")
    async def live() -> Response:
        """200 as long as the process answers."""
        return json_reply(200, {"status": "alive"})

    @app.get("/health/ready", responses=STARTING)
    async def ready() -> Response:
        """200 once a model is loaded, 503 before."""
        status = 200 if state.served else 503
        return json_reply(status, {"status": "ready" if state.served else "starting"})

    @app.get("/ping", response_class=Response)
    async def ping() -> Response:
        """MLflow's name for ready."""
        return Response(status_code=200 if state.served else 503)

    @app.get("/version", response_class=PlainTextResponse)
    async def version() -> Response:
        """The version of MLflow that is installed, as MLflow's own server answers."""
        return PlainTextResponse(installed("mlflow"))
