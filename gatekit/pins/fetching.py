"""An object from a DVC remote, by its md5. The one file that imports DVC."""

from __future__ import annotations

import warnings
from pathlib import Path

from gatekit.errors import DataError


def fetch(home: Path, md5: str, name: str) -> Path:
    """Fetch an object into the cache of the DVC repository at `home`; returns where it lies.

    Raises:
        DataError: DVC is not installed, no remote is set, it does not answer or lacks the object.
    """
    try:
        from dvc.repo import Repo
        from dvc_data.hashfile.hash_info import HashInfo
    except ImportError:
        raise DataError(
            f"{name} is not here, and DVC is not installed to fetch it",
            "Run `dvc pull` first, or install pytest-gatekit[dvc]",
        ) from None
    lacks = f"{name} (md5 {md5}) is not here"
    try:
        with warnings.catch_warnings(), Repo(str(home)) as repo:
            warnings.simplefilter("ignore")  # of DVC's own libraries: nothing to do with the data
            where = _remote_words(repo)
            repo.cloud.pull([HashInfo("md5", md5)])
            found = Path(repo.cache.local.oid_to_path(md5))
    except Exception as error:  # the client of each kind of remote has errors of its own
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"{lacks}, and DVC could not fetch it: {said}",
            "Set the remote and its credentials; `dvc pull` says more",
        ) from error
    if not found.is_file():
        raise DataError(
            f"{lacks}, and {where} does not have it",
            "Whoever has it pushes it: `dvc push`, with --all-commits for an earlier revision",
        )
    return found


def _remote_words(repo: object) -> str:
    config = getattr(repo, "config", {})
    name = config.get("core", {}).get("remote", "") if hasattr(config, "get") else ""
    return f"the DVC remote {name!r}" if name else "the DVC remote"
