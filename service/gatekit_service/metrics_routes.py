"""/metrics, and the counting of requests that no model answered."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response
from starlette.requests import Request

from gatekit_service.wiring import Wiring

OTHER = "other"  # asked for, and not there: no label is made of what a caller writes
OK = 200
FORMATS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}}
}


def add(app: FastAPI, wiring: Wiring) -> None:
    """GET /metrics, in the format that the asker accepts."""
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import choose_encoder

    meter = wiring.meter
    registry = CollectorRegistry(auto_describe=False)
    registry.register(meter)
    ProcessCollector(registry=registry)
    app.add_middleware(Counting, app=app, wiring=wiring)

    @app.get("/metrics", response_class=PlainTextResponse, responses=FORMATS)
    async def metrics(request: Request) -> Response:
        """For Prometheus: requests, latencies, rows, swaps, the model and its proof."""
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=kind)


class Counting:
    """ASGI middleware: counts what is open, and every answer that `State.answered` is not told."""

    def __init__(self, inner: Any, app: FastAPI, wiring: Wiring) -> None:
        self._inner = inner
        self._app = app
        self._wiring = wiring

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on, and look at the status that comes back."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        meter, start, status = self._wiring.meter, perf_counter(), 500

        async def seen(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        meter.open += 1
        try:
            await self._inner(scope, receive, seen)
        finally:
            meter.open -= 1
            route = getattr(scope.get("route"), "path", OTHER)
            if not (status == OK and route in ("/predict", "/invocations")):
                meter.count(route, status, "", perf_counter() - start)
