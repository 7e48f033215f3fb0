"""Answers as JSON, and what is answered when something was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from gatekit.errors import BadRows
from gatekit_service.plain_json import json_bytes

if TYPE_CHECKING:
    from gatekit_service.wiring import Wiring


def json_reply(status: int, body: object, headers: Any = None) -> Response:
    """A body of plain values as a response."""
    return Response(json_bytes(body), status, headers, media_type="application/json")


def add(app: FastAPI, wiring: Wiring) -> None:
    """Errors of every room in one shape: `{"error": "a sentence"}`."""
    del wiring

    @app.exception_handler(BadRows)
    async def bad_rows(request: Request, error: Exception) -> Response:
        del request
        return json_reply(422, {"error": str(error)})

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: Exception) -> Response:
        del request
        if not isinstance(error, HTTPException):
            raise error
        return json_reply(error.status_code, {"error": error.detail}, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: Exception) -> Response:
        del request, error
        return Response(status_code=400)  # nobody is left to read it
