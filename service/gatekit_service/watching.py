"""The thread that follows the pointer: loads a new holder beside the old one, and swaps."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gatekit.errors import GatekitError
from gatekit.registry import Registry, open_registry
from gatekit_service.cache import Cache
from gatekit_service.journal import NOBODY, JournalPoll, ask_journal
from gatekit_service.loading import Refused, load_last, load_version
from gatekit_service.trusting import Trusted

if TYPE_CHECKING:
    from gatekit.registry import ModelVersion
    from gatekit_service.settings import Settings
    from gatekit_service.state import Served, State

LOG = logging.getLogger("gatekit_service")
PATIENCE_SECONDS = 60.0  # before a version that was refused is tried again unchanged

Key = tuple[str, frozenset[tuple[str, str]]]


class Watcher:
    """Looks at the pointer every few seconds. Whatever goes wrong, what is served stays."""

    def __init__(
        self, settings: Settings, state: State, opener: Callable[[], Registry] | None = None
    ) -> None:
        self._settings = settings
        self._state = state
        self._opener = opener or (lambda: _open(settings))
        self._cache = Cache(settings.cache, settings.model)
        self._trusted = Trusted.of(settings)
        self._journal = JournalPoll(self._ask_journal)
        self._dice = random.Random()  # noqa: S311 - jitter, no secret; the world's dice are not ours
        self._registry: Registry | None = None
        self._served: Key | None = None
        self._refused: tuple[Key, float, str] | None = None
        self._stop = threading.Event()
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gatekit-watcher", daemon=True)

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a load that is under way is left to end with the process."""
        self._stop.set()
        self._awake.set()
        self._thread.join(timeout=2.0)

    def wake(self) -> None:
        """Look now, not at the next turn: for hooks. Many calls at once are one look."""
        self._awake.set()

    def look(self) -> None:
        """One look: resolve the pointer, load and swap if it moved. Raises nothing."""
        try:
            self._follow()
        except Exception as error:  # a registry or a model may raise anything
            known = isinstance(error, GatekitError)
            words = str(error) if known else f"{type(error).__name__}, see the log"
            if words != self._state.last_error:
                LOG.warning("%s", words, exc_info=not known)
            self._state.last_error = words
            if self._state.served is None:
                self._resume()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._awake.clear()
            self.look()
            # a fleet must not ask in step
            self._awake.wait(self._settings.poll_seconds * self._dice.uniform(0.8, 1.2))

    def _follow(self) -> None:
        if self._registry is None:
            self._registry = self._opener()
        settings = self._settings
        holder = self._registry.holder(settings.model, settings.spelled, settings.pointer)
        if holder is None:
            raise GatekitError(f"nobody holds {settings.spelled!r} of {settings.model}")
        key = _key(holder)
        if key != self._served:
            self._take(holder, key, self._registry)
        self._state.last_error = None
        if self._state.served is not None:
            self._state.journal = self._journal.said(self._state.served)

    def _ask_journal(self, served: Served) -> dict[str, Any]:
        judge = self._trusted.judge if self._trusted else NOBODY
        return ask_journal(self._registry or self._opener(), self._settings, served, judge)

    def _take(self, holder: ModelVersion, key: Key, registry: Registry) -> None:
        if self._refused is not None:
            refused, since, words = self._refused
            if refused == key and time.monotonic() - since < PATIENCE_SECONDS:
                raise Refused(words)
        try:
            before = self._state.served.version if self._state.served else ""
            served = load_version(
                holder, registry, self._settings, self._cache, self._trusted, before
            )
        except Refused as error:
            self._refused = (key, time.monotonic(), str(error))
            raise
        self._state.swap(served)
        self._served, self._refused = key, None
        LOG.info("serving %s (sha256:%s)", served.title, served.digest[:12])

    def _resume(self) -> None:
        """Nothing is served and the holder cannot be had: serve what was served last."""
        try:
            served = load_last(self._settings, self._cache)
        except Refused as error:
            LOG.warning("%s", error)
            return
        if served is not None:
            self._state.swap(served)
            LOG.info("serving %s as before, from the cache", served.title)


def _key(version: ModelVersion) -> Key:
    """A version and what is said of it: a new report is a reason to look at it again."""
    tags = {item for item in version.tags.items() if item[0].startswith("gatekit.report.")}
    return version.version, frozenset(tags)


def _open(settings: Settings) -> Registry:
    if settings.registry:
        return open_registry(settings.registry)
    from gatekit.plan import open_existing_registry
    from gatekit.project import find_project

    return open_existing_registry(find_project())
