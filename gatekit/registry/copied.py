"""The pointer kind "copy": a registered model of its own, whose newest version is what holds.

The copies of `churn-model` in `churn-prod` name where they came from by their source,
`models:/churn-model/3`, as MLflow's `copy_model_version` writes it.
"""

from __future__ import annotations

from collections.abc import Callable

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
    source = copy.source
    if source.startswith(f"models:/{name}/"):
        parsed = parse_model_uri(source)
        if parsed.form == "version" and parsed.name == name:
            try:
                return version(parsed.pointer)
            except NotFound:
                return ModelVersion(name, parsed.pointer, source=source)  # deleted; still served
    return ModelVersion(copy.name, f"{copy.name}/{copy.version}", source=source)
