"""Landlock (Linux 5.13 and later): a process gives up what it does not need, for good.

Constants are those of linux/landlock.h. No right is needed to use it, so it stands in a container
and for a plain user alike. It also keeps the process from tracing any other that stands outside,
root or not: /proc/PID/environ and /proc/PID/mem of the parent, of the shell above it, of anyone.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
ASK_VERSION = 1
RULE_PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE = 1, 2, 4, 8, 1 << 14
READ = EXECUTE | READ_FILE | READ_DIR
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE  # all that a rule on a file may name
# How many rights over files each version of the interface knows: the lowest so many bits.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
NETWORK_SINCE, SIGNALS_SINCE = 4, 6
BIND_AND_CONNECT = 3
SIGNALS_AND_ABSTRACT_SOCKETS = 3


def version() -> int:
    """Which version of the interface the kernel has; 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, _call(CREATE_RULESET, None, 0, ASK_VERSION))


def restrict(readable: Iterable[str], writable: Iterable[str], devices: Iterable[str]) -> int:
    """Leave this thread, and all it starts, those paths and nothing else; the version used.

    What does not exist is left out. `devices` are read and written, not made or removed.

    Raises:
        OSError: the kernel refused; nothing is restricted then.
    """
    found = version()
    if not found:
        return 0
    rights = (1 << FILE_RIGHTS.get(found, 16)) - 1
    network = BIND_AND_CONNECT if found >= NETWORK_SINCE else 0
    scoped = SIGNALS_AND_ABSTRACT_SOCKETS if found >= SIGNALS_SINCE else 0
    wanted = struct.pack("QQQ", rights, network, scoped)
    # An older kernel takes the longer structure as long as what it does not know is zero.
    ruleset = _checked(CREATE_RULESET, wanted, len(wanted), 0)
    try:
        for path in readable:
            _allow(ruleset, path, READ)
        for path in writable:
            _allow(ruleset, path, rights)
        for path in devices:
            _allow(ruleset, path, (READ_FILE | WRITE_FILE | TRUNCATE) & rights)
        _checked(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return found


def _allow(ruleset: int, path: str, rights: int) -> None:
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            held = rights if os.path.isdir(path) else rights & ON_FILES  # noqa: PTH112 - light
            rule = struct.pack("=Qi", held, target)
            _checked(ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0)
        finally:
            os.close(target)


def _checked(number: int, *arguments: object) -> int:
    result = _call(number, *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    typed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return int(libc.syscall(ctypes.c_long(number), *typed))
