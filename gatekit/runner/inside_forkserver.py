"""The fork server's own side: `python -m gatekit.runner.inside_forkserver LINE GATE MODULE ...`.

It never meets a model. All forks are made when everything is imported, so that each begins with
the same modules and the same memory. They are made while no other thread of Python's runs.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

from gatekit.imports import importing_much
from gatekit.runner.forkserver import WORD
from gatekit.runner.inside import live
from gatekit.runner.walls import Ground, end_with

LARGEST_REQUEST = 1 << 20
# in, out, stdout, stderr, rows where they are shared, and where its id and exit code are told
PIPES = 6


def main() -> None:
    """Import, then fork as asked, until the gate closes the line."""
    line, gate, modules = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    end_with(gate)
    with importing_much():
        for module in ("gatekit.runner.worker", *modules):
            # What is not installed is said when a model needs it.
            with suppress(Exception):
                importlib.import_module(module)
        gc.freeze()  # a collection in a fork leaves the pages alone that all share
    Server(socket.socket(fileno=line)).serve()
    os._exit(0)  # there is nothing to put in order, and the gate waits


@dataclass(slots=True)
class Server:
    """The line to the gate, and the forks: by pidfd, where their end is told."""

    line: socket.socket
    told: dict[int, int] = field(default_factory=dict)
    asleep: select.poll = field(default_factory=select.poll)

    def serve(self) -> None:
        """Fork and tell until the line is closed; then end and bury all forks."""
        self.asleep.register(self.line, select.POLLIN)
        while True:
            for ready, _ in self.asleep.poll():
                if ready in self.told:
                    self._tell_end(ready)
                elif not self._answer():
                    self._bury()
                    return

    def _answer(self) -> bool:
        request, pipes, _, _ = socket.recv_fds(self.line, LARGEST_REQUEST, PIPES)
        if not request:
            return False
        server = os.getpid()
        child = os.fork()
        if child == 0:
            _become(json.loads(request), pipes, server)
        *given, told = pipes
        for pipe in given:
            os.close(pipe)
        with suppress(OSError):
            os.setpgid(child, child)  # either side may be first
        watched = os.pidfd_open(child)
        self.told[watched] = told
        self.asleep.register(watched, select.POLLIN)
        _write(told, child)
        return True

    def _tell_end(self, watched: int) -> None:
        # Not buried: the gate ends its process group by its number, which must stay its own.
        ended = os.waitid(os.P_PIDFD, watched, os.WEXITED | os.WNOWAIT)
        if ended is not None:
            exited = ended.si_code == os.CLD_EXITED
            _write(self.told[watched], ended.si_status if exited else -ended.si_status)
        self.asleep.unregister(watched)
        os.close(self.told[watched])
        self.told[watched] = -1

    def _bury(self) -> None:
        for watched in self.told:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(watched, signal.SIGKILL)
        for watched in self.told:
            os.waitid(os.P_PIDFD, watched, os.WEXITED)


def _write(told: int, word: int) -> None:
    with suppress(BrokenPipeError):  # the gate has given it up
        os.write(told, WORD.pack(word))


def _become(request: dict[str, Any], pipes: list[int], server: int) -> NoReturn:
    """From here on this is a model's process: nothing of the server's is left open in it."""
    code = 1
    try:
        os.setpgid(0, 0)
        incoming, outgoing, out, err, *shared, _ = pipes
        line = (incoming, outgoing, *shared)
        os.dup2(out, 1)
        os.dup2(err, 2)
        _close_all_but(0, 1, 2, *line)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(os.environ["HOME"])
        tempfile.tempdir = None  # as the new environment has it
        _reseed()
        live(Ground(**request["ground"]), line, server)
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, it may not return into the server
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _close_all_but(*kept: int) -> None:
    first = 0
    for end in (*sorted(kept), os.sysconf("SC_OPEN_MAX")):
        if first < end:  # of an empty range Python makes one that holds everything
            os.closerange(first, end)
        first = end + 1


def _reseed() -> None:
    """Forks must not draw the same numbers; Python's own generator sees to itself."""
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


if __name__ == "__main__":
    main()
