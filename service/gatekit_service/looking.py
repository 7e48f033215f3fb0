"""One look at the pointer: who holds it, may it be served, what does the journal say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatekit.errors import GatekitError
from gatekit.registry import Registry, open_registry
from gatekit_service.cache import Cache, Pin
from gatekit_service.journal import NOBODY, JournalPoll, ask_journal
from gatekit_service.loading import Refused, prepare
from gatekit_service.trusting import Trusted

if TYPE_CHECKING:
    from gatekit.registry import ModelVersion
    from gatekit_service.settings import Settings

# A version and a digest of what is said of it: a new report is a reason to look at it again.
Key = tuple[str, str]
NO_KEY: Key = ("", "")


@dataclass(frozen=True, slots=True)
class Held:
    """A version and the digest of its files; both empty for none."""

    version: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is known before the look. `before` is what is served."""

    known: Key = NO_KEY
    kept: Key = NO_KEY  # the one that was served before, and is still loaded
    refused: Key = NO_KEY  # looked at lately, and refused: not again yet
    before: Held = Held()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the look found. `pin` is None if nothing moved, or only back to what is kept."""

    key: Key
    pin: Pin | None = None
    journal: dict[str, Any] = field(default_factory=dict)


class Looker:
    """Looks from this process, with a registry that stays open."""

    def __init__(
        self, settings: Settings, cache: Cache, opener: Callable[[], Registry] | None = None
    ) -> None:
        self._settings, self._cache = settings, cache
        self._opener = opener or (lambda: open_registry(registry_uri(settings)))
        self._trusted = Trusted.of(settings)
        self._journal = JournalPoll(self._ask_journal)
        self._registry: Registry | None = None

    def look(self, question: Question) -> Seen:
        """Resolve the pointer once; fetch and judge its holder if it is another than known.

        Raises:
            Refused: the holder is not served, and which one it is.
            GatekitError: nobody holds the pointer, or the registry does not answer.
        """
        settings = self._settings
        if self._registry is None:
            self._registry = self._opener()
        holder = self._registry.holder(settings.model, settings.spelled, settings.pointer)
        if holder is None:
            raise GatekitError(f"nobody holds {settings.spelled!r} of {settings.model}")
        key = key_of(holder)
        if key == question.known:
            return Seen(key, journal=self._journal.said(question.before))
        if key == question.kept:
            return Seen(key)
        if key == question.refused:
            raise Refused("", key=key)
        before = question.before.version
        try:
            pin = prepare(holder, self._registry, settings, self._cache, self._trusted, before)
        except Refused as refused:
            raise Refused(refused.message, refused.hint, key=key) from refused
        return Seen(key, pin, self._journal.said(Held(pin.version, pin.digest)))

    def close(self) -> None:
        """Nothing is under way that could be ended."""

    def _ask_journal(self, served: Held) -> dict[str, Any]:
        judge = self._trusted.judge if self._trusted else NOBODY
        return ask_journal(self._registry or self._opener(), self._settings, served, judge)


def key_of(version: ModelVersion) -> Key:
    """The key of a version as the registry describes it."""
    tags = {k: v for k, v in version.tags.items() if k.startswith("gatekit.report.")}
    return version.version, hashlib.sha256(json.dumps(tags, sort_keys=True).encode()).hexdigest()


def registry_uri(settings: Settings) -> str:
    """The registry's URI: the settings', or the project's.

    Raises:
        UsageProblem: there is none yet.
    """
    if settings.registry:
        return settings.registry
    from gatekit.plan import check_registry_exists
    from gatekit.project import find_project

    project = find_project()
    check_registry_exists(project)
    return project.registry_uri()
