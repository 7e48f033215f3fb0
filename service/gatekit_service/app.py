"""The service in one piece: `create_app(settings)`; `Watcher` runs beside it.

Each room of routes is a module with `add(app, wiring)`; a further one is a further line in `ROOMS`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from gatekit.registry import Registry
from gatekit_service import (
    health_routes,
    hook_routes,
    inference_room,
    metrics_routes,
    openapi,
    page_routes,
    replies,
)
from gatekit_service.asked import Receive, Scope, Send
from gatekit_service.metering import Meter
from gatekit_service.scoring import PATHS, Scoring
from gatekit_service.settings import Settings
from gatekit_service.state import State
from gatekit_service.watching import Watcher
from gatekit_service.wiring import Wiring, release

ROOMS: tuple[Callable[[FastAPI, Wiring], None], ...] = (
    replies.add,
    health_routes.add,
    openapi.add,
    metrics_routes.add,
    hook_routes.add,
    inference_room.add,
    page_routes.add,
)


class Service(FastAPI):
    """FastAPI, but for the routes of predictions: they do not go through its stack."""

    scoring: Scoring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the life of the process."""
        if scope["type"] == "http" and scope["path"] in PATHS:
            await self.scoring(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, opener: Callable[[], Registry] | None = None) -> Service:
    """The service for these settings; `opener` replaces the way to the registry."""
    state = State(settings.spelled, settings.model)
    watcher = Watcher(settings, state, opener)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        watcher.start()
        yield
        await run_in_threadpool(watcher.stop)
        for close in wiring.closing:
            await run_in_threadpool(close)

    app = Service(title="gatekit", version=release(), lifespan=lifespan)
    app.scoring = Scoring(settings, state)
    wiring = Wiring(settings, state, watcher, Meter(state), app.scoring)
    wiring.closing.append(app.scoring.close)
    app.state.wiring = wiring
    for add in ROOMS:
        add(app, wiring)
    return app
