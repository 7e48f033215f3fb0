"""A share of a pass on another machine: models come as bytes by digest and are verified there."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gatekit.digest import model_digest, model_files
from gatekit.errors import (
    CandidateError,
    DataError,
    GatekitError,
    ModelMisbehaved,
    ModelRefused,
    UsageProblem,
)
from gatekit.parts import Part
from gatekit.runner.process import Runner
from gatekit.streaming.lane import Lane
from gatekit.streaming.task import Counted, Model, Task

SHARES_OF_A_SLOT = 2
PARTS_OF_A_SHARE = 8  # fewer are not worth starting the models anew for them
TOLD = (CandidateError, DataError, ModelMisbehaved, ModelRefused, UsageProblem)
KINDS: dict[str, type[GatekitError]] = {kind.__name__: kind for kind in TOLD}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of the rows or of a model: the same wherever it is tried again, so it is not."""

    kind: str
    message: str
    hint: str

    def error(self) -> GatekitError:
        """The error itself."""
        return KINDS.get(self.kind, ModelMisbehaved)(self.message, self.hint)


def pack(task: Task) -> dict[str, bytes]:
    """The files of each model as one archive, by digest."""
    packed = {}
    for model in task.models:
        held = io.BytesIO()
        with tarfile.open(fileobj=held, mode="w") as archive:
            for file in model_files(Path(model.folder)):
                archive.add(Path(model.folder) / file.path, file.path)
        packed[model.digest] = held.getvalue()
    return packed


def shares(parts: Sequence[Part], slots: int) -> list[tuple[Part, ...]]:
    """The parts dealt out: a share for each slot, two of many parts, so that none holds up all."""
    many = min(len(parts), slots)
    if len(parts) >= slots * SHARES_OF_A_SLOT * PARTS_OF_A_SHARE:
        many = slots * SHARES_OF_A_SLOT
    return [tuple(parts[start::many]) for start in range(many)]


def count_share(
    parts: Sequence[Part], task: Task, packed: Mapping[str, bytes]
) -> Counted | Failure:
    """Count some parts where this is called: unpack, verify, scan, load, predict, count.

    What goes wrong with the rows or the models comes back as a `Failure`; anything else is raised,
    and whoever runs this tries again.
    """
    with tempfile.TemporaryDirectory(prefix="gatekit-share-") as scratch:
        try:
            here = tuple(_unpacked(each, packed, Path(scratch)) for each in task.models)
            moved = replace(task, models=here)
            with Lane(moved, lambda model: _opened(model, Path(scratch))) as lane:
                return lane.count(parts)
        except GatekitError as error:
            return Failure(type(error).__name__, error.message, error.hint)


def _unpacked(model: Model, packed: Mapping[str, bytes], scratch: Path) -> Model:
    folder = scratch / f"model-{model.role}"
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(packed[model.digest])) as archive:
        archive.extractall(folder, filter="data")
    found = model_digest(model_files(folder))
    if found != model.digest:
        raise CandidateError(
            f"the {model.role}'s files reached a worker with digest {found[:12]}..., "
            f"and not {model.digest[:12]}...",
            "Run again; if it stays so, the files change on their way",
        )
    return replace(model, folder=str(folder))


def _opened(model: Model, scratch: Path) -> Runner:
    own = Path(tempfile.mkdtemp(dir=scratch, prefix=f"process-{model.role}-"))
    runner = Runner(model.limits, own, role=model.role, trusted=model.trusted)
    try:
        runner.load(Path(model.folder), model.engine)
    except BaseException:
        runner.close()
        raise
    return runner
