"""The registry that is MLflow's: an embedded SQLite file, or `mlflow server`.

Everything goes to the URI that was given, never to MLflow's ambient default. Model files are
fetched from the place the registry names for a version, not through `models:/`: that way leads
through the ambient registry, and writes `registered_model_meta` beside the files.

`models:/name/Stage` means the highest version number in that stage; a registry without
compare-and-set can leave two there after a race.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from gatekit.errors import NotFound, RegistryError, RegistryUnavailable
from gatekit.imports import importing_much
from gatekit.registry import Entries, GateRunRecord, Look, ModelVersion, Pointer, PointerKind
from gatekit.registry.copied import copied_from, copies_of
from gatekit.registry.embedded import database_file
from gatekit.registry.mlflow_copies import add_copy, delete_versions
from gatekit.registry.mlflow_errors import Place, error_code, prepare_environment
from gatekit.registry.mlflow_hooks import Hooks
from gatekit.registry.mlflow_journal import Journal
from gatekit.registry.mlflow_runs import Runs
from gatekit.registry.mlflow_stages import Stages, holder_among
from gatekit.registry.model_uri import parse_model_uri
from gatekit.registry.wording import empty_target, known_models, known_versions, nobody, stage_of

T = TypeVar("T")


class MlflowRegistry:
    """The `Registry` protocol over `MlflowClient`.

    `MLFLOW_REGISTRY_URI` wins for registry calls, and MLflow's own variables for credentials are
    honoured. `create` makes the folder of an embedded database; MLflow makes the database.

    Raises:
        RegistryUnavailable: an embedded database cannot be opened.
    """

    def __init__(self, uri: str, *, create: bool = False) -> None:
        prepare_environment()
        self._uri = uri
        self._place = Place.of(uri)
        database = database_file(uri)
        if database is not None and create:
            database.parent.mkdir(parents=True, exist_ok=True)
        if database is not None and not database.parent.is_dir():
            raise RegistryUnavailable(
                f"the registry at {self.uri} does not answer: no folder {database.parent}",
                "Check the path; a new registry is made in a folder that exists",
            )
        self._registry_uri = os.environ.get("MLFLOW_REGISTRY_URI") or _default_registry(uri)
        opening = self._place.asking("opening the registry")
        with opening, warnings.catch_warnings(), importing_much():
            # MLflow's dependencies deprecate things under its hands; under `pytest -W error` that
            # would be an exception in the middle of its start-up
            warnings.simplefilter("ignore")
            from mlflow import MlflowClient

            self._client = MlflowClient(tracking_uri=uri, registry_uri=self._registry_uri)
            self._brief = _brief(self._client)
        self._runs = Runs(self._client, uri, self._registry_uri, self._place)
        self._journal = Journal(self._client, self._registry_uri, Place.of(self._registry_uri))
        self._stages = Stages(self._brief, self._journal)

    @property
    def uri(self) -> str:
        """Where it is, without any password."""
        return self._place.shown

    def version(self, name: str, version: str) -> ModelVersion:
        """That version, with its tags."""
        if not (version.isascii() and version.isdigit()):
            raise NotFound(f"{name} has no version {version!r}; versions are numbers")
        with self._asking(f"{name} version {version}"):
            try:
                return _described(self._client.get_model_version(name, version))
            except Exception as error:
                if error_code(error) != "RESOURCE_DOES_NOT_EXIST":
                    raise
        known = [int(each.version) for each in self.versions(name)]  # says if the model is missing
        raise NotFound(f"{name} has no version {version}", known_versions(known))

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions, newest first."""
        with self._asking(f"the versions of {name}"):
            found = self._journal.search(name)
            if not found:
                self._require_model(name)
        newest_first = sorted(found, key=lambda each: int(each.version), reverse=True)
        return [_described(each) for each in newest_first]

    def by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that holds the alias; aliases are case-sensitive."""
        found = self._holder_of_alias(name, alias)
        if found is None:
            raise nobody(name, alias, "alias")
        return found

    def by_stage(self, name: str, stage: str) -> ModelVersion:
        """The version a client gets for `models:/name/Stage`."""
        found = self._holder_of_stage(name, stage_of(stage))
        if found is None:
            raise nobody(name, stage_of(stage), "stage")
        return found

    def fetch(self, uri: str, into: Path) -> Path:
        """Copy the files behind `models:/name/version` or `runs:/RUN/path` into `into`.

        Raises:
            RegistryError: `into` is not empty, or the version has no files.
        """
        parsed = parse_model_uri(uri)
        if parsed.form == "run":
            run_id, _, path = uri.strip().removeprefix("runs:/").partition("/")
            return self._runs.fetch(run_id, path.strip("/"), empty_target(into))
        if parsed.form != "version":
            raise RegistryError(
                f"{uri}: only a version can be fetched", "Resolve the pointer first"
            )
        source = self._files_of(parsed.name, parsed.pointer)
        self._runs.download(source, "", empty_target(into))
        if not any(into.iterdir()):
            raise RegistryError(
                f"{uri} is registered, but there are no files of it at {source}",
                "The artifact store has lost them, or cannot be reached from this machine",
            )
        return into

    def holder(self, name: str, target: str, kind: PointerKind) -> ModelVersion | None:
        """Who holds the pointer now, as a client would resolve it, or None."""
        if kind == "alias":
            return self._holder_of_alias(name, target)
        if kind == "copy":
            return self._holder_of_copies(name, target)
        return self._holder_of_stage(name, stage_of(target))

    def move(self, name: str, target: str, version: str, kind: PointerKind) -> None:
        """Move the pointer by one write."""
        stage = stage_of(target, movable=True) if kind == "stage" else ""
        what = f"pointing {kind} {target!r} of {name} at version {version}"
        if kind == "copy":
            self.version(name, version)
            with self._asking(what):
                add_copy(self._client, name, version, target)
        elif kind == "alias":
            with self._asking(what):
                self._brief.set_registered_model_alias(name, target, version)
        else:
            self._staged(what, partial(self._stages.move, name, version, stage))

    def look(self, pointer: Pointer) -> Look:
        """`entries` and `holder`: two requests for an alias, one for the others."""
        name, target, journal = pointer.name, pointer.target, pointer.journal
        if pointer.kind == "alias":
            entries = self.entries(journal)
            return Look(self._holder_of_alias(name, target), entries)
        with self._asking(f"{pointer.kind} {target!r} of {name} and {journal}"):
            if pointer.kind == "copy":
                versions, copies, noted = self._journal.search_each(name, target, journal)
                holder = self._original(name, versions, copies)
            else:
                versions, noted = self._journal.search_each(name, journal)
                held = holder_among(versions, stage_of(target))
                holder = held and _described(held)
            if not versions:
                self._require_model(name)
            return Look(holder, self._journal.entries_in(journal, noted))

    def displace(self, pointer: Pointer, version: str, held: str) -> Entries:
        """`move`, then `entries`; a stage by two writes and one look at both."""
        name, target, kind = pointer.name, pointer.target, pointer.kind
        if kind != "stage":
            self.move(name, target, version, kind)
            return self.entries(pointer.journal)
        stage = replace(pointer, target=stage_of(target, movable=True))
        what = f"pointing {kind} {target!r} of {name} at version {version}"
        return self._staged(what, partial(self._stages.displace, stage, version, held))

    def clear(self, name: str, target: str, kind: PointerKind) -> None:
        """Delete the alias or the copies, or archive everybody in the stage."""
        what = f"clearing {kind} {target!r} of {name}"
        if kind == "alias":
            with self._asking(what):
                self._brief.delete_registered_model_alias(name, target)
            return
        if kind == "copy":
            with self._asking(what):
                copies = copies_of(name, map(_described, self._journal.search(target)))
                delete_versions(self._client, copies)
            return
        stage = stage_of(target, movable=True)
        with self._asking(what):
            self._require_model(name)
        self._staged(what, partial(self._stages.archive, name, stage))

    def tag(self, name: str, version: str, key: str, value: str) -> None:
        """Set a tag on a version."""
        with self._asking(f"tagging {name} version {version} with {key}"):
            self._client.set_model_version_tag(name, version, key, value)

    def attach(self, record: GateRunRecord, files: Mapping[str, bytes]) -> str:
        """Keep a gate run as an MLflow run of its own in the experiment `gatekit`."""
        return self._runs.attach(record, files)

    def read(self, run_id: str, file: str) -> bytes:
        """A file of an attached gate run."""
        return self._runs.read(run_id, file)

    def append(self, journal: str, entry: Mapping[str, str]) -> int:
        """Add an entry as a version of the registered model `journal`."""
        return self._journal.append(journal, entry)

    def entries(self, journal: str) -> Entries:
        """All entries in order."""
        return self._journal.entries(journal)

    @property
    def hooks(self) -> Hooks:
        """Its webhooks."""
        return Hooks(self._client, self._registry_uri, self._asking)

    def experiment(self, name: str) -> str:
        """The id of an experiment, made on first use with its artifacts beside the database."""
        return self._runs.experiment(name)

    def _holder_of_alias(self, name: str, alias: str) -> ModelVersion | None:
        with self._asking(f"the holder of alias {alias!r} of {name}"):
            try:
                return _described(self._client.get_model_version_by_alias(name, alias))
            except Exception as error:
                # MLflow answers an unknown alias with this code and not with its code for absence
                if error_code(error) == "INVALID_PARAMETER_VALUE" and "not found" in str(error):
                    return None
                if error_code(error) != "RESOURCE_DOES_NOT_EXIST":
                    raise
            self._require_model(name)
            return None

    def _holder_of_stage(self, name: str, stage: str) -> ModelVersion | None:
        found = self._staged(
            f"the holder of stage {stage} of {name}",
            lambda: self._brief.get_latest_versions(name, [stage]),
        )
        if not found:
            with self._asking(f"model {name}"):
                self._require_model(name)
            return None
        return _described(max(found, key=lambda each: int(each.version)))

    def _holder_of_copies(self, name: str, target: str) -> ModelVersion | None:
        with self._asking(f"the versions of {name} and {target}"):
            versions, copies = self._journal.search_each(name, target)
            if not versions:  # a model that is not there is no model without a holder
                self._require_model(name)
            return self._original(name, versions, copies)

    def _original(self, name: str, versions: list[Any], copies: list[Any]) -> ModelVersion | None:
        """What the newest of a model of its own was copied from; None if there is no copy."""
        newest = max(copies, key=lambda each: int(each.version), default=None)
        known = {str(each.version): each for each in versions}

        def original(version: str) -> ModelVersion:
            if version not in known:
                raise NotFound(f"{name} has no version {version}")
            return _described(known[version])

        return None if newest is None else copied_from(_described(newest), name, original)

    def _staged(self, what: str, call: Callable[[], T]) -> T:
        """Make a call about stages, without MLflow's warning that stages are deprecated."""
        with self._asking(what), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return call()

    def _require_model(self, name: str) -> None:
        try:
            self._client.get_registered_model(name)
        except Exception as error:
            if error_code(error) != "RESOURCE_DOES_NOT_EXIST":
                raise
            models = [model.name for model in self._client.search_registered_models()]
            raise NotFound(f"no model {name}", known_models(name, models)) from None

    def _files_of(self, name: str, version: str) -> str:
        if self._registry_uri.startswith("databricks"):
            return f"models:/{name}/{version}"  # its files are only reachable through its registry
        with self._asking(f"the files of {name} version {version}"):
            try:
                return str(self._brief.get_model_version_download_uri(name, version))
            except Exception as error:
                if error_code(error) == "RESOURCE_DOES_NOT_EXIST":
                    self.version(name, version)  # says which versions there are
                raise

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        with Place.of(self._registry_uri).asking(what):
            yield


def _brief(client: Any) -> Any:
    """MLflow's own inner client, by which each call is one request.

    The outer one asks for the whole model before most calls, to see that it is no prompt; `version`
    sees that by the version's tags. An MLflow without an inner client is asked as it wants to be.
    """
    inner = getattr(client, "_get_registry_client", None)
    return client if inner is None else inner()


def _default_registry(uri: str) -> str:
    """MLflow 3's own default: beside a Databricks workspace the registry is Unity Catalog's."""
    if uri == "databricks" or uri.startswith("databricks://"):
        return uri.replace("databricks", "databricks-uc", 1)
    return uri


def _described(version: Any) -> ModelVersion:
    return ModelVersion(
        name=version.name,
        version=str(version.version),
        run_id=version.run_id or None,
        source=version.source or "",
        tags=dict(version.tags),
    )
