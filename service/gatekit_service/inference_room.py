"""The inference log, if there is a folder for it: hung to the answers, closed with the app."""

from __future__ import annotations

from fastapi import FastAPI

from gatekit_service.inferences import InferenceLog
from gatekit_service.wiring import Wiring


def add(app: FastAPI, wiring: Wiring) -> None:
    """No route: answers are offered to the log."""
    del app
    settings = wiring.settings
    if settings.inferences is None:
        return
    log = InferenceLog(
        settings.inferences,
        settings.inferences_share,
        settings.inferences_mb,
        wiring.meter.log,
    )
    log.start()
    wiring.state.on_answer.append(log.offer)
    wiring.closing.append(log.stop)
