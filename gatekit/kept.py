"""Files of a run that are kept beside its report: what the load generator wrote.

A measure puts them into a folder of the run; the report names their digests.
"""

from __future__ import annotations

from pathlib import Path

from gatekit.digest import file_sha256

LOAD_RUN = "load-run.json"
NAMES = (LOAD_RUN, "load-locust.html", "load-locust.json")
FOLDER = "kept"


def kept_files(scratch: Path) -> dict[str, bytes]:
    """Name and content of every kept file of the run with this scratch folder."""
    folder = scratch / FOLDER
    return {name: (folder / name).read_bytes() for name in NAMES if (folder / name).is_file()}


def kept_digests(scratch: Path) -> dict[str, str]:
    """Name and sha256 of every kept file."""
    folder = scratch / FOLDER
    return {name: file_sha256(folder / name) for name in NAMES if (folder / name).is_file()}
