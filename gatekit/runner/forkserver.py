"""A process that has imported what models need, and holds none: models' processes are its forks.

Importing takes seconds, a fork milliseconds. It starts first of all and imports while the gate
finds out what to run; each model then gets a fork of its own, which raises its walls before it
meets the model. It holds no secret: its environment is a model's, and its memory knows of none.
Here is the gate's side; `gatekit.runner.inside_forkserver` is the other.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from gatekit.runner.environment import child_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# In this order: what a model of scikit-learn needs, then what pyfunc does.
MODULES = ("sklearn.pipeline", "sklearn.ensemble", "skops.io", "mlflow.sklearn", "mlflow.pyfunc")
WORD = struct.Struct("=i")  # told of each fork: its process id, and later its exit code
GRACE_SECONDS = 2.0


class Forked:
    """One fork as the gate holds it: much like a `subprocess.Popen`, though it is no child of ours.

    The server does not bury it before it ends itself: its process id stays its own until then.
    """

    def __init__(self, told: int) -> None:
        self._told = told
        self._words = bytearray()
        self._ended = False
        os.set_blocking(told, False)

    @property
    def pid(self) -> int | None:
        """Its process id; None while the server still imports."""
        self._read()
        return WORD.unpack_from(self._words)[0] if len(self._words) >= WORD.size else None

    def poll(self) -> int | None:
        """Its exit code, negative for a signal's; None while it lives."""
        self._read()
        if len(self._words) >= 2 * WORD.size:
            return int(WORD.unpack_from(self._words, WORD.size)[0])
        return -signal.SIGKILL if self._ended else None  # it ends with the server

    def wait(self, timeout: float) -> int:
        """As `poll`, once it has ended; subprocess.TimeoutExpired after `timeout` seconds."""
        end = monotonic() + timeout
        while (code := self.poll()) is None:
            left = end - monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired("a model's process", timeout)
            select.select([self._told], [], [], left)
        return code

    def close(self) -> None:
        """Give the pipe back; what has been told stays known."""
        self._read()
        os.close(self._told)
        self._told = -1

    def _read(self) -> None:
        if self._ended or self._told < 0:
            return
        with suppress(BlockingIOError):
            piece = os.read(self._told, 64)
            self._words += piece
            self._ended = not piece


class ForkServer:
    """Started by `begin`; `fork` asks it for a process, `close` ends it and its forks."""

    def __init__(self, process: subprocess.Popen[bytes], line: socket.socket, home: Path) -> None:
        self._process, self._line, self._home = process, line, home
        self._forks = 0

    @classmethod
    def begin(cls, modules: Sequence[str] | None = None) -> Self | None:
        """Start one, to import `modules` or else MODULES.

        None where there can be none: its forks are watched as only Linux can.
        """
        imported = MODULES if modules is None else modules
        if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
            return None
        home = Path(tempfile.mkdtemp(prefix="gatekit-server-"))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        inside = (sys.executable, "-P", "-s", "-m", "gatekit.runner.inside_forkserver")
        try:
            with theirs:
                process = subprocess.Popen(
                    [*inside, str(theirs.fileno()), str(os.getpid()), *imported],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    cwd=home,
                    env=child_environment(home, os.environ),
                    process_group=0,
                )
        except OSError:
            ours.close()
            shutil.rmtree(home, ignore_errors=True)
            return None
        return cls(process, ours, home)

    def fork(
        self, ground: Mapping[str, Any], environment: Mapping[str, str], pipes: tuple[int, ...]
    ) -> Forked:
        """A process behind the walls of `ground`.

        `pipes` are in, out, stdout and stderr, and where there is one of the rows that are shared.

        Raises:
            OSError: the server is gone, or the request cannot be sent.
        """
        told, theirs = os.pipe()
        request = json.dumps({"ground": ground, "environment": environment}).encode()
        try:
            socket.send_fds(self._line, [request], [*pipes, theirs])
        except OSError:
            os.close(told)
            raise
        finally:
            os.close(theirs)
        self._forks += 1
        return Forked(told)

    def close(self) -> None:
        """End it and all its forks; safe to call twice."""
        self._line.close()
        # it buries its forks, then ends; without any it may be ended in the midst of an import
        if self._forks and self._process.poll() is None:
            self._wait(GRACE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def _wait(self, seconds: float) -> None:
        """Until it has ended, and no longer: `Popen.wait` would look only now and then."""
        watched = os.pidfd_open(self._process.pid)
        try:
            select.select([watched], [], [], seconds)
        finally:
            os.close(watched)
