"""Micro-batches: requests that the loop has read already are predicted in one call.

Nobody waits for a clock. The first request of a turn of the loop puts the call at its end; those
that the same turn has read are in it.
"""

from __future__ import annotations

import asyncio
from typing import Any

from gatekit_service.predicting import Predictor

Waiting = tuple[list[tuple[Any, ...]], "asyncio.Future[list[Any]]"]


class Together:
    """Collects the rows of one turn, by model: during a swap there may be two."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Predictor, list[Waiting]]] = {}

    def predict(
        self, predictor: Predictor, rows: list[tuple[Any, ...]]
    ) -> asyncio.Future[list[Any]]:
        """The predictions for these rows, soon."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Any]] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.setdefault(id(predictor), (predictor, []))[1].append((rows, answer))
        return answer

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for predictor, asked in waiting.values():
            _answer(predictor, [one for one in asked if not one[1].done()])


def _answer(predictor: Predictor, asked: list[Waiting]) -> None:
    if len(asked) > 1:
        try:
            said = predictor.predict([row for rows, _ in asked for row in rows])
        except Exception:  # noqa: BLE001, S110 - said below, to the request that it is about
            pass  # one of them: each is asked for itself, and only that one is refused
        else:
            start = 0
            for rows, answer in asked:
                answer.set_result(said[start : start + len(rows)])
                start += len(rows)
            return
    for rows, answer in asked:
        try:
            answer.set_result(predictor.predict(rows))
        except Exception as error:  # noqa: BLE001 - nobody may be left waiting
            answer.set_exception(error)
