"""What /docs shows: the types of a request are made from the signature of the model in service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gatekit.scoring.signature import Column, Signature

if TYPE_CHECKING:
    from gatekit_service.wiring import Wiring

WHOLE = {"integer": 31, "long": 63}
OTHERS: dict[str, dict[str, Any]] = {
    "double": {"type": "number"},
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "datetime": {"type": "string", "format": "date-time"},
}
ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
REFUSALS = {
    "401": "the token is missing or another",
    "408": "the body was too slow",
    "413": "the body is too large, or has too many rows",
    "422": "the body is no rows of the signature; the sentence names column and row, no value",
    "503": "no model is loaded yet, or too much waits; see Retry-After",
}


def add(app: FastAPI, wiring: Wiring) -> None:
    """Describe the routes of predictions, anew whenever another version is served."""
    made: dict[str, dict[str, Any]] = {}

    def describe() -> dict[str, Any]:
        served = wiring.state.served
        key = served.version if served else ""
        if key not in made:
            made.clear()
            title = f"gatekit: {served.title}" if served else "gatekit: no model yet"
            whole = get_openapi(title=title, version=app.version, routes=app.routes)
            signature = served.decoder.signature if served else None
            whole["paths"] |= prediction_paths(signature, guarded=bool(wiring.settings.token))
            if wiring.settings.token:
                schemes = whole.setdefault("components", {}).setdefault("securitySchemes", {})
                schemes["token"] = {"type": "http", "scheme": "bearer"}
            made[key] = whole
        return made[key]

    app.openapi = describe  # type: ignore[method-assign] # as FastAPI documents it


def prediction_paths(signature: Signature | None, *, guarded: bool) -> dict[str, Any]:
    """/predict and /invocations as OpenAPI 3.1 has them."""
    version = {"model": {"type": "string"}, "version": {"type": "string"}}
    return {
        "/predict": _path(
            "One prediction a row, and who made them", signature, version, guarded=guarded
        ),
        "/invocations": _path("The same in MLflow's shape", signature, {}, guarded=guarded),
    }


def _path(
    summary: str, signature: Signature | None, more: dict[str, Any], *, guarded: bool
) -> dict[str, Any]:
    body = {"type": "object"} if signature is None else body_schema(signature)
    said = {"predictions": {"type": "array", "items": {}}, **more}
    answer = {"type": "object", "properties": said, "required": list(said)}
    refusals = {
        code: {"description": words, "content": {"application/json": {"schema": ERROR}}}
        for code, words in REFUSALS.items()
        if guarded or code != "401"
    }
    good = {"description": "predictions", "content": {"application/json": {"schema": answer}}}
    told: dict[str, Any] = {
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {"200": good, **refusals},
    }
    if guarded:
        told["security"] = [{"token": []}]
    return {"post": told}


def body_schema(signature: Signature) -> dict[str, Any]:
    """The forms in which rows of this signature may come, with its column names."""
    columns = {column.name: cell_schema(column) for column in signature.inputs}
    needed = [column.name for column in signature.inputs if column.required]
    record = {
        "type": "object",
        "properties": columns,
        "required": needed,
        "additionalProperties": False,
    }
    width = len(columns)
    row = {
        "type": "array",
        "prefixItems": list(columns.values()),
        "minItems": width,
        "maxItems": width,
    }
    rows = {"type": "array", "items": row, "minItems": 1}
    records = {"type": "array", "items": record, "minItems": 1}
    split = {
        "type": "object",
        "properties": {"columns": {"const": list(columns)}, "data": rows},
        "required": ["columns", "data"],
    }
    forms = {
        "dataframe_records": records,
        "features": rows,
        "dataframe_split": split,
        "instances": rows,
        "inputs": rows,
    }
    return {
        "anyOf": [
            {
                "type": "object",
                "title": name,
                "properties": {name: form},
                "required": [name],
                "additionalProperties": False,
            }
            for name, form in forms.items()
        ]
    }


def cell_schema(column: Column) -> dict[str, Any]:
    """One cell of a column; an optional one may be null."""
    if column.type in WHOLE:
        limit = 2 ** WHOLE[column.type]
        cell: dict[str, Any] = {"type": "integer", "minimum": -limit, "maximum": limit - 1}
    else:
        cell = dict(OTHERS[column.type])
    never_empty = column.required or column.type in WHOLE
    return cell if never_empty else {"anyOf": [cell, {"type": "null"}]}
