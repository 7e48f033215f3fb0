"""An append-only journal kept as a registered model: the registry hands out its numbers.

An entry is one version, and rides in the version's tags: written whole or not at all. MLflow's
HTTP client repeats a request whose answer was lost, and the repetition would be a second entry;
each entry therefore carries a token, and only its first version counts.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gatekit.errors import RegistryError
from gatekit.registry import Entries
from gatekit.registry.mlflow_errors import Place, error_code

MARK = "gatekit.journal"
TOKEN = "gatekit.journal.token"  # noqa: S105 - names an entry, opens nothing
SOURCE = "gatekit-journal:/entry"  # no files; a scheme that no artifact store has
_PAGE = 1000
_PATIENCE_S = 20.0
# What MLflow says when a number was taken under its hands, or SQLite's file was locked. In both
# cases its transaction was rolled back and nothing is written.
_ROLLED_BACK = ("Giving up after", "database is locked")


@dataclass(frozen=True, slots=True)
class Journal:
    """Journals of one registry."""

    client: Any
    uri: str
    place: Place
    _read_up_to: dict[str, int] = field(default_factory=dict, repr=False)

    def append(self, journal: str, entry: Mapping[str, str]) -> int:
        """Add an entry and return its number.

        Raises:
            RegistryUnavailable: no answer; `entries` will tell whether it was written.
        """
        if taken := [key for key in entry if key.startswith(MARK)]:
            raise RegistryError(f"a journal entry may not name {taken[0]}: it marks entries")
        token = uuid.uuid4().hex
        tags = {**entry, MARK: "entry", TOKEN: token}
        with self.place.asking(f"adding an entry to {journal}"):
            return self._first(journal, token, self._written(journal, token, tags))

    def entries(self, journal: str) -> Entries:
        """All entries in order, each token once; empty if there is no such journal."""
        with self.place.asking(f"the entries of {journal}"):
            return self.entries_in(journal, self.search(journal))

    def entries_in(self, journal: str, found: list[Any]) -> Entries:
        """The entries that all the versions of a journal are."""
        newest = max((int(version.version) for version in found), default=0)
        self._read_up_to[journal] = max(newest, self._read_up_to.get(journal, 0))
        first: dict[str, tuple[int, Mapping[str, str]]] = {}
        for version in sorted(found, key=lambda each: int(each.version)):
            tags = dict(version.tags)
            if tags.pop(MARK, "") == "entry":
                first.setdefault(tags.pop(TOKEN, ""), (int(version.version), tags))
        return sorted(first.values(), key=lambda each: each[0])

    def search(self, name: str, also: str = "") -> list[Any]:
        """All versions of a registered model, every page; MLflow's own objects."""
        quote = '"' if "'" in name else "'"
        if quote in name:
            raise RegistryError(f"{name}: a name with both kinds of quotes cannot be searched for")
        return self._pages(f"name={quote}{name}{quote}{also}")

    def search_each(self, *names: str) -> list[list[Any]]:
        """All versions of each of these models, by one query where the server knows lists."""
        if any("'" in name for name in names):
            return [self.search(name) for name in names]
        listed = ", ".join(f"'{name}'" for name in names)
        try:
            found = self._pages(f"name IN ({listed})")
        except Exception as error:
            if error_code(error) != "INVALID_PARAMETER_VALUE":  # older servers know none
                raise
            return [self.search(name) for name in names]
        # a database may take a name in capitals for the same
        return [[v for v in found if v.name.casefold() == name.casefold()] for name in names]

    def _pages(self, query: str) -> list[Any]:
        found: list[Any] = []
        page: str | None = None
        while True:
            answer = self.client.search_model_versions(query, max_results=_PAGE, page_token=page)
            found += answer
            page = answer.token
            if not page:
                return found

    def _written(self, journal: str, token: str, tags: Mapping[str, str]) -> int:
        try:
            return self._write(journal, tags)
        except Exception as error:
            if error_code(error) != "RESOURCE_DOES_NOT_EXIST":
                # the answer may be lost and the entry there all the same
                if (number := self._found(journal, token)) is not None:
                    return number
                raise
        self._make(journal)
        return self._write(journal, tags)

    def _first(self, journal: str, token: str, written: int) -> int:
        """The lower of two numbers, if the HTTP client had to ask twice.

        Right after the newest number that was ever read here there is no room for a second one,
        and what was written there is the newest then.
        """
        seen = self._read_up_to.get(journal)
        if not self.uri.startswith("http"):
            return written
        if seen is not None and written == seen + 1:
            self._read_up_to[journal] = written
            return written
        return self._found(journal, token) or written

    def _found(self, journal: str, token: str) -> int | None:
        also = f" and tags.`{TOKEN}`='{token}'"
        return min((int(v.version) for v in self.search(journal, also)), default=None)

    def _write(self, journal: str, tags: Mapping[str, str]) -> int:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                made = self.client.create_model_version(
                    journal, SOURCE, tags=tags, await_creation_for=0
                )
            except Exception as error:
                rolled_back = any(words in str(error) for words in _ROLLED_BACK)
                if not rolled_back or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - to part racers, not to guard
            else:
                return int(made.version)

    def _make(self, journal: str) -> None:
        try:
            self.client.create_registered_model(journal, tags={MARK: "journal"})
        except Exception as error:
            if error_code(error) != "RESOURCE_ALREADY_EXISTS":
                raise
