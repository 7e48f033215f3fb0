"""Webhooks of MLflow's registry: one for a model's service, made or made right again.

Only `mlflow server` delivers; it refuses http and private addresses unless it is told otherwise,
and it encrypts secrets with a key that is new with every start unless it is given one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from gatekit.errors import RegistryError, UsageProblem

# aliases move by the first two; a journal entry, a copy and a report are the others
EVENTS = (
    "model_version_alias.created",
    "model_version_alias.deleted",
    "model_version.created",
    "model_version_tag.set",
)
PRIVATE = (
    "A service at http:// or a private address needs MLFLOW_WEBHOOK_ALLOWED_SCHEMES=http,https and "
    "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true on the server"
)
LOST_KEY = (
    "The server cannot read its own webhooks: set MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY there, the "
    "same for all its workers, and delete the webhooks made before"
)
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Installed:
    """A webhook, and what came of a delivery to try it: a status, or an error in words."""

    name: str
    url: str
    is_new: bool
    status: int | None
    error: str

    @property
    def reached(self) -> bool:
        """Whether the service took the delivery."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's success


class Hooks:
    """`client` is MLflow's; `asking` turns what it raises into gatekit's errors."""

    def __init__(
        self, client: Any, uri: str, asking: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        self._client = client
        self._uri = uri
        self._asking = asking

    def install(self, name: str, url: str, secret: str) -> Installed:
        """Make the webhook of that name, or give the one that is there URL and secret; try it.

        Raises:
            UsageProblem: the registry is no server, so that nobody would deliver.
            RegistryError: it refuses the URL, or cannot read the webhooks it has.
        """
        if not self._uri.startswith(("http://", "https://", "databricks")):
            raise UsageProblem(
                "webhooks are delivered by `mlflow server`, and this registry is none",
                "Name a server with MLFLOW_TRACKING_URI; without hooks the service polls",
            )
        there = self._named(name)
        try:
            with self._asking(f"the webhook {name}"):
                events = list(EVENTS)
                if there is None:
                    made = self._client.create_webhook(name, url, events, secret=secret)
                else:
                    made = self._client.update_webhook(there, url=url, events=events, secret=secret)
        except RegistryError as error:
            raise type(error)(error.message, error.hint or PRIVATE) from error
        with self._asking(f"trying the webhook {name}"):
            tried = self._client.test_webhook(made.webhook_id, EVENTS[0])
        words = str(tried.error_message or "").partition("\n")[0]
        return Installed(name, url, there is None, tried.response_status, words)

    def _named(self, name: str) -> str | None:
        token = None
        while True:
            try:
                with self._asking("the webhooks"):
                    page = self._client.list_webhooks(page_token=token)
            except RegistryError as error:
                raise type(error)(error.message, LOST_KEY) from error
            for each in page:
                if each.name == name:
                    return str(each.webhook_id)
            token = getattr(page, "token", None)
            if not token:
                return None
