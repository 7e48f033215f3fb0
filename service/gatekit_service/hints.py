"""Cheap signs that the registry may have moved, without MLflow: nothing is decided by them.

A folder says who holds the pointer. A server says so over its REST interface. A database file says
only that something was written to it. What says nothing is asked at most once a minute.
"""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gatekit.errors import GatekitError, RegistryUnavailable
from gatekit.promotion.journal import journal_name
from gatekit.registry import ModelVersion, open_registry
from gatekit.registry.embedded import database_file
from gatekit_service.looking import Key, key_of, registry_uri
from gatekit_service.settings import Settings

PATIENCE_SECONDS = 5.0
SELDOM_SECONDS = 60.0
OWN_TLS = ("MLFLOW_TRACKING_SERVER_CERT_PATH", "MLFLOW_TRACKING_INSECURE_TLS")


@dataclass(frozen=True, slots=True)
class Sign:
    """Who holds the pointer, if that could be seen, and a mark that is another after a change."""

    key: Key | None
    mark: str


def hints(settings: Settings) -> Callable[[], Sign]:
    """How to look for signs in the registry of these settings."""
    uri = registry_uri(settings)
    uri = os.environ.get("MLFLOW_REGISTRY_URI") or uri if not uri.startswith("folder:") else uri
    if uri.startswith("folder:"):
        return _of_folder(settings, uri)
    database = database_file(uri)
    if database is not None:
        return _of_file(database)
    plain = not any(os.environ.get(name) for name in OWN_TLS)
    if uri.startswith(("http://", "https://")) and plain and settings.pointer != "copy":
        return _of_server(settings, uri.rstrip("/"))
    return lambda: Sign(None, str(int(time.monotonic() / SELDOM_SECONDS)))


def _of_folder(settings: Settings, uri: str) -> Callable[[], Sign]:
    registry = open_registry(uri)

    def look() -> Sign:
        holder = registry.holder(settings.model, settings.spelled, settings.pointer)
        entries = len(registry.entries(journal_name(settings.model)))
        return Sign(key_of(holder) if holder else None, f"{holder is None} {entries}")

    return look


def _of_file(database: Path) -> Callable[[], Sign]:
    files = (database, database.with_name(f"{database.name}-wal"))

    def look() -> Sign:
        found = [path.stat() for path in files if path.exists()]
        return Sign(None, str([(at.st_mtime_ns, at.st_size) for at in found]))

    return look


def _of_server(settings: Settings, uri: str) -> Callable[[], Sign]:
    name, journal = quote(settings.model), quote(journal_name(settings.model))

    def look() -> Sign:
        if settings.pointer == "alias":
            path = f"registered-models/alias?name={name}&alias={quote(settings.spelled)}"
            status, said = _ask(uri, path)
            found = [said["model_version"]] if status == 200 else []  # noqa: PLR2004 - OK
        else:
            wanted = {"name": settings.model, "stages": [settings.spelled]}
            _, said = _ask(uri, "registered-models/get-latest-versions", wanted)
            found = said.get("model_versions", [])
        _, entries = _ask(uri, f"registered-models/get?name={journal}")
        mark = json.dumps([len(found), entries], sort_keys=True)
        return Sign(key_of(_version(found[0])) if found else None, mark)

    return look


def _version(said: dict[str, Any]) -> ModelVersion:
    tags = {tag["key"]: tag.get("value", "") for tag in said.get("tags", [])}
    return ModelVersion(said["name"], str(said["version"]), tags=tags)


def _ask(uri: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """Status and answer; an absence is an answer, too. RegistryUnavailable for everything else."""
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        f"{uri}/api/2.0/mlflow/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **_credentials()},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - as above
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code in (400, 404):
            return error.code, {}
        raise RegistryUnavailable(f"the registry answered {error.code}") from error
    except (OSError, ValueError, KeyError) as error:
        raise RegistryUnavailable("the registry does not answer") from error


def _credentials() -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    if user:
        secret = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
        return {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}
    return {"Authorization": f"Bearer {token}"} if token else {}


def sign_or_error(look: Callable[[], Sign]) -> Sign | GatekitError:
    """What was seen, or why nothing was."""
    try:
        return look()
    except GatekitError as error:
        return error
    except OSError as error:
        return RegistryUnavailable(f"the registry cannot be looked at: {error.strerror}")
