"""A model URI, resolved once, to bytes with a digest. Nothing downstream resolves it again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekit.content import content_digest
from gatekit.digest import FileDigest, model_digest, model_files
from gatekit.errors import CandidateError, NotFound
from gatekit.registry import ModelVersion, Registry
from gatekit.registry.model_uri import ModelUri
from gatekit.scoring.signature import Signature, read_signature


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model as it was when the run began. `version` is None for what cannot be promoted."""

    uri: str
    name: str
    version: str | None
    run_id: str | None
    source: str
    folder: Path
    files: tuple[FileDigest, ...]
    digest: str
    signature: Signature
    content: str = ""  # the same for a model registered twice, see `gatekit.content`

    @property
    def title(self) -> str:
        """'churn-model version 2', or the URI of what has no version."""
        return f"{self.name} version {self.version}" if self.version else self.uri

    def as_dict(self) -> dict[str, Any]:
        """Identity for the report: plain JSON, no path of a machine."""
        return {
            "uri": self.uri,
            "name": self.name,
            "version": self.version,
            "run_id": self.run_id,
            "source": self.source if self.version else "",
            "digest": self.digest,
            "content": self.content,
            "files": [{"path": f.path, "size": f.size, "sha256": f.sha256} for f in self.files],
            "signature": self.signature.as_dict(),
        }


def resolve(uri: ModelUri, registry: Registry | None, into: Path, model: str) -> Candidate:
    """Find the version, copy its files into `into`, hash them.

    `model` is the name a folder or run URI goes by in the report.

    Raises:
        CandidateError: the URI leads nowhere, or to a model without a signature.
        RegistryUnavailable: the registry did not answer.
    """
    if registry is None or uri.form == "folder":
        # gate a copy: the folder may change while the gates run
        folder = Path(shutil.copytree(uri.text, into / "model", symlinks=True))
        return describe(uri.text, folder, ModelVersion(model, ""))
    try:
        version = _version(uri, registry)
        name = uri.text if version is None else f"models:/{version.name}/{version.version}"
        folder = registry.fetch(name, into)
    except NotFound as error:
        raise CandidateError(f"{uri.text}: {error.message}", error.hint) from error
    return describe(uri.text, folder, version or ModelVersion(model, ""))


def describe(uri: str, folder: Path, version: ModelVersion) -> Candidate:
    """The candidate in `folder`, hashed.

    Raises:
        CandidateError: a symbolic link, no files, no signature.
    """
    files = model_files(folder)
    signature = read_signature(folder)
    if signature is None or not signature.inputs:
        raise CandidateError(
            f"{uri} was logged without a signature",
            "Log it with signature=infer_signature(X, model.predict(X)); "
            "without one nobody can know which rows it takes",
        )
    return Candidate(
        uri,
        version.name,
        version.version or None,
        version.run_id,
        version.source,
        folder,
        files,
        model_digest(files),
        signature,
        content_digest(folder, files),
    )


def _version(uri: ModelUri, registry: Registry) -> ModelVersion | None:
    if uri.form == "version":
        return registry.version(uri.name, uri.pointer)
    if uri.form == "alias":
        return registry.by_alias(uri.name, uri.pointer)
    if uri.form == "stage":
        return registry.by_stage(uri.name, uri.pointer)
    return None
