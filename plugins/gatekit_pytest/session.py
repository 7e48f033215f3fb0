"""A pytest session with a model: opens the run, fills the ledger from reports, concludes.

The ledger is filled from test reports alone, so that one process and eight xdist workers give the
same one. The controller concludes; workers only measure.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from gatekit.ahead import Ahead
from gatekit.attest.signing import take_signer
from gatekit.conclusion import Conclusion, conclude
from gatekit.decision import Asked
from gatekit.errors import GatekitError
from gatekit.gate import Gate, asks_labels
from gatekit.kept import FOLDER
from gatekit.ledger import Check, Ledger, TestOutcome
from gatekit.plan import Plan, make_plan
from gatekit.policy_gates import BUILT_IN
from gatekit.report.page import prepare
from gatekit.report.table import check_line
from gatekit.run import GateRun, join_run, open_run
from gatekit_pytest.fixtures import GATE_KEY, SESSION_KEY, gate_name
from gatekit_pytest.options import GateOptions
from gatekit_pytest.progress import ProgressLine, is_wanted
from gatekit_pytest.selection import default_suites, keep_wanted
from gatekit_pytest.terminal import Terminal

if TYPE_CHECKING:
    from gatekit.registry import Registry
    from gatekit.runner.forkserver import ForkServer
    from gatekit.service_client import LiveService

TICKET = "gatekit_ticket"
WALLS = "gatekit_walls"
UNTIMED = set(BUILT_IN) - {"latency", "memory", "staging", "load"}  # a team's own may time, too
QUIETEST = -2  # pytest's verbosity, at which only failures are told


def register(config: pytest.Config, server: ForkServer | None) -> None:
    """Open the run and register what listens to it; `server` is where models' processes come from.

    Raises:
        pytest.UsageError: anything about model, policy or data is wrong; nothing was written.
    """
    try:
        session = _open(config, server)
    except GatekitError as error:
        raise pytest.UsageError(f"gatekit: {error}") from error
    config.stash[SESSION_KEY] = session
    config.pluginmanager.register(session, "gatekit-session")
    quiet = bool(config.option.gate_quiet)
    config.pluginmanager.register(Terminal(session, quiet=quiet), "gatekit-terminal")
    if not (quiet or session.is_worker) and is_wanted():
        line = ProgressLine(config)
        config.pluginmanager.register(line, "gatekit-progress")
        session.run.progress = line.tell
    if config.pluginmanager.hasplugin("xdist"):
        from gatekit_pytest.xdist import Distribution

        config.pluginmanager.register(Distribution(session), "gatekit-xdist")


def _open(config: pytest.Config, server: ForkServer | None) -> GateSession:
    options = GateOptions.from_config(config)
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        joined = join_run(worker[TICKET])
        _choose_suites(config, joined.plan)
        return GateSession(joined, None, options, is_worker=True)
    plan = make_plan(options.request, config.invocation_params.dir)
    # before any process of a model is started, which would inherit it
    signer = take_signer(plan.policy.attestation, plan.policy_file.parent)
    _choose_suites(config, plan)
    if config.option.tbstyle == "auto":
        config.option.tbstyle = "short"  # a suite is two lines; the E lines are the story
    if config.option.gate_quiet:
        config.option.verbose, config.option.reportchars = QUIETEST, ""
    run, registry = open_run(plan, server=server)
    run.signer, run.tests_folder = signer, config.rootpath
    session = GateSession(run, registry, options)
    if sys.flags.optimize or config.getoption("assertmode") == "plain":
        how = "python -O" if sys.flags.optimize else "--assert=plain"
        session.ledger.voids.append(f"assertions were not checked as written: run without {how}")
    return session


def _choose_suites(config: pytest.Config, plan: Plan) -> None:
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = default_suites(plan)


class GateSession:
    """The run, its ledger, and how pytest's events become entries."""

    def __init__(
        self,
        run: GateRun,
        registry: Registry | None,
        options: GateOptions,
        *,
        is_worker: bool = False,
    ) -> None:
        self.run = run
        self.is_worker = is_worker
        self.registry = registry
        self.options = options
        self.ledger = Ledger()
        self.conclusion: Conclusion | None = None
        self.is_observer = False  # --collect-only: nothing runs, nothing is concluded
        self._expected: dict[str, str] = {}
        self._finished: set[str] = set()
        self._timed: set[str] = set()  # tests to come that want the machine to themselves
        self._page = Ahead()
        self._live: LiveService | None = None

    def make_gate(self, name: str, test: str) -> Gate:
        """The hand on the ledger for one test."""
        return Gate(name, test, self.run.plan.policy, self.run.uses)

    def count_use(self, gates: Iterable[str]) -> None:
        """Count this use of the test set, once, if one of these gates asks its labels."""
        if self.run.uses is None and any(asks_labels(gate) for gate in gates):
            self.run.count_use(self.registry)

    def live_service(self) -> LiveService:
        """The service at --service-url.

        Raises:
            pytest.UsageError: none was given.
        """
        from gatekit.service_client import LiveService

        url = self.options.request.service_url
        if url is None:
            pytest.fail("this gate asks a running service: give --service-url URL", pytrace=False)
        if self._live is None:
            self._live = LiveService(url, kept=self.run.scratch / FOLDER)
            self._live.progress = self.run.progress
        return self._live

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        self.is_observer = config.option.collectonly
        keep_wanted(self.run.plan, config, items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        # after every plugin has chosen: --lf chooses last
        named = {item.nodeid: gate_name(item) for item in session.items}
        self._expected = {test: name for test, name in named.items() if name}
        if not (self.is_worker or self.is_observer):
            self.count_use(self._expected.values())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        self._timed = {test for test, gate in self._expected.items() if gate not in UNTIMED}
        if not (self.is_worker or self.is_observer):
            self.run.begin(set(self._expected.values()))

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._timed.discard(nodeid)
        if not (self._timed or self.is_worker):
            self._page.begin(prepare)  # while the tests that are left wait for the model

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        for item in items:
            name = gate_name(item)
            if name is not None and self.run.plan.wants(name):
                self.ledger.deselected.append((name, item.nodeid))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        name = gate_name(item)
        if self.is_worker and self.run.walls is not None:
            # the controller signs, and meets no model itself; any test may have loaded one
            vars(report)[WALLS] = self.run.walls
        if name is not None:
            page = (
                item.stash[GATE_KEY].page()
                if report.when == "call" and GATE_KEY in item.stash
                else []
            )
            entry: dict[str, Any] = {"gate": name, "checks": [check.as_dict() for check in page]}
            vars(report)["gatekit"] = entry  # an extra attribute travels through xdist
            if report.when == "call":
                item.user_properties += [("gatekit", check_line(check)) for check in page]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        walls: Sequence[str] | None = getattr(report, WALLS, None)
        if walls is not None:
            self.run.learn_walls(walls)
        entry: dict[str, Any] | None = getattr(report, "gatekit", None)
        if entry is None:
            if report.failed and report.nodeid in self._expected:
                self._note(self._expected[report.nodeid], report, "error")
            return
        self.ledger.checks += [Check.from_dict(check) for check in entry["checks"]]
        outcome = _outcome(report)
        if outcome is not None:
            self._note(entry["gate"], report, outcome)

    def _note(self, gate: str, report: pytest.TestReport, outcome: str) -> None:
        if report.when == "call" and report.nodeid in self._finished:
            outcome = "rerun"
        self._finished.add(report.nodeid)
        words = "" if outcome == "passed" else _why(report)
        self.ledger.tests.append(TestOutcome(gate, report.nodeid, outcome, words))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self.is_worker or self.is_observer:
            self.run.close(remove=not self.is_worker)
            return
        for test, gate in self._expected.items():
            if test not in self._finished:
                self.ledger.tests.append(TestOutcome(gate, test, "not run"))
        if exitstatus not in (0, 1, 5):
            self.ledger.voids.append(
                f"the session was interrupted (pytest's exit status {int(exitstatus)})"
            )
        failed = {t.test for t in self.ledger.tests if t.outcome != "passed"}
        if session.testsfailed and not failed:
            self.ledger.voids.append(
                f"{session.testsfailed} tests beside the gates failed in this session"
            )
        self._page.wait()
        try:
            self.conclusion = self._conclude()
        finally:
            self.run.close(remove=True)
        if self.conclusion.exit_code or exitstatus in (0, 1, 5):
            session.exitstatus = max(self.conclusion.exit_code, 1 if session.testsfailed else 0)
        if exitstatus not in (0, 1, 5):
            session.exitstatus = exitstatus or 1

    def _conclude(self) -> Conclusion:
        plan = self.run.plan
        narrowed = self.options.narrowed
        asked = Asked(plan.required, plan.request.target, narrowed)
        return conclude(self.run, self.registry, self.ledger, asked, self.options.report_dir)


def _outcome(report: pytest.TestReport) -> str | None:
    """The one word for a report; None for phases that say nothing."""
    if report.outcome not in ("passed", "failed", "skipped"):
        return str(report.outcome)  # "rerun", by pytest-rerunfailures
    if report.failed:
        return "failed" if report.when == "call" else f"error in {report.when}"
    if report.skipped:
        return "xfailed" if hasattr(report, "wasxfail") else "skipped"
    if report.when != "call":
        return None
    return "xpassed" if hasattr(report, "wasxfail") else "passed"


def _why(report: pytest.TestReport) -> str:
    """The first line of what went wrong."""
    long = report.longrepr
    if isinstance(long, tuple):
        return str(long[2])
    crash = getattr(long, "reprcrash", None)
    message = getattr(crash, "message", None) or str(long or "")
    return message.strip().splitlines()[0] if message.strip() else ""
