"""The routes. `create_app(settings)` is the whole service; `Watcher` runs beside it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from gatekit.errors import BadRows
from gatekit.registry import Registry
from gatekit_service.predicting import predict
from gatekit_service.settings import Settings
from gatekit_service.state import Served, State
from gatekit_service.watching import Watcher

EXAMPLE = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
        "description": "Rows as features, dataframe_split, dataframe_records or inputs",
    }
}


def create_app(settings: Settings, opener: Callable[[], Registry] | None = None) -> FastAPI:
    """The service for these settings; `opener` replaces the way to the registry."""
    state = State(settings.spelled, settings.model)
    watcher = Watcher(settings, state, opener)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        watcher.start()
        yield
        await run_in_threadpool(watcher.stop)

    app = FastAPI(title="gatekit", version=_version(), lifespan=lifespan)
    app.state.gatekit = state
    app.state.watcher = watcher
    _errors(app)
    _health_routes(app, state)
    _predict_routes(app, state, settings.max_body_bytes)
    return app


def _health_routes(app: FastAPI, state: State) -> None:
    @app.get("/health")
    async def health() -> Response:
        """What is served, since when, on what proof; 503 while nothing is."""
        return _json(*state.health())

    @app.get("/health/live")
    async def live() -> Response:
        """200 as long as the process answers."""
        return _json(200, {"status": "alive"})

    @app.get("/health/ready")
    async def ready() -> Response:
        """200 once a model is loaded, 503 before."""
        status = 200 if state.served else 503
        return _json(status, {"status": "ready" if state.served else "starting"})

    @app.get("/ping")
    async def ping() -> Response:
        """MLflow's name for ready."""
        return Response(status_code=200 if state.served else 503)

    @app.get("/version")
    async def release() -> Response:
        """The version of gatekit."""
        return _json(200, {"gatekit": _version()})


def _predict_routes(app: FastAPI, state: State, limit: int) -> None:
    async def answer(request: Request) -> tuple[Served, list[Any]]:
        served = state.served
        if served is None:
            raise HTTPException(503, "no model is loaded yet; see /health")
        raw = await _body(request, limit)
        return served, await run_in_threadpool(predict, served, raw)

    @app.post("/predict", openapi_extra=EXAMPLE)
    async def predict_rows(request: Request) -> Response:
        """One prediction a row, and the version that made them."""
        served, said = await answer(request)
        return _json(200, {"predictions": said, "model": served.model, "version": served.version})

    @app.post("/invocations", openapi_extra=EXAMPLE)
    async def invocations(request: Request) -> Response:
        """The same in MLflow's shape."""
        _, said = await answer(request)
        return _json(200, {"predictions": said})


def _errors(app: FastAPI) -> None:
    @app.exception_handler(BadRows)
    async def bad_rows(request: Request, error: Exception) -> Response:
        del request
        return _json(422, {"error": str(error)})

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: Exception) -> Response:
        del request
        if not isinstance(error, HTTPException):
            raise error
        return _json(error.status_code, {"error": error.detail}, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: Exception) -> Response:
        del request, error
        return Response(status_code=400)  # nobody is left to read it


async def _body(request: Request, limit: int) -> bytes:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if kind.lower() != "application/json":
        raise BadRows("the content type is not application/json")
    too_large = HTTPException(
        413,
        f"the body is larger than {limit / 2**20:.3g} MB; send fewer rows at once",
        {"connection": "close"},
    )
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_large
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > limit:
            raise too_large
    return bytes(raw)


def _json(status: int, body: object, headers: Any = None) -> Response:
    raw = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # half a surrogate pair in a model's answer must not become a 500
    encoded = raw.encode("utf-8", "backslashreplace")
    return Response(encoded, status, headers, media_type="application/json")


def _version() -> str:
    try:
        return version("pytest-gatekit")
    except PackageNotFoundError:
        return "from source"
