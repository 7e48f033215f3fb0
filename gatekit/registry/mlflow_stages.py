"""Who is in a stage in MLflow, and how one takes it over from whoever has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatekit.registry.mlflow_errors import error_code
from gatekit.registry.mlflow_journal import Journal

# PostgreSQL by psycopg 3 refuses MLflow's archiving, which compares a number with text
_NOT_TAKEN = "BAD_REQUEST"


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one registry; `client` is MLflow's, by which a call is one request."""

    client: Any
    journal: Journal

    def move(self, name: str, version: str, stage: str) -> None:
        """In two steps: at every moment the stage resolves to the old holder or to the new one.

        Whoever looks after having moved sees everybody who moved before.
        """
        self._transition(name, version, stage)
        self.archive(name, stage, but=version)

    def move_and_read(
        self, name: str, version: str, stage: str, journal: str
    ) -> list[tuple[int, Mapping[str, str]]]:
        """In one step where the server can, with one look at stage and journal after it.

        MLflow's own archiving reads and writes without a lock, so that two at once leave two
        holders. The look shows who else is there, and then it is done again in two steps.
        """
        if self._swapped(name, version, stage):
            there, entries = self.journal.search_both(name, journal)
            if not _others(there, stage, version):
                return self.journal.entries_in(journal, entries)
        self.move(name, version, stage)
        return self.journal.entries(journal)

    def archive(self, name: str, stage: str, but: str = "") -> None:
        """Archive everybody in the stage: after a race there can be more than one."""
        for each in _others(self.journal.search(name), stage, but):
            self._transition(name, each, "Archived")

    def _swapped(self, name: str, version: str, stage: str) -> bool:
        try:
            self._transition(name, version, stage, archive_existing_versions=True)
        except Exception as error:
            if error_code(error) != _NOT_TAKEN:
                raise
            return False
        return True

    def _transition(self, name: str, version: str, stage: str, **how: bool) -> None:
        self.client.transition_model_version_stage(name, version, stage, **how)


def _others(found: list[Any], stage: str, but: str) -> list[str]:
    """Those in the stage, without one."""
    there = [str(each.version) for each in found if each.current_stage == stage]
    return [version for version in there if version != but]
