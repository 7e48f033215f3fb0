"""MLflow without a server: one SQLite file and one folder of artifacts under `.gatekit/`.

Nothing here imports MLflow. The database remembers artifact paths as absolute ones, so the
folder cannot be moved, and another machine cannot read it: for shared use run `mlflow server`.
"""

from __future__ import annotations

from pathlib import Path

from gatekit.registry.folder_files import segment

FOLDER = ".gatekit"
_SQLITE = "sqlite:///"


def embedded_uri(root: Path) -> str:
    """The `sqlite:///` URI of the registry in `<root>/.gatekit/`, named in full. Makes nothing."""
    return f"{_SQLITE}{root.resolve() / FOLDER / 'mlflow.db'}"


def database_file(uri: str) -> Path | None:
    """The absolute path of the file behind a `sqlite:///` URI; None for every other URI."""
    if not uri.startswith(_SQLITE):
        return None
    path = uri.removeprefix(_SQLITE).partition("?")[0]
    return Path(path).resolve() if path and path != ":memory:" else None


def artifact_location(uri: str, experiment: str) -> str | None:
    """Where an experiment's artifacts go beside an embedded database, as a `file:` URI.

    None if `uri` is a server's: the server then decides.
    """
    database = database_file(uri)
    if database is None:
        return None
    return (database.parent / "artifacts" / segment(experiment)).as_uri()
