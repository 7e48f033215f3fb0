"""Requests that break the service's promise in one way each, and requests that keep it.

Every broken request must get 422 with one sentence, and that sentence must hold none of the values
that were sent. A canary is put in where a value is wrong, so that a quoted row shows itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gatekit.scoring.signature import Column, Signature
from gatekit.scoring.tables import NEVER_EMPTY

CANARY = "gatekit-canary-7f3a91"
CANARY_NUMBER = 918273.625  # exact in every float, no whole number
JSON = "application/json"
NUMBERS = ("double", "float", "long", "integer")
TELLING = 4  # letters from which on a value with a digit in it is not there by chance

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request and, in words, what is wrong with it."""

    what: str
    raw: bytes
    content_type: str = JSON


def broken(signature: Signature, row: Row) -> Iterator[Request]:
    """Requests that must be refused; `row` is one that fits, as JSON values by column."""
    yield Request("a body that is no JSON", f'{{"features": [["{CANARY}"'.encode())
    yield Request("an empty body", b"")
    yield Request("a body that is not UTF-8", b'{"features": [["\xff"]]}')
    yield _request("a body that is a string", CANARY)
    yield _request("no key that holds rows", {"rows": [[CANARY]]})
    yield _request("an empty list of rows", {"features": []})
    yield _request("rows that are no lists", {"features": CANARY})
    yield _request("a list without rows", {"features": [CANARY]})
    records = {"dataframe_records": [{**row, "no_such_column": CANARY}]}
    yield _request("a column too many", records)
    cells = list(row.values())
    yield _request("a row that is too long", {"features": [[*cells, CANARY]]})
    yield _request("a row that is too short", {"features": [cells[:-1]]})
    text = json.dumps({"dataframe_records": [row]}).encode()
    yield Request("a content type that is not JSON", text, "text/plain")
    for column in signature.inputs:
        if column.name in row:
            yield from _broken_cells(column, row)


def good(rows: list[Row], signature: Signature) -> Iterator[Request]:
    """The forms that must be answered, one prediction a row."""
    names = list(rows[0])
    cells = [list(row.values()) for row in rows]
    if names == list(signature.names):
        yield _request("features", {"features": cells})
    yield _request("dataframe_split", {"dataframe_split": {"columns": names, "data": cells}})
    yield _request("dataframe_records", {"dataframe_records": rows})
    yield _request("inputs", {"inputs": {name: [row[name] for row in rows] for name in names}})


def leaked(sentence: str, request: Request, signature: Signature) -> bool:
    """Whether a sentence holds a canary, or a value with a digit that was sent in the request."""
    sent = request.raw.decode("utf-8", "replace")
    for name in sorted(signature.names, key=len, reverse=True):  # columns may be named
        sent, sentence = sent.replace(name, " "), sentence.replace(name, " ")
    values = {w for w in _words(sent) if len(w) >= TELLING and any(c.isdigit() for c in w)}
    canaries = (CANARY, str(CANARY_NUMBER))
    return any(c in sentence for c in canaries) or bool(values & _words(sentence))


def _words(text: str) -> set[str]:
    return {word.rstrip(".") for word in re.findall(r"[^\s\"'()\[\]{},:;]+", text)}


def _broken_cells(column: Column, row: Row) -> Iterator[Request]:
    def with_cell(what: str, cell: Any) -> Request:
        said = f"{what} in {column.name!r}"
        return _request(said, {"dataframe_records": [{**row, column.name: cell}]})

    if column.required or column.type in NEVER_EMPTY:
        yield with_cell("null", None)
    if column.required:
        left = {name: cell for name, cell in row.items() if name != column.name}
        yield _request(f"no {column.name!r}", {"dataframe_records": [left]})
    yield with_cell("a list", [CANARY])
    if column.type in (*NUMBERS, "boolean", "datetime"):
        yield with_cell("a string", CANARY)
    if column.type in NUMBERS:
        yield with_cell("a boolean", True)  # noqa: FBT003 - the cell
        yield with_cell("Infinity", float("inf"))
        if column.required:  # in an optional one it is a gap
            yield with_cell("NaN", float("nan"))
    else:
        yield with_cell("a number", CANARY_NUMBER)
    if column.type in ("long", "integer"):
        yield with_cell("a fraction", CANARY_NUMBER)


def _request(what: str, body: object) -> Request:
    return Request(what, json.dumps(body).encode())
