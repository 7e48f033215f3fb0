"""Rows in, predictions out."""

from __future__ import annotations

from time import perf_counter
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gatekit.errors import BadRows
from gatekit_service.predicting import predict
from gatekit_service.replies import json_reply
from gatekit_service.state import Answered, Served
from gatekit_service.wiring import Wiring

EXAMPLE = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
        "description": "Rows as features, dataframe_split, dataframe_records or inputs",
    }
}

REFUSALS: dict[int | str, dict[str, Any]] = {
    413: {"description": "a body larger than is read"},
    422: {"description": "rows that do not fit the signature"},
    503: {"description": "no model is loaded yet"},
}


def add(app: FastAPI, wiring: Wiring) -> None:
    """/predict, and /invocations in MLflow's shape."""
    state, limit = wiring.state, wiring.settings.max_body_bytes

    async def answer(request: Request) -> tuple[Served, list[Any]]:
        served, start = state.served, perf_counter()
        if served is None:
            raise HTTPException(503, "no model is loaded yet; see /health")
        raw = await _body(request, limit)
        rows, said = await run_in_threadpool(predict, served, raw)
        took_ms = (perf_counter() - start) * 1000
        route = request.url.path
        state.answered(Answered(uuid4().hex, route, 200, took_ms, served, rows, said))
        return served, said

    @app.post("/predict", openapi_extra=EXAMPLE, responses=REFUSALS)
    async def predict_rows(request: Request) -> Response:
        """One prediction a row, and the version that made them."""
        served, said = await answer(request)
        body = {"predictions": said, "model": served.model, "version": served.version}
        return json_reply(200, body)

    @app.post("/invocations", openapi_extra=EXAMPLE, responses=REFUSALS)
    async def invocations(request: Request) -> Response:
        """The same in MLflow's shape."""
        _, said = await answer(request)
        return json_reply(200, {"predictions": said})


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
