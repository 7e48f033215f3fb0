"""A registry that is a plain directory: for tests, first steps and small teams on one disk.

    <root>/gatekit-registry                     says that this is one
    <root>/models/NAME/versions/6/model/...     the files, never changed once there
    <root>/models/NAME/versions/6/version.json  where they came from
    <root>/models/NAME/versions/6/tags.json
    <root>/models/NAME/deleted/5/...            what was deleted; its number is not used again
    <root>/models/NAME/aliases/ALIAS            the version that holds it
    <root>/models/NAME/stages.json              version -> stage
    <root>/runs/RUN_ID/...                      attached gate runs
    <root>/journals/NAME/6.json                 one entry each

Several processes may use it at once: versions appear by one rename, journal entries by one hard
link, aliases by one replace; stages and tags change under a lock.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from gatekit.errors import NotFound, RegistryError, RegistryUnavailable
from gatekit.registry import GateRunRecord, ModelVersion, PointerKind, Registry
from gatekit.registry.copied import copied_from, copies_of
from gatekit.registry.folder_files import (
    link,
    locked,
    numbers,
    plain_name,
    publish,
    read_json,
    segment,
    withdraw,
    write_atomically,
    write_json,
)
from gatekit.registry.model_uri import parse_model_uri
from gatekit.registry.wording import (
    empty_target,
    inside,
    known_models,
    known_versions,
    nobody,
    stage_of,
)

MARKER = "gatekit-registry"


class FolderRegistry(Registry):
    """The `Registry` protocol over a directory; `register` makes the directory on first use."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    @property
    def uri(self) -> str:
        """`folder:` and the absolute path."""
        return f"folder:{self._root}"

    def register(
        self, name: str, folder: Path, tags: Mapping[str, str] | None = None
    ) -> ModelVersion:
        """Copy a model folder in as the next version of `name`.

        Raises:
            RegistryUnavailable: the directory cannot be written, or `folder` cannot be read.
        """
        return self._publish_as(name, folder, folder.resolve().as_uri(), dict(tags or {}))

    def _publish_as(
        self, name: str, folder: Path, source: str, tags: dict[str, str]
    ) -> ModelVersion:
        with self._answering():
            (self._model(name) / "versions").mkdir(parents=True, exist_ok=True)
            (self._root / MARKER).touch()
            incoming = self._model(name) / f"incoming-{uuid.uuid4().hex}"
            try:
                shutil.copytree(folder, incoming / "model", symlinks=True)
                write_json(incoming / "version.json", {"source": source})
                write_json(incoming / "tags.json", tags)
                with locked(self._model(name)):
                    number = publish(incoming, self._model(name))
            finally:
                shutil.rmtree(incoming, ignore_errors=True)
            return self._describe(name, number)

    def version(self, name: str, version: str) -> ModelVersion:
        """That version, with its tags."""
        with self._answering():
            known = self._numbers(name)
            if version not in map(str, known):
                raise NotFound(f"{name} has no version {version}", known_versions(known))
            return self._describe(name, int(version))

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions, newest first."""
        with self._answering():
            return [self._describe(name, number) for number in reversed(self._numbers(name))]

    def by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that holds the alias."""
        with self._answering():
            known = self._numbers(name)
            pointer = self._model(name) / "aliases" / segment(alias)
            if not pointer.is_file():
                raise nobody(name, alias, "alias")
            number = int(pointer.read_text(encoding="utf-8"))
            if number not in known:
                raise RegistryError(f"{name}@{alias} points at version {number}, which is gone")
            return self._describe(name, number)

    def by_stage(self, name: str, stage: str) -> ModelVersion:
        """The highest version number in that stage."""
        wanted = stage_of(stage)
        with self._answering():
            stages = read_json(self._model(name) / "stages.json")
            held = [n for n in self._numbers(name) if stages.get(str(n), "None") == wanted]
            if not held:
                raise nobody(name, wanted, "stage")
            return self._describe(name, held[-1])

    def fetch(self, uri: str, into: Path) -> Path:
        """Copy the files of `models:/name/version` into the empty or absent folder `into`."""
        parsed = parse_model_uri(uri)
        if parsed.form == "run":
            raise NotFound(
                f"{uri}: a folder registry keeps no training runs",
                "Register the model's folder, or use an MLflow registry",
            )
        if parsed.form != "version":
            raise RegistryError(
                f"{uri}: only a version can be fetched", "Resolve the pointer first"
            )
        self.version(parsed.name, parsed.pointer)
        with self._answering():
            source = self._model(parsed.name) / "versions" / parsed.pointer / "model"
            shutil.copytree(source, empty_target(into), symlinks=True, dirs_exist_ok=True)
        return into

    def holder(self, name: str, target: str, kind: PointerKind) -> ModelVersion | None:
        """Who holds the pointer now, or None."""
        self.versions(name)  # a model that is not there is no model without a holder
        if kind == "copy":
            with self._answering():
                copies = numbers(self._model(target) / "versions")
                newest = self._describe(target, copies[-1]) if copies else None
            return newest and copied_from(newest, name, partial(self.version, name))
        try:
            return self.by_alias(name, target) if kind == "alias" else self.by_stage(name, target)
        except NotFound:
            return None

    def move(self, name: str, target: str, version: str, kind: PointerKind) -> None:
        """Move the pointer by one replace; a stage archives whoever held it."""
        stage = stage_of(target, movable=True) if kind == "stage" else ""
        number = self.version(name, version).version
        if kind == "copy":
            source = self._model(name) / "versions" / number / "model"
            self._publish_as(target, source, f"models:/{name}/{number}", {})
            return
        with self._answering(), locked(self._model(name)):
            if kind == "alias":
                (self._model(name) / "aliases").mkdir(exist_ok=True)
                pointer = self._model(name) / "aliases" / segment(target)
                write_atomically(pointer, number.encode())
            else:
                self._archive(name, stage, but=number)

    def clear(self, name: str, target: str, kind: PointerKind) -> None:
        """Delete the alias, or archive everybody in the stage."""
        stage = stage_of(target, movable=True) if kind == "stage" else ""
        self.versions(name)
        if kind == "copy":
            self._delete_copies(name, target)
            return
        with self._answering(), locked(self._model(name)):
            if kind == "alias":
                (self._model(name) / "aliases" / segment(target)).unlink(missing_ok=True)
            else:
                self._archive(name, stage)

    def tag(self, name: str, version: str, key: str, value: str) -> None:
        """Set a tag on a version."""
        number = self.version(name, version).version
        with self._answering(), locked(self._model(name)):
            path = self._model(name) / "versions" / number / "tags.json"
            write_json(path, {**read_json(path), key: value})

    def attach(self, record: GateRunRecord, files: Mapping[str, bytes]) -> str:
        """Keep a gate run; it appears whole, by one rename."""
        run_id = uuid.uuid4().hex
        with self._answering():
            incoming = self._existing() / "runs" / f"incoming-{run_id}"
            for file, content in files.items():
                path = inside(incoming / "gatekit", file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            incoming.mkdir(parents=True, exist_ok=True)
            described = {
                "title": record.title,
                "tags": dict(record.tags),
                "metrics": dict(record.metrics),
                "params": dict(record.params),
            }
            write_json(incoming / "run.json", described)
            incoming.rename(self._root / "runs" / run_id)
        return run_id

    def read(self, run_id: str, file: str) -> bytes:
        """A file of an attached gate run."""
        with self._answering():
            folder = self._existing() / "runs" / segment(run_id)
            if not folder.is_dir():
                raise NotFound(f"no gate run {run_id}")
            path = inside(folder / "gatekit", file)
            if not path.is_file():
                raise NotFound(f"gate run {run_id} has no file {file}")
            return path.read_bytes()

    def append(self, journal: str, entry: Mapping[str, str]) -> int:
        """Add an entry: written whole beside the journal, then linked to the next free number."""
        with self._answering():
            folder = self._existing() / "journals" / segment(journal)
            folder.mkdir(parents=True, exist_ok=True)
            incoming = folder / f"incoming-{uuid.uuid4().hex}"
            write_json(incoming, dict(entry))
            try:
                return link(incoming, folder)
            finally:
                incoming.unlink()

    def entries(self, journal: str) -> list[tuple[int, Mapping[str, str]]]:
        """All entries in order; empty if there is no such journal."""
        with self._answering():
            folder = self._existing() / "journals" / segment(journal)
            return [(n, read_json(folder / f"{n}.json")) for n in numbers(folder, ".json")]

    def _model(self, name: str) -> Path:
        return self._root / "models" / segment(name)

    def _existing(self) -> Path:
        if not (self._root / MARKER).is_file():
            raise RegistryUnavailable(
                f"the registry at {self.uri} does not answer: no registry in that folder",
                "Is the disk mounted? Registering a first model makes a new registry",
            )
        return self._root

    def _numbers(self, name: str) -> list[int]:
        models = self._existing() / "models"
        if found := numbers(self._model(name) / "versions"):
            return found
        names = [plain_name(path.parts[-3]) for path in models.glob("*/versions/1")]
        raise NotFound(f"no model {name}", known_models(name, names))

    def _describe(self, name: str, number: int) -> ModelVersion:
        folder = self._model(name) / "versions" / str(number)
        source = read_json(folder / "version.json").get("source", "")
        return ModelVersion(name, str(number), None, source, read_json(folder / "tags.json"))

    def _delete_copies(self, name: str, target: str) -> None:
        folder = self._model(target)
        if not folder.is_dir():
            return
        with self._answering(), locked(folder):
            versions = [self._describe(target, number) for number in numbers(folder / "versions")]
            for copy in copies_of(name, versions):
                withdraw(folder, copy.version)

    def _archive(self, name: str, stage: str, but: str = "") -> None:
        path = self._model(name) / "stages.json"
        stages = {v: "Archived" if s == stage else s for v, s in read_json(path).items()}
        write_json(path, {**stages, but: stage} if but else stages)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, shutil.Error) as error:
            raise RegistryUnavailable(
                f"the registry at {self.uri} does not answer: {error}",
                "Look at the folder, its disk and its permissions",
            ) from error
