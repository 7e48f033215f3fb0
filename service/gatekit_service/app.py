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
    page_routes,
    predict_routes,
    replies,
)
from gatekit_service.metering import Meter
from gatekit_service.settings import Settings
from gatekit_service.state import State
from gatekit_service.watching import Watcher
from gatekit_service.wiring import Wiring, release

ROOMS: tuple[Callable[[FastAPI, Wiring], None], ...] = (
    replies.add,
    health_routes.add,
    predict_routes.add,
    metrics_routes.add,
    hook_routes.add,
    inference_room.add,
    page_routes.add,
)


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
        for close in wiring.closing:
            await run_in_threadpool(close)

    app = FastAPI(title="gatekit", version=release(), lifespan=lifespan)
    wiring = Wiring(settings, state, watcher, Meter(state))
    app.state.wiring = wiring
    for add in ROOMS:
        add(app, wiring)
    return app
