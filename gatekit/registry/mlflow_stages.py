"""Who is in a stage in MLflow, and how one takes it over from whoever has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gatekit.registry import Entries, Pointer
from gatekit.registry.mlflow_errors import error_code
from gatekit.registry.mlflow_journal import Journal


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one registry; `client` is MLflow's, by which a call is one request."""

    client: Any
    journal: Journal

    def move(self, name: str, version: str, stage: str) -> None:
        """In two steps: at every moment the stage resolves to the old holder or to the new one.

        MLflow's own `archive_existing_versions` reads and writes without a lock, so that two at
        once leave two holders, and its server cannot do it over PostgreSQL with psycopg 3. Whoever
        looks after having moved sees everybody who moved before.
        """
        self._transition(name, version, stage)
        self.archive(name, stage, but=version)

    def displace(self, pointer: Pointer, version: str, held: str) -> Entries:
        """In the same two steps, from a holder that is known, with one look after them.

        The look is at stage and journal together, after the last write: it shows who else has come,
        and then it is done again with a look between.
        """
        name, stage = pointer.name, pointer.target
        self._transition(name, version, stage)
        if held and held != version:
            try:
                self._transition(name, held, "Archived")
            except Exception as error:
                if error_code(error) != "RESOURCE_DOES_NOT_EXIST":  # somebody has deleted it
                    raise
        there, entries = self.journal.search_each(name, pointer.journal)
        if not _others(there, stage, version):
            return self.journal.entries_in(pointer.journal, entries)
        self.move(name, version, stage)
        return self.journal.entries(pointer.journal)

    def archive(self, name: str, stage: str, but: str = "") -> None:
        """Archive everybody in the stage: after a race there can be more than one."""
        for each in _others(self.journal.search(name), stage, but):
            self._transition(name, each, "Archived")

    def _transition(self, name: str, version: str, stage: str) -> None:
        self.client.transition_model_version_stage(name, version, stage)


def holder_among(found: list[Any], stage: str) -> Any | None:
    """The version that `models:/name/Stage` means: the highest number in the stage."""
    there = [each for each in found if each.current_stage == stage]
    return max(there, key=lambda each: int(each.version), default=None)


def _others(found: list[Any], stage: str, but: str) -> list[str]:
    """Those in the stage, without one."""
    there = [str(each.version) for each in found if each.current_stage == stage]
    return [version for version in there if version != but]
