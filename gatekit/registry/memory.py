"""A registry in one process's memory: for tests, ours and yours. It keeps the whole protocol.

`before` and `after` are called with the name of the verb (`append`, `move`, `clear`, `tag`,
`attach`) around every write, so that a test can fail or interleave there: what `before` raises
keeps the write from happening, what `after` raises is a crash once it has happened.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from gatekit.errors import NotFound, RegistryError
from gatekit.registry import GateRunRecord, ModelVersion, PointerKind, Registry, stage_name
from gatekit.registry.copied import copied_from, copies_of
from gatekit.registry.model_uri import STAGES, parse_model_uri

Hook = Callable[[str], None]


def _nothing(verb: str) -> None:
    """The hook that does nothing."""


class MemoryRegistry(Registry):
    """The `Registry` protocol over dictionaries; safe between threads."""

    def __init__(self) -> None:
        self.before: Hook = _nothing
        self.after: Hook = _nothing
        self._lock = threading.RLock()
        self._versions: dict[str, dict[str, ModelVersion]] = {}
        self._given: dict[str, int] = {}
        self._files: dict[tuple[str, str], dict[str, bytes]] = {}
        self._aliases: dict[tuple[str, str], str] = {}
        self._stages: dict[tuple[str, str], str] = {}
        self._runs: dict[str, tuple[GateRunRecord, dict[str, bytes]]] = {}
        self._journals: dict[str, list[dict[str, str]]] = {}

    @property
    def uri(self) -> str:
        """Always `memory:`."""
        return "memory:"

    def register(self, name: str, files: Mapping[str, bytes]) -> ModelVersion:
        """Add a version of a model with these files, by their relative path."""
        with self._lock:
            versions = self._versions.setdefault(name, {})
            self._given[name] = self._given.get(name, 0) + 1  # a deleted number is not used again
            number = str(self._given[name])
            versions[number] = ModelVersion(name, number, source=f"memory:{name}/{number}")
            self._files[name, number] = {_inside(path): content for path, content in files.items()}
            return versions[number]

    def overwrite(self, name: str, version: str, files: Mapping[str, bytes]) -> None:
        """Put other bytes under a registered version, as anyone may do with MLflow's."""
        with self._lock:
            self.version(name, version)
            self._files[name, version] = {_inside(path): content for path, content in files.items()}

    def delete(self, name: str, version: str) -> None:
        """Remove a version with whatever it holds."""
        with self._lock:
            self.version(name, version)
            del self._versions[name][version]
            del self._files[name, version]
            self._stages.pop((name, version), None)
            held = [
                key for key, value in self._aliases.items() if (key[0], value) == (name, version)
            ]
            for key in held:
                del self._aliases[key]

    def version(self, name: str, version: str) -> ModelVersion:
        """That version, with its tags."""
        with self._lock:
            known = self._known(name)
            if version not in known:
                raise NotFound(f"{name} has no version {version}", f"It has {', '.join(known)}")
            return known[version]

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions, newest first."""
        with self._lock:
            return sorted(self._known(name).values(), key=lambda v: int(v.version), reverse=True)

    def by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that holds the alias."""
        with self._lock:
            self._known(name)
            held = self._aliases.get((name, alias))
            if held is None:
                raise NotFound(f"no version of {name} holds the alias {alias!r}")
            return self.version(name, held)

    def by_stage(self, name: str, stage: str) -> ModelVersion:
        """The highest version number in that stage, as a client gets it."""
        wanted = _stage(stage)
        with self._lock:
            for version in self.versions(name):
                if self._stages.get((name, version.version), "None") == wanted:
                    return version
            raise NotFound(f"no version of {name} holds the stage {wanted!r}")

    def fetch(self, uri: str, into: Path) -> Path:
        """Copy the files of `models:/name/version`, or of a gate run `runs:/ID/folder`."""
        parsed = parse_model_uri(uri)
        with self._lock:
            if parsed.form == "version":
                self.version(parsed.name, parsed.pointer)
                files = dict(self._files[parsed.name, parsed.pointer])
            elif parsed.form == "run":
                run_id, _, folder = uri.removeprefix("runs:/").partition("/")
                prefix = folder.rstrip("/") + "/"
                kept = self._run(run_id)
                files = {p.removeprefix(prefix): c for p, c in kept.items() if p.startswith(prefix)}
                if not files:
                    raise NotFound(f"{uri}: the run has no such folder")
            else:
                raise RegistryError(
                    f"{uri}: only a version can be fetched", "Resolve the pointer first"
                )
        into.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).write_bytes(content)
        return into

    def holder(self, name: str, target: str, kind: PointerKind) -> ModelVersion | None:
        """Who holds the pointer now, or None."""
        self.versions(name)
        if kind == "copy":
            with self._lock:
                copies = self.versions(target) if self._versions.get(target) else []
                return copied_from(copies[0], name, partial(self.version, name)) if copies else None
        try:
            return self.by_alias(name, target) if kind == "alias" else self.by_stage(name, target)
        except NotFound:
            return None

    def move(self, name: str, target: str, version: str, kind: PointerKind) -> None:
        """Move the pointer; a stage archives whoever held it."""
        with self._writing("move"):
            self.version(name, version)
            if kind == "copy":
                made = self.register(target, self._files[name, version])
                copy = replace(made, source=f"models:/{name}/{version}")
                self._versions[target][made.version] = copy
            elif kind == "alias":
                self._aliases[name, target] = version
            else:
                self._empty(name, _stage(target))
                self._stages[name, version] = _stage(target)

    def clear(self, name: str, target: str, kind: PointerKind) -> None:
        """Take the pointer away: nobody has the alias, everybody in the stage is archived."""
        with self._writing("clear"):
            self._known(name)
            if kind == "copy":
                for copy in copies_of(name, list(self._versions.get(target, {}).values())):
                    self.delete(target, copy.version)
            elif kind == "alias":
                self._aliases.pop((name, target), None)
            else:
                self._empty(name, _stage(target))

    def put_in_stage(self, name: str, version: str, stage: str) -> None:
        """Put a version in a stage beside whoever is there, as a race in MLflow can."""
        with self._lock:
            self.version(name, version)
            self._stages[name, version] = _stage(stage)

    def tag(self, name: str, version: str, key: str, value: str) -> None:
        """Set a tag on a version."""
        with self._writing("tag"):
            found = self.version(name, version)
            tagged = replace(found, tags={**found.tags, key: value})
            self._versions[name][version] = tagged

    def attach(self, record: GateRunRecord, files: Mapping[str, bytes]) -> str:
        """Keep a gate run and its files; returns the run's id."""
        with self._writing("attach"):
            run_id = f"run{len(self._runs) + 1}"
            self._runs[run_id] = (record, {_inside(path): c for path, c in files.items()})
            return run_id

    def read(self, run_id: str, file: str) -> bytes:
        """A file of an attached gate run."""
        with self._lock:
            files = self._run(run_id)
            if file not in files:
                raise NotFound(f"gate run {run_id} has no file {file}")
            return files[file]

    def append(self, journal: str, entry: Mapping[str, str]) -> int:
        """Add an entry to a journal; returns its number, from 1."""
        with self._writing("append"):
            entries = self._journals.setdefault(journal, [])
            entries.append(dict(entry))
            return len(entries)

    def entries(self, journal: str) -> list[tuple[int, Mapping[str, str]]]:
        """All entries in order; empty if there is no such journal."""
        with self._lock:
            kept = self._journals.get(journal, [])
            return [(number, dict(entry)) for number, entry in enumerate(kept, start=1)]

    @contextmanager
    def _writing(self, verb: str) -> Iterator[None]:
        # The hooks run outside the lock: they may let another thread write.
        self.before(verb)
        with self._lock:
            yield
        self.after(verb)

    def _known(self, name: str) -> dict[str, ModelVersion]:
        if not self._versions.get(name):
            raise NotFound(f"no model {name}", f"Known: {', '.join(self._versions) or 'none'}")
        return self._versions[name]

    def _run(self, run_id: str) -> dict[str, bytes]:
        if run_id not in self._runs:
            raise NotFound(f"no gate run {run_id}")
        return self._runs[run_id][1]

    def _empty(self, name: str, stage: str) -> None:
        for key, held in self._stages.items():
            if key[0] == name and held == stage:
                self._stages[key] = "Archived"


def _stage(target: str) -> str:
    if target.lower() not in STAGES:
        stages = ", ".join(stage_name(stage) for stage in STAGES)
        raise RegistryError(f"{target!r} is no stage", f"MLflow's stages are {stages}")
    return stage_name(target)


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise RegistryError(f"{path!r} is no relative file name")
    return str(PurePosixPath(path))
