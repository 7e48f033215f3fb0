"""One gate run, from the model URI to the report: what the pytest plugin and a notebook share.

`open_run` resolves and hashes everything once, and raises `UsageProblem` before anything is
written. Test processes of pytest-xdist join the same run through `join_run`: they read the files
the controller fetched, and touch no registry.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

from gatekit.ahead import Ahead
from gatekit.attest.keys import PrivateKey
from gatekit.candidate import Candidate, describe, resolve
from gatekit.champion import find_champion
from gatekit.data import Holdout, NoSample, Streams, open_holdout
from gatekit.environments.model import ModelEnvironment
from gatekit.environments.uv import find_uv
from gatekit.evidence.counts import other_label
from gatekit.means import Named
from gatekit.one_pass import OnePass
from gatekit.own_measures import own_measures, replicates
from gatekit.passes import Counting
from gatekit.plan import Plan, RunRequest, check_registry_exists, make_plan, open_existing_registry
from gatekit.policy_gates import LABEL_GATES
from gatekit.progress import Progress, unheard
from gatekit.registry import ModelVersion, Registry
from gatekit.registry.model_uri import parse_model_uri
from gatekit.runner.environment import code_alone
from gatekit.runner.forkserver import ForkServer
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.runner.walls import NAMES
from gatekit.samples import Samples, open_current, open_reference
from gatekit.scanning.bundle import Bundles
from gatekit.scanning.once import Scans
from gatekit.scoring.engines import choose_engine
from gatekit.streaming.own import Own
from gatekit.streaming.question import CANDIDATE, CHAMPION
from gatekit.streaming.told import Told
from gatekit.subject import NoChampion, Subject
from gatekit.subject_spec import SubjectSpec
from gatekit.uses import Use, Uses, count_use


class GateRun:
    """The parts of a run, all resolved. Made by `open_run` and `join_run`."""

    def __init__(
        self, plan: Plan, scratch: Path, candidate: Candidate, champion: Candidate | NoChampion
    ) -> None:
        self.plan = plan
        self.scratch = scratch
        self.model = candidate
        self.champion_model = champion
        self.engine_of_pass = plan.request.engine or plan.policy.streaming.engine
        self._streams = Streams(plan.policy.streaming.above_rows, bool(self.engine_of_pass))
        folder = plan.policy_file.parent
        self.holdout: Holdout = open_holdout(plan.policy.holdout, folder, self._streams)
        self.holdout.check(candidate.signature)
        self.signer: PrivateKey | None = None  # whoever opens the run may give it one
        self.tests_folder = plan.project.root  # what the ids of its tests are relative to
        models = {"candidate": candidate, "champion": champion}
        self.environments = {
            role: _environment(plan, model.folder)
            for role, model in models.items()
            if isinstance(model, Candidate)
        }
        self.uses: Uses | None = None  # where the test set stands; None: nothing was asked of it
        self._started: list[Subject] = []
        self._scans = Scans(_bundles(plan))
        self._runners: list[Runner] = []
        self._ending = Ahead()
        self._learned: list[set[str]] = []
        self.lost = ""  # which other process of this run ended without a word, if one did
        self.server: ForkServer | None = None  # whose forks the models' processes are
        self._unheard: dict[str, tuple[str, float, float]] = {}
        self.progress: Progress = unheard  # who is told how far a long measurement is

    @cached_property
    def reference(self) -> Holdout | NoSample:
        """What the model was trained on, or that the policy names none."""
        return open_reference(self.plan, self._streams)

    @cached_property
    def current(self) -> Holdout:
        """The rows it meets: --current, else the policy's, else the holdout."""
        return open_current(self.plan, self._streams, self.holdout)

    @cached_property
    def engine(self) -> str:
        """The scoring engine that will serve the candidate."""
        return choose_engine(self.model.folder, self.plan.policy.engine)

    @cached_property
    def candidate(self) -> Subject:
        """The candidate, in its own process from the first question on."""
        subject = self._subject(self.model, self.engine, "candidate")
        subject.rival = self.champion if isinstance(self.champion, Subject) else None
        subject.samples = lambda: self.samples
        return subject

    @cached_property
    def champion(self) -> Subject | NoChampion:
        """The champion likewise, or why there is none."""
        if isinstance(self.champion_model, NoChampion):
            return self.champion_model
        engine = choose_engine(self.champion_model.folder, self.plan.policy.engine)
        return self._subject(self.champion_model, engine, "champion")

    @cached_property
    def one_pass(self) -> OnePass:
        """The pass over a holdout that streams."""
        subjects = {CANDIDATE: self.candidate}
        if isinstance(self.champion, Subject):
            subjects[CHAMPION] = self.champion
        own = Own(self.own_measures, replicates(self.plan.policy, self.uses))
        return OnePass(self.holdout, self._counting, subjects, samples=self.samples, own=own)

    @cached_property
    def samples(self) -> Samples | None:
        """Reference and current, if they are compared and one of them streams."""
        if not self.plan.wants("drift") or isinstance(self.reference, NoSample):
            return None
        if not (self.reference.is_streamed or self.current.is_streamed):
            return None
        held = self.reference, self.current, self.holdout
        return Samples(*held, self.candidate, self._counting, lambda: self.one_pass)

    @property
    def large_samples(self) -> list[Holdout]:
        """Which of reference and current have a pass of their own."""
        compared = (self.reference, self.current) if self.plan.wants("drift") else ()
        large = [each for each in compared if isinstance(each, Holdout) and each.is_streamed]
        return [each for each in large if each is not self.holdout]

    @cached_property
    def _counting(self) -> Counting:
        spool = self.scratch / "predictions"
        spool.mkdir(exist_ok=True)
        return Counting(
            self.plan.policy,
            self.engine_of_pass,
            lambda role: _limits(self.plan, self.scratch, self.environments[role]),
            spool,
            self.learn_walls,
            self.progress,
        )

    @cached_property
    def own_measures(self) -> tuple[Named, ...]:
        """The team's measures that a pass counts, read from their files."""
        return own_measures(self.plan.policy, self.plan.policy_file.parent)

    def _subject(self, model: Candidate, engine: str, role: str) -> Subject:
        spool = self.scratch / "predictions"
        spool.mkdir(exist_ok=True)
        policy = self.plan.policy
        spec = SubjectSpec(
            model,
            engine,
            policy.positive,
            policy.task,
            policy.score,
            policy.threshold,
            other_label(self.holdout.pilot.y, policy.positive) if policy.score else 0,
            policy.runner.trusted,
            self.environments[role],
            self._scans,
            self.server is not None,
        )
        subject = Subject(spec, spool, partial(self._start, role))
        subject.progress = self.progress
        subject.role, subject.tell = role, self._told
        subject.retell = partial(self._retell, role)
        self._started.append(subject)
        return subject

    def _told(self) -> Told:
        return self.one_pass.told()

    def _start(self, role: str) -> Runner:
        plan = self.plan
        own = Path(tempfile.mkdtemp(dir=self.scratch, prefix="model-"))
        limits = _limits(plan, self.scratch, self.environments[role])
        trusted = plan.policy.runner.trusted
        runner = Runner(
            limits, own, role=role, trusted=trusted, server=self.server, scan=self._scans
        )
        runner.progress = partial(self._hear, role)
        self._runners.append(runner)
        return runner

    def _hear(self, role: str, unit: str, done: float, of: float) -> None:
        if current_thread() is main_thread():
            self.progress(unit, done, of)
        else:  # only one may write on the terminal: told when the main thread waits for this role
            self._unheard[role] = unit, done, of

    def _retell(self, role: str) -> None:
        if heard := self._unheard.pop(role, None):
            self.progress(*heard)

    def begin(self, gates: Collection[str]) -> None:
        """Draw the rows that `schema` asks about, while the models load and predict the holdout.

        Where `gates` have it, and models run in forks of this process's server. What goes wrong,
        the gate that asks will meet.
        """
        if self.server is None or "schema" not in gates or self.holdout.is_streamed:
            return
        from gatekit.gates.schema import draw_ahead

        self.candidate.begin(self.holdout)
        with suppress(Exception):
            draw_ahead(self.candidate, self.holdout, self.plan.policy.gates.schema.examples)

    @property
    def walls(self) -> tuple[str, ...] | None:
        """The walls that held around every process that met a model; None: no process did."""
        held = [set(runner.walls) for runner in self._runners if runner.has_met_a_model]
        held += self._learned
        if not held:
            return None
        return tuple(sorted(set.intersection(*held), key=_order_of_wall))

    def learn_walls(self, walls: Sequence[str]) -> None:
        """Count the walls that held around models in another process of this run."""
        self._learned.append(set(walls))

    def lose(self, process: str) -> None:
        """Another process of this run is gone: nobody knows what stood around its models."""
        self.lost = process
        self.learn_walls(())

    def count_use(self, registry: Registry | None) -> None:
        """Write this use of the test set down, before anything is read off its labels.

        A champion of other content makes it another use, and so does another policy.
        """
        policy, champion = self.plan.policy, self.champion_model
        held = champion.content if isinstance(champion, Candidate) else ""
        use = Use(self.model.content, held, self.holdout.sha256, policy.digest)
        verdicts = sum(len(policy.bars(gate)) for gate in (*LABEL_GATES, *policy.own))
        self.uses = count_use(registry, self.model.name, use, policy.holdout, verdicts)

    def dismiss(self) -> None:
        """Begin to end the models' processes: nothing more is asked of them."""
        self._ending.begin(self._end)

    def close(self, *, remove: bool) -> None:
        """End the models' processes; remove what was fetched."""
        self._ending.wait()
        self._end()
        if remove:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _end(self) -> None:
        for subject in self._started:
            subject.close()
        if self.server is not None:
            self.server.close()

    def ticket(self) -> str:
        """What another process needs to join this run: JSON."""
        return json.dumps(
            {
                "request": asdict(self.plan.request),
                "scratch": str(self.scratch),
                "candidate": _ticket(self.model),
                "champion": _ticket(self.champion_model)
                if isinstance(self.champion_model, Candidate)
                else self.champion_model.reason,
                "uses": self.uses.as_dict() if self.uses else None,
            }
        )


