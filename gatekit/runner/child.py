"""A model's process as the gate holds it: started, watched, ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekit.errors import CandidateError
from gatekit.runner.channel import Channel, Tail
from gatekit.runner.environment import child_environment
from gatekit.runner.forkserver import Forked
from gatekit.runner.shared import SharedRows
from gatekit.runner.walls import Ground

if TYPE_CHECKING:
    from gatekit.runner.forkserver import ForkServer
    from gatekit.runner.limits import Limits

GRACE_SECONDS = 2.0


class TooMuch(Exception):
    """The process holds more than its limits allow; the message says what."""


class Child:
    """One process, its pipes, and what it says on stdout and stderr."""

    def __init__(
        self,
        limits: Limits,
        scratch: Path,
        readable: tuple[Path, ...],
        server: ForkServer | None = None,
    ) -> None:
        self._limits = limits
        scratch.mkdir(parents=True, exist_ok=True)
        scratch = scratch.resolve()
        ground = asdict(_ground(limits, scratch, readable))
        pipes = [os.pipe() for _ in range(4)]
        (theirs_in, to_child), (from_child, theirs_out), (out, out_w), (err, err_w) = pipes
        self.shared = SharedRows.opened()
        rows = () if self.shared is None else (self.shared.descriptor,)
        theirs = (theirs_in, theirs_out, out_w, err_w, *rows)
        try:
            self.process = _start(limits, scratch, ground, theirs, server)
        except OSError as error:
            for fd in (to_child, from_child, out, err):
                os.close(fd)
            raise CandidateError(f"no process could be started ({error.strerror})") from error
        finally:
            for fd in theirs:
                os.close(fd)
        self._fds = [to_child, from_child, out, err]
        kept = limits.output_kb * 1024
        self.stderr = Tail(err, kept)
        self.channel = Channel(to_child, from_child, (Tail(out, kept), self.stderr), self._watch)

    def fate(self) -> str:
        """How the process ended, in words."""
        try:
            code = self.process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return "closed its line to gatekit"
        if code >= 0:
            return f"ended with exit code {code}"
        with suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
        return f"was killed by signal {-code}"

    def kill(self) -> None:
        """End it and what it started, which is in its group and cannot leave it."""
        if self.process.pid is None:
            return  # not even forked yet: it will find its pipes closed
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_SECONDS)

    def release(self) -> None:
        """End it, and give back the pipes."""
        # Nothing is worth waiting for: the process holds a model and no state of ours.
        self.kill()
        fds, self._fds = self._fds, []
        for fd in fds:
            os.close(fd)
        if self.shared is not None:
            self.shared.close()
        if fds and isinstance(self.process, Forked):
            self.process.close()

    def memory_mb(self, field: str) -> float | None:
        """`VmHWM` (the most it has held) or `VmRSS` (what it holds), as the kernel counts."""
        with suppress(OSError):
            status = Path(f"/proc/{self.process.pid}/status").read_text("ascii", "replace")
            if found := re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE):
                return int(found[1]) / 1024
        return None

    def waited_ms(self) -> float | None:
        """How long it and this thread have waited for a core so far; None where nobody counts."""
        waited = 0.0
        for place in (f"{self.process.pid}", "thread-self"):
            try:
                counted = Path(f"/proc/{place}/schedstat").read_text("ascii").split()
                waited += int(counted[1]) / 1e6
            except (OSError, ValueError, IndexError):
                return None
        return waited

    def _watch(self) -> bool:
        """Whether it lives. Raises TooMuch when it has grown over its limits."""
        if self.process.poll() is not None:
            return False
        limits = self._limits
        held, group = self.memory_mb("VmRSS") or 0.0, 1
        if limits.processes > 1 and self.process.pid is not None:
            group, held = _group(self.process.pid)
        if limits.memory_mb and held > limits.memory_mb:
            raise TooMuch(f"held {held:.0f} MB, over the limit of {limits.memory_mb} MB,")
        if group > limits.processes:
            raise TooMuch(f"ran {group} processes, over the limit of {limits.processes},")
        return True


def _start(
    limits: Limits,
    scratch: Path,
    ground: dict[str, Any],
    pipes: tuple[int, ...],
    server: ForkServer | None,
) -> subprocess.Popen[bytes] | Forked:
    environment = child_environment(scratch, os.environ, limits.code)
    if server is not None and not limits.python:
        with suppress(OSError):  # the server is gone: a new Python does as well, and later
            return server.fork(ground, environment, pipes)
    incoming, outgoing, out, err, *shared = pipes
    line = (incoming, outgoing, *shared)
    command = (limits.python or sys.executable, *_flags(limits), "-m", "gatekit.runner.inside")
    return subprocess.Popen(
        [*command, json.dumps(ground), *map(str, line)],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        pass_fds=line,
        cwd=scratch,
        env=environment,
        process_group=0,  # and no session of its own: some schedulers share out cores by session
    )


def _flags(limits: Limits) -> tuple[str, ...]:
    # A package that a model chose may run code when Python starts (.pth): not before the walls.
    return ("-P", "-s", "-S") if limits.code else ("-P", "-s")


def _ground(limits: Limits, scratch: Path, readable: tuple[Path, ...]) -> Ground:
    home, job = Path.home(), Path.cwd()
    own = {scratch, *readable}
    private = {folder for folder in (job, scratch.parent) if folder not in own}
    return Ground(
        readable=tuple(map(str, (*readable, *map(Path, limits.readable)))),
        scratch=str(scratch),
        secret=(str(home),) if home.is_dir() and home not in own else (),
        private=tuple(sorted(map(str, private))),
        parent=os.getpid(),
        processes=limits.processes,
        open_files=limits.open_files,
        memory_mb=limits.memory_mb or 0,
        asked=limits.walls,
    )


def _group(leader: int) -> tuple[int, float]:
    """How many processes are in a group, and the megabytes they hold together."""
    count, pages = 0, 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        with suppress(OSError, IndexError):
            # The name of the program, in parentheses, may hold anything.
            values = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(values[2]) == leader:
                count, pages = count + 1, pages + int(values[21])
    return count, pages * os.sysconf("SC_PAGE_SIZE") / 2**20
