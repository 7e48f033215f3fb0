"""The thread that follows the pointer: loads a new holder beside the old one, and swaps."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gatekit.errors import GatekitError
from gatekit.registry import Registry
from gatekit_service.cache import Cache, Pin
from gatekit_service.loading import Refused, load, load_last
from gatekit_service.looking import NO_KEY, Held, Key, Looker, Question
from gatekit_service.trusting import Trusted

if TYPE_CHECKING:
    from gatekit_service.apart import Apart
    from gatekit_service.settings import Settings
    from gatekit_service.state import Served, State

LOG = logging.getLogger("gatekit_service")
LATELY_SECONDS = 600.0  # a holder confirmed since then is served at once after a restart
PATIENCE_SECONDS = 60.0  # before a version that was refused is tried again unchanged


class Watcher:
    """Looks at the pointer every few seconds. Whatever goes wrong, what is served stays.

    What was served before stays loaded: going back to it is one assignment.
    """

    def __init__(
        self, settings: Settings, state: State, opener: Callable[[], Registry] | None = None
    ) -> None:
        self._settings = settings
        self._state = state
        self._cache = Cache(settings.cache, settings.model)
        self._trusted = Trusted.of(settings)
        self._looker = self._make_looker(opener)
        self._dice = random.Random()  # noqa: S311 - jitter, no secret; the world's dice are not ours
        self._key = NO_KEY
        self._kept: tuple[Key, Served | None] = (NO_KEY, None)
        self._refused: tuple[Key, float, str] = (NO_KEY, 0.0, "")
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
        self._looker.close()
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

    def _make_looker(self, opener: Callable[[], Registry] | None) -> Looker | Apart:
        last = self._cache.last(self._settings.pin_name)
        if opener is not None or not self._settings.prepares_apart(last.engine if last else ""):
            return Looker(self._settings, self._cache, opener)
        from gatekit_service.apart import Apart

        return Apart(self._settings)

    def _run(self) -> None:
        self._resume(LATELY_SECONDS)
        while not self._stop.is_set():
            self._awake.clear()
            self.look()
            # a fleet must not ask in step
            self._awake.wait(self._settings.poll_seconds * self._dice.uniform(0.8, 1.2))

    def _follow(self) -> None:
        served = self._state.served
        before = Held(served.version, served.digest) if served else Held()
        kept, loaded = self._kept
        if loaded is not None and loaded.proof.has_expired:
            kept = NO_KEY  # only a rollback leads back to it, and that is for the journal to say
        refused, since, words = self._refused
        if time.monotonic() - since > PATIENCE_SECONDS:
            refused = NO_KEY
        try:
            seen = self._looker.look(Question(self._key, kept, refused, before))
            if seen.pin is not None:
                self._take(seen.key, seen.pin)
            elif loaded is not None and seen.key == kept:
                self._serve(seen.key, loaded)
                self.wake()  # for what the journal says of it
        except Refused as error:
            if error.key == refused != NO_KEY:
                raise Refused(words) from None
            self._refused = (error.key, time.monotonic(), str(error))
            raise
        self._state.last_error = None
        self._cache.confirm(self._settings.pin_name)
        if seen.journal:
            self._state.journal = seen.journal

    def _take(self, key: Key, pin: Pin) -> None:
        served = self._state.served
        try:
            if served is None or served.pin != pin:
                # where nothing was ever served a trial would protect nothing, and cost its time
                last = served is not None or self._cache.last(self._settings.pin_name) is not None
                served = load(pin, self._settings, self._cache, is_known=not last)
        except Refused as error:
            raise Refused(error.message, error.hint, key=key) from error
        self._serve(key, served)

    def _serve(self, key: Key, served: Served) -> None:
        before = self._state.served
        if served is not before:
            if before is not None and before.digest != served.digest:
                self._kept = (self._key, before)
            self._state.swap(served)
            LOG.info("serving %s (sha256:%s)", served.title, served.digest[:12])
        self._key, self._refused = key, (NO_KEY, 0.0, "")
        try:
            if served.pin is not None:
                self._cache.remember(self._settings.pin_name, served.pin)
            self._cache.prune()
        except OSError as error:
            LOG.warning("the cache could not be tidied: %s", error.strerror)

    def _resume(self, within_s: float = float("inf")) -> None:
        """Serve what was served last, if it was seen to hold the pointer so lately.

        After a restart for a moment, as between two looks; while the registry is down for longer.
        """
        try:
            must = self._settings.must_prove(self._trusted)
            served = load_last(self._settings, self._cache, within_s, enforced=must)
        except Refused as error:
            LOG.warning("%s", error)
            return
        if served is not None:
            self._state.swap(served)
            LOG.info("serving %s as before, from the cache", served.title)