def _order_of_wall(wall: str) -> int:
    return NAMES.index(wall.partition(":")[0])


def _bundles(plan: Plan) -> Bundles | None:
    named = plan.policy.runner.bundle_key
    return None if named is None else Bundles(plan.policy_file.parent / named)


def _environment(plan: Plan, folder: Path) -> ModelEnvironment:
    policy, lock = plan.policy, plan.policy.attestation.lock
    beside = plan.policy_file.parent / lock if lock else None
    return ModelEnvironment(
        folder, plan.request.model_env == "declared", policy.runner.trusted, beside
    )


def _limits(plan: Plan, scratch: Path, environment: ModelEnvironment) -> Limits:
    asked = asdict(plan.policy.runner)
    del asked["trusted"], asked["bundle_key"]  # for the scan, which is before any process
    folders = tuple(str((plan.policy_file.parent / name).resolve()) for name in asked["readable"])
    if not environment.is_declared:
        return Limits(**{**asked, "readable": folders})
    built, code = environment.built(), code_alone(scratch)
    folders = (*folders, str(built.folder), str(code))
    return Limits(**{**asked, "readable": folders}, python=str(built.python), code=str(code))


def open_run(plan: Plan, *, server: ForkServer | None = None) -> tuple[GateRun, Registry | None]:
    """Resolve candidate and champion, fetch and hash their files.

    Model folders need no registry, and none is asked. The models' processes
    will be forks of `server`, which imports while this one resolves; the run ends it.

    Raises:
        UsageProblem: the URI leads nowhere, the data is not as the policy says.
        RegistryUnavailable: the registry did not answer.
    """
    rival = plan.request.champion
    alone = plan.uri.form == "folder" and (rival is None or parse_model_uri(rival).form == "folder")
    if not alone:
        check_registry_exists(plan.project)
    if plan.request.model_env == "declared":
        find_uv()
    if bundles := _bundles(plan):
        bundles.check()
    scratch = Path(tempfile.mkdtemp(prefix="gatekit-"))
    try:
        registry = None if alone else open_existing_registry(plan.project)
        into = scratch / "candidate"
        into.mkdir()
        candidate = resolve(plan.uri, registry, into, plan.policy.model)
        champion = find_champion(plan, registry, candidate, scratch)
        run = GateRun(plan, scratch, candidate, champion)
        if plan.wants("drift"):
            run.reference, run.current  # noqa: B018 - what is not there is said before any test
        run.own_measures  # noqa: B018 - likewise, although rows that are held need none
        run.server = server
        return run, registry
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def join_run(ticket: str) -> GateRun:
    """The same run in another process of the same machine."""
    data = json.loads(ticket)
    request = {**data["request"], "sets": tuple(data["request"]["sets"])}
    plan = make_plan(RunRequest(**request))
    held = data["champion"]
    champion = NoChampion(held) if isinstance(held, str) else _from_ticket(held)
    run = GateRun(plan, Path(data["scratch"]), _from_ticket(data["candidate"]), champion)
    run.uses = Uses.from_dict(data["uses"]) if data["uses"] else None
    return run


def _ticket(model: Candidate) -> dict[str, Any]:
    return {
        "uri": model.uri,
        "folder": str(model.folder),
        "version": [model.name, model.version or "", model.run_id, model.source],
    }


def _from_ticket(data: dict[str, Any]) -> Candidate:
    name, version, run_id, source = data["version"]
    held = ModelVersion(name, version, run_id, source)
    return describe(data["uri"], Path(data["folder"]), held)
