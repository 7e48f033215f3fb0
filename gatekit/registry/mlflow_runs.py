"""MLflow's runs and files: experiments, attached gate runs, downloads that are always copies."""

from __future__ import annotations

import json
import math
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from gatekit.errors import NotFound, RegistryError
from gatekit.registry import GateRunRecord
from gatekit.registry.embedded import artifact_location
from gatekit.registry.mlflow_errors import Place, error_code
from gatekit.registry.wording import inside

EXPERIMENT = "gatekit"
FOLDER = "gatekit"  # where a gate run's files are among its artifacts
_METRICS = 800  # MLflow takes 1000 things in a batch,
_PARAMS = 100  # of which 100 parameters
_LONGEST_KEY = 250
_LONGEST_NAME = 250
_DIGEST = 36  # letters of a digest that MLflow keeps
_REFUSED = re.compile(r"[^\w.\- :]+_?")  # a slash would make folders of it


@dataclass(frozen=True, slots=True)
class Runs:
    """The tracking side of one MLflow: `tracking` and `registry` are its two URIs."""

    client: Any
    tracking: str
    registry: str
    place: Place

    def experiment(self, name: str) -> str:
        """The id of the experiment, made if need be.

        An embedded database gets the artifacts beside it; a server decides itself.
        """
        with self.place.asking(f"experiment {name}"):
            if (found := self.client.get_experiment_by_name(name)) is None:
                location = artifact_location(self.tracking, name)
                try:
                    return str(self.client.create_experiment(name, artifact_location=location))
                except Exception as error:
                    if error_code(error) != "RESOURCE_ALREADY_EXISTS":
                        raise
                found = self.client.get_experiment_by_name(name)
            if found.lifecycle_stage == "deleted":
                raise RegistryError(f"experiment {name} is deleted", "Restore it in MLflow")
            return str(found.experiment_id)

    def attach(self, record: GateRunRecord, files: Mapping[str, bytes]) -> str:
        """Keep a gate run: one run, its numbers in batches, its files as one folder."""
        experiment = self.experiment(EXPERIMENT)
        with self.place.asking(f"attaching gate run {record.title!r}"):
            run = self.client.create_run(
                experiment, tags=dict(record.tags), run_name=record.title
            ).info.run_id
            try:
                for batch in _batches(record):
                    self.client.log_batch(run, **batch)
                if record.data:
                    self.client.log_inputs(run, datasets=_inputs(record))
                with _written(files) as folder:
                    self.client.log_artifacts(run, str(folder), FOLDER)
            except Exception:
                with suppress(Exception):  # the first failure is the one to tell
                    self.client.set_terminated(run, "FAILED")
                raise
            self.client.set_terminated(run, "FINISHED")
            return str(run)

    def read(self, run_id: str, file: str) -> bytes:
        """One file of an attached gate run."""
        with tempfile.TemporaryDirectory() as folder:
            inside(Path(folder), file)
            path = f"{FOLDER}/{file}"
            root = self._artifacts_of(run_id)
            with self.place.asking(f"{file} of gate run {run_id}"):
                if path not in self._listed(root, path.rpartition("/")[0]):
                    raise NotFound(f"gate run {run_id} has no file {file}")
            self.download(root, path, Path(folder))
            return Path(folder, path).read_bytes()

    def fetch(self, run_id: str, path: str, into: Path) -> Path:
        """Copy a model that a run has logged; MLflow 3 keeps it beside the run, MLflow 2 in it.

        MLflow's own download of `runs:/` calls every failure an absence, outages too.
        """
        inside(into, path)
        root = self._artifacts_of(run_id)
        name, _, rest = path.partition("/")
        with self.place.asking(f"the model {name} of run {run_id}"):
            logged = self._logged_model(run_id, name)
        target = into
        if logged is not None:
            self.download(logged, rest, into)
            target = into / rest
        else:
            self.download(f"{root.rstrip('/')}/{path}", "", into)
        if not target.is_dir() or not any(target.iterdir()):
            raise NotFound(f"run {run_id} has no model at {path}")
        return target

    def download(self, root: str, path: str, into: Path) -> None:
        """Copy files below the artifact URI `root` into `into`, never handing out the store's."""
        with self.place.asking(f"the files at {Place.of(root).shown}"):
            self._store(root).download_artifacts(path, str(into.resolve()))

    def _artifacts_of(self, run_id: str) -> str:
        with self.place.asking(f"run {run_id}"):
            return str(self.client.get_run(run_id).info.artifact_uri)

    def _logged_model(self, run_id: str, name: str) -> str | None:
        """Where the newest model is that the run has logged under this name."""
        if "'" in name:
            return None  # MLflow gives no logged model such a name
        experiment = self.client.get_run(run_id).info.experiment_id
        page: str | None = None
        while True:
            found = self.client.search_logged_models(
                [experiment], filter_string=f"name='{name}'", page_token=page
            )
            for model in found:
                if model.source_run_id == run_id:
                    return str(model.artifact_location)
            page = found.token
            if not page:
                return None

    def _listed(self, root: str, folder: str) -> set[str]:
        return {each.path for each in self._store(root).list_artifacts(folder)}

    def _store(self, root: str) -> Any:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(root, tracking_uri=self.tracking, registry_uri=self.registry)


def metric_key(name: str) -> str:
    """A metric's name as MLflow takes it: what it refuses (commas, slashes) becomes `_`."""
    return _REFUSED.sub("_", name)[:_LONGEST_KEY]


def _batches(record: GateRunRecord) -> Iterator[dict[str, Any]]:
    from mlflow.entities import Metric, Param

    now_ms = time.time_ns() // 1_000_000
    finite = {
        metric_key(name): value for name, value in record.metrics.items() if math.isfinite(value)
    }
    metrics = (Metric(key, value, now_ms, 0) for key, value in finite.items())
    params = (Param(key, value) for key, value in record.params.items())
    while True:
        some, named = list(islice(metrics, _METRICS)), list(islice(params, _PARAMS))
        if not some and not named:
            return
        yield {"metrics": some, "params": named}


def _inputs(record: GateRunRecord) -> list[Any]:
    """The data as MLflow's dataset inputs; the digest is the head of the sha256, as it is short."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    return [
        DatasetInput(
            Dataset(
                name=Path(data.path).name[:_LONGEST_NAME],
                digest=data.sha256[:_DIGEST],
                source_type="local",
                source=json.dumps({"uri": data.path}),
                profile=json.dumps({"num_rows": data.rows, "sha256": data.sha256}),
            ),
            tags=[InputTag("mlflow.data.context", data.role)],
        )
        for data in record.data
    ]


@contextmanager
def _written(files: Mapping[str, bytes]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for file, content in files.items():
            path = inside(folder, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield folder
