"""Model URIs: what a person may write after `--model-uri`, taken apart before any network call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gatekit.errors import CandidateError

STAGES = ("none", "staging", "production", "archived")
FORMS = (
    "Write models:/name/6, models:/name@alias, models:/name/Staging, runs:/RUN_ID/model "
    "or the path of a model folder"
)


@dataclass(frozen=True, slots=True)
class ModelUri:
    """One parsed URI. `name` and `pointer` are set for the three registry forms only."""

    text: str
    form: Literal["version", "alias", "stage", "run", "folder"]
    name: str = ""
    pointer: str = ""  # the version, alias or stage

    @property
    def is_registered(self) -> bool:
        """Whether it names a registered version, the only thing that can be promoted."""
        return self.form in ("version", "alias", "stage")


def parse_model_uri(text: str) -> ModelUri:
    """Take a model URI apart.

    Raises:
        CandidateError: it is none of the known forms.
    """
    text = text.strip()
    if text.startswith("models:/"):
        return _registered(text)
    if re.fullmatch(r"runs:/[^/\s]+/.+", text):
        return ModelUri(text, "run")
    if re.match(r"[a-z][a-z0-9+.-]+:", text):
        raise CandidateError(f"{text}: not a model URI that gatekit knows", FORMS)
    if not text or not (Path(text) / "MLmodel").is_file():
        raise CandidateError(f"{text or '(empty)'}: no folder with an MLmodel file", FORMS)
    return ModelUri(text, "folder")


def _registered(text: str) -> ModelUri:
    body = text.removeprefix("models:/").lstrip("/")
    if match := re.fullmatch(r"([^/@\s]+)@([^/@\s]+)", body):
        return ModelUri(text, "alias", match[1], match[2])
    if match := re.fullmatch(r"([^/@\s]+)/([^/@\s]+)", body):
        name, pointer = match.groups()
        if pointer.isdigit():
            return ModelUri(text, "version", name, str(int(pointer)))
        if pointer.lower() in STAGES:
            return ModelUri(text, "stage", name, pointer.capitalize())
        raise CandidateError(f"{text}: {pointer!r} is neither a version nor a stage", FORMS)
    raise CandidateError(f"{text}: no model name and version in it", FORMS)
