"""The pointer kind "copy": a registered model of its own, whose newest version is what holds.

The copies of `churn-model` in `churn-prod` name where they came from by their source,
`models:/churn-model/3`, as MLflow's `copy_model_version` writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gatekit.errors import NotFound
from gatekit.registry import ModelVersion
from gatekit.registry.model_uri import parse_model_uri


def copied_from(
    copy: ModelVersion, name: str, version: Callable[[str], ModelVersion]
) -> ModelVersion:
    """The version of `name` that a copy was made of; `version` describes one by its number.

    A version that somebody made there otherwise is called by the model it stands in, such as
    `churn-prod/4`, which no version of `name` is called.
    """
    if original := _original(copy, name):
        try:
            return version(original)
        except NotFound:
            return ModelVersion(name, original, source=copy.source)  # deleted; still served
    return ModelVersion(copy.name, f"{copy.name}/{copy.version}", source=copy.source)


def copies_of(name: str, versions: Iterable[ModelVersion]) -> list[ModelVersion]:
    """Those of `versions` that were copied from `name`, oldest first.

    To delete them in this order lets no earlier copy hold in between.
    """
    copies = [each for each in versions if _original(each, name)]
    return sorted(copies, key=lambda each: int(each.version))


def _original(copy: ModelVersion, name: str) -> str:
    """The version of `name` that a copy was made of; empty if it is no copy of that model."""
    if not copy.source.startswith(f"models:/{name}/"):
        return ""
    parsed = parse_model_uri(copy.source)
    return parsed.pointer if parsed.form == "version" and parsed.name == name else ""
