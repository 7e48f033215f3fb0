"""The registry as gatekit sees it: a dozen verbs. One contract suite holds every implementation.

`open_registry(uri)` picks the implementation by the URI's scheme: `folder:PATH` is a plain
directory (`gatekit.registry.folder`, for tests and first steps), everything else is MLflow's
(`gatekit.registry.mlflow`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

PointerKind = Literal["alias", "stage", "copy"]
Entries = list[tuple[int, Mapping[str, str]]]  # of a journal, each with its number


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered version as the registry describes it. Versions are strings everywhere."""

    name: str
    version: str
    run_id: str | None = None
    source: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer of a model, and the journal that says where it shall stand."""

    name: str
    target: str
    kind: PointerKind
    journal: str


@dataclass(frozen=True, slots=True)
class Look:
    """Who held a pointer, and its journal, at about the same time."""

    holder: ModelVersion | None
    entries: Entries


@dataclass(frozen=True, slots=True)
class DataRecord:
    """Data that a gate run read: its role, path, sha256 and number of rows."""

    role: str
    path: str
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class GateRunRecord:
    """What the registry keeps of one gate run: an MLflow run of its own, linked to the version."""

    title: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    data: tuple[DataRecord, ...] = ()


class Registry(Protocol):
    """What gates, promotion and service need of a registry.

    Every method raises `RegistryUnavailable` when the registry does not answer, `NotFound` when
    it answers that there is no such thing, and `RegistryError` when it refuses.
    """

    @property
    def uri(self) -> str:
        """Where it is, without any password."""
        ...

    def version(self, name: str, version: str) -> ModelVersion:
        """That version, with its tags."""
        ...

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of a model, newest first. NotFound if there is no such model."""
        ...

    def by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that holds the alias. NotFound if nobody does."""
        ...

    def by_stage(self, name: str, stage: str) -> ModelVersion:
        """The version a client gets for `models:/name/Stage`: the highest number in that stage."""
        ...

    def fetch(self, uri: str, into: Path) -> Path:
        """Copy the files behind a `models:/name/version` or `runs:/...` URI into `into`.

        Returns the model's folder. Never hands out, nor writes into, the registry's own folder.
        """
        ...

    def holder(self, name: str, target: str, kind: PointerKind) -> ModelVersion | None:
        """Who holds the pointer now, resolved as a client would.

        None only if the registry answers that nobody does; one that does not answer raises.
        """
        ...

    def move(self, name: str, target: str, version: str, kind: PointerKind) -> None:
        """Move the pointer: one write. A stage archives whoever held it.

        Where the kind is "copy", `target` is another registered model, which gets a new version;
        the number of a deleted one is not used again.
        """
        ...

    def look(self, pointer: Pointer) -> Look:
        """`entries` and `holder`, in as few requests as can be: one after the other here."""
        entries = self.entries(pointer.journal)
        return Look(self.holder(pointer.name, pointer.target, pointer.kind), entries)

    def displace(self, pointer: Pointer, version: str, held: str) -> Entries:  # noqa: ARG002 - for those who save a look
        """`move`, then `entries`, in as few requests as can be; `held` is who held the pointer.

        As sound as the two, also where somebody else holds it by now.
        """
        self.move(pointer.name, pointer.target, version, pointer.kind)
        return self.entries(pointer.journal)

    def clear(self, name: str, target: str, kind: PointerKind) -> None:
        """Take the pointer away, so that nobody holds it.

        Where the kind is "copy", every copy of `name` is deleted; what a hand put there stays.
        """
        ...

    def tag(self, name: str, version: str, key: str, value: str) -> None:
        """Set a tag on a version."""
        ...

    def attach(self, record: GateRunRecord, files: Mapping[str, bytes]) -> str:
        """Keep a gate run and its report files; returns the run's id."""
        ...

    def read(self, run_id: str, file: str) -> bytes:
        """A file of an attached gate run."""
        ...

    def append(self, journal: str, entry: Mapping[str, str]) -> int:
        """Add an entry to an append-only journal, whole or not at all.

        The number it got is handed out atomically: no number twice, none lost.
        """
        ...

    def entries(self, journal: str) -> Entries:
        """All entries with their numbers, in order; empty if there is no such journal."""
        ...


def open_registry(uri: str) -> Registry:
    """The registry at `uri`: `folder:PATH`, `sqlite:///PATH`, `http(s)://...`, `databricks`."""
    if uri.startswith("folder:"):
        from gatekit.registry.folder import FolderRegistry

        return FolderRegistry(Path(uri.removeprefix("folder:")))
    from gatekit.registry.mlflow import MlflowRegistry

    return MlflowRegistry(uri)


def stage_name(target: str) -> str:
    """`staging` -> `Staging`: MLflow's stages are spelled with a capital."""
    return target.capitalize()
