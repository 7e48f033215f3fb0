"""A registry whose every call waits to be let through, and may fail, lag or be the caller's last.

All writes are in one order, the log. A read sees the log up to some point, which may lie behind
its end but never before the reader's own last write: what one database with replicas that know
their callers gives. A stage is moved as MLflow's is: put the new one in, look, archive the others.
"""

from __future__ import annotations

import copy

from greenlet import greenlet

from gatekit.errors import RegistryUnavailable
from gatekit.registry import Look, stage_name
from gatekit.registry.memory import MemoryRegistry

from .conftest import NAME

READS = (
    "look",
    "stage_and_entries",
    "version",
    "versions",
    "fetch",
    "holder",
    "read",
    "entries",
    "in_stage",
)


class Died(Exception):
    """The process ended here."""


class Log(MemoryRegistry):
    """Memory with a past: `at` shows the pointers and journals as they were after a write."""

    def __init__(self):
        super().__init__()
        self.past = [self._now()]

    def _now(self):
        copies = {model: kept for model, kept in self._versions.items() if model != NAME}
        return copy.deepcopy((self._aliases, self._stages, self._journals, copies))

    def wrote(self):
        self.past.append(self._now())

    def at(self, index, read):
        kept = self._aliases, self._stages, self._journals, self._versions
        self._aliases, self._stages, self._journals, copies = copy.deepcopy(self.past[index])
        self._versions = {NAME: self._versions[NAME], **copies}
        try:
            return read()
        finally:
            self._aliases, self._stages, self._journals, self._versions = kept

    def transition(self, name, version, stage):
        self.version(name, version)
        self._stages[name, version] = stage

    def stage_and_entries(self, name, stage, journal):
        return self.in_stage(name, stage), self.entries(journal)

    def in_stage(self, name, stage):
        found = [v.version for v in self.versions(name)]
        return [v for v in found if self._stages.get((name, v)) == stage]


class Actor:
    """Somebody at work, one registry call at a time; a greenlet, so that it costs no waiting."""

    def __init__(self, log, act):
        self.log, self.wrote_at, self.moved, self.dead = log, 0, False, False
        self.end = None  # once it is over: what it returned or raised
        self._work = greenlet(self._live)
        self._work.switch(act)

    def _live(self, act):
        try:
            self.end = act(Seen(self))
        except Exception as error:  # noqa: BLE001 - judged by the test
            self.end = error

    @property
    def over(self):
        return self.end is not None

    def step(self, fault="ok", lag=0):
        """Let one call through; `fault` is ok, down, lost, dies before or dies after."""
        self._work.switch((fault, lag))

    def finish(self):
        while not self.over:
            self.step()

    def call(self, verb, args):
        if self.dead:
            raise Died
        fault, lag = self._work.parent.switch()
        if fault == "down":
            raise RegistryUnavailable("the registry does not answer")
        if fault != "dies before":
            answer = self._done(verb, args, lag)
        if fault.startswith("dies"):
            self.dead = True
            raise Died
        if fault == "lost":
            raise RegistryUnavailable("the registry took it and does not answer")
        return answer

    def _done(self, verb, args, lag):
        act = getattr(self.log, verb)
        if verb in READS:
            newest = len(self.log.past) - 1
            return self.log.at(max(self.wrote_at, newest - lag), lambda: act(*args))
        answer = act(*args)
        self.log.wrote()
        self.wrote_at = len(self.log.past) - 1
        self.moved = self.moved or verb != "append"
        return answer


class Seen:
    """The registry as an actor sees it."""

    def __init__(self, actor):
        self._actor = actor

    def __getattr__(self, verb):
        if verb not in (*READS, "append", "transition"):
            raise AttributeError(verb)
        return lambda *args: self._actor.call(verb, args)

    def move(self, name, target, version, kind):
        if kind != "stage":
            self._actor.call("move", (name, target, version, kind))
            return
        self.transition(name, version, stage_name(target))
        self._archive(name, target, version)

    def look(self, pointer):
        if pointer.kind != "alias":
            return self._actor.call("look", (pointer,))
        entries = self.entries(pointer.journal)
        return Look(self.holder(pointer.name, pointer.target, pointer.kind), entries)

    def displace(self, pointer, version, held):
        name, stage = pointer.name, stage_name(pointer.target)
        if pointer.kind == "stage":
            self.transition(name, version, stage)
            if held and held != version:
                self.transition(name, held, "Archived")
            there, entries = self.stage_and_entries(name, stage, pointer.journal)
            if set(there) <= {version}:
                return entries
        self.move(name, pointer.target, version, pointer.kind)
        return self.entries(pointer.journal)

    def clear(self, name, target, kind):
        if kind != "stage":
            self._actor.call("clear", (name, target, kind))
        else:
            self._archive(name, target, "")

    def _archive(self, name, target, but):
        for each in self.in_stage(name, stage_name(target)):
            if each != but:
                self.transition(name, each, "Archived")
