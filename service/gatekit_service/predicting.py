"""From the bytes of a request to an answer as plain JSON values."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from gatekit.errors import BadRows
from gatekit.scoring.decoding import FastDecoder

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from gatekit.scoring.casting import Decoder
    from gatekit.scoring.engines import Engine

LOG = logging.getLogger("gatekit_service")
PLAIN = (str, bool, int, float)
MANY = 32
DEAR_SECONDS = 30e-6  # below this, to wait for others costs more than it saves
WORTH = 0.75  # of what they cost one by one, rows together may cost at most


class Predictor:
    """A loaded model behind the decoders of its signature.

    `is_quick`: it answers in the loop that reads requests. `is_batched`: it pays to predict the
    rows of several requests at once, and they do not touch each other; see `measure`.
    """

    def __init__(self, title: str, engine: Engine, decoder: Decoder) -> None:
        self._title, self._engine, self._decoder = title, engine, decoder
        self._fast = FastDecoder.of(decoder.signature) if engine.takes_rows else None
        self.is_quick = engine.name == "compiled" and engine.takes_rows
        self.is_batched = False

    def read(self, raw: bytes) -> Sequence[tuple[Any, ...]] | pa.Table:
        """The rows of a body, in the signature's order: tuples, or a table where need be.

        Raises:
            BadRows: the body is no JSON, or no rows of the signature.
        """
        rows = None if self._fast is None else self._fast.rows(raw)
        if rows is not None:
            return rows
        try:
            payload = json.loads(raw)
        except (ValueError, RecursionError):  # ValueError: no JSON, no UTF-8, a number too long
            raise BadRows("the body is not valid JSON") from None
        return self._decoder.decode(payload)

    def predict(self, rows: Sequence[tuple[Any, ...]] | pa.Table) -> list[Any]:
        """One plain value a row.

        Raises:
            BadRows: the model refused them, or gave no finite answer.
        """
        try:
            if isinstance(rows, list):
                said = self._engine.predict_rows(rows)
            else:
                said = self._engine.predict(rows)
        except Exception as error:  # noqa: BLE001 - a model may raise anything
            # its message may quote rows, so only the type is written down
            LOG.warning("%s raised %s", self._title, type(error).__name__)
            raise BadRows("the model refused these rows") from None
        values: list[Any] = said.tolist()
        if len(values) != len(rows) or not _all_plain(said, values):
            LOG.warning("%s gave something that is no prediction", self._title)
            raise BadRows("the model gave no finite answer to some of these rows")
        return values

    def measure(self, row: Sequence[Any]) -> None:
        """Decide by this row whether batches pay: a call is dear, and one for many costs less.

        Only where each row is known to be predicted by itself. Any other model is asked as it was
        gated: one request, one call.
        """
        cells = [tuple(row)]
        if self.is_quick and self._fast is not None:
            one = _best(lambda: self.predict(cells))
            many = _best(lambda: self.predict(cells * MANY))
            self.is_batched = one > DEAR_SECONDS and many < WORTH * MANY * one


def _best(ask: Any) -> float:
    times = []
    for _ in range(5):
        start = perf_counter()
        ask()
        times.append(perf_counter() - start)
    return min(times)


def _all_plain(said: np.ndarray[Any, Any], values: list[Any]) -> bool:
    if said.dtype.kind in "biu":
        return True
    if said.dtype.kind == "f":
        return all(map(math.isfinite, values))
    return all(map(_is_plain, values))


def _is_plain(value: object) -> bool:
    return isinstance(value, PLAIN) and (not isinstance(value, float) or math.isfinite(value))
