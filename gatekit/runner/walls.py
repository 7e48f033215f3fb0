"""The walls around a model, raised by its own process before it imports anything of a model's.

Each wall is tried from inside before it is named: what is in the list was seen to hold. Names are
`secrets` (the gate's environment and memory, the files of its home), `files` (the job's folder),
`network`, `processes`, `signals`, `memory`.
"""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gatekit.runner import landlock, seccomp

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("secrets", "files", "network", "processes", "signals", "memory")
# The parts of a Python's folder that it runs from. Never the folder itself: a job may lie in it,
# as with an environment made in place, or a working folder /usr/src/app.
PARTS = ("bin", "lib", "lib64", "lib32", "libexec", "include", "share", "pyvenv.cfg")
SYSTEM = (
    "/lib",
    "/lib64",
    "/lib32",
    "/bin",
    *(f"/usr/{part}" for part in PARTS),
    *(f"/usr/local/{part}" for part in PARTS),
    *(
        f"/etc/{name}"
        for name in (
            "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone", "os-release",
            "debian_version", "nsswitch.conf", "passwd", "group", "mime.types", "alternatives",
        )
    ),
    "/proc/self",
    *(f"/proc/{name}" for name in ("cpuinfo", "meminfo", "stat", "loadavg", "uptime", "version")),
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
SET_PARENT_DEATH_SIGNAL, DROP_FROM_BOUNDS = 1, 24
CAPABILITY_VERSION = 0x20080522
# Python may lie in a home that is closed to others, even to root without these two.
KEPT_CAPABILITIES = (1 << 1) | (1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
LAST_CAPABILITY = 63


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a model's process stands: what it may read and write, what it must not see.

    `secret` and `private` are folders that exist: the gate's home, the job's folder. `parent` is
    the gate's process id.
    """

    readable: tuple[str, ...]
    scratch: str
    secret: tuple[str, ...]
    private: tuple[str, ...]
    parent: int
    processes: int = 1
    open_files: int = 1024
    memory_mb: int = 0
    asked: tuple[str, ...] = ()  # without these walls nothing is run that a model chose


def raise_walls(ground: Ground, above: int = 0) -> tuple[str, ...]:
    """Raise what walls the machine gives, and name those that hold: `secrets: landlock`.

    `above` is the process that started this one, if not the gate. Only from the process's first
    and only thread, for later ones alone inherit them.
    """
    standing: dict[str, list[str]] = {name: [] for name in NAMES}
    _limit(ground, standing)
    if sys.platform == "linux":
        with suppress(OSError):
            end_with(above or ground.parent)
            _drop_capabilities()
            readable = (*SYSTEM, *_own_python(), *_installed(ground), *ground.readable)
            _no_new_privileges()
            # Lists every folder of sys.path while that can be done: a package in `readable` is
            # found by the list of the folder around it.
            importlib.util.find_spec("gatekit_lists_the_folders")
            landlock.restrict(readable, (ground.scratch,), DEVICES)
        _try(standing, "landlock", ground)
        if seccomp.available():
            with suppress(OSError):
                seccomp.refuse(forks=ground.processes == 1)
            _try(standing, "seccomp", ground)
    return tuple(f"{name}: {', '.join(by)}" for name, by in standing.items() if by)


def _limit(ground: Ground, standing: dict[str, list[str]]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = ground.open_files if most == resource.RLIM_INFINITY else min(ground.open_files, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    if ground.memory_mb and sys.platform == "linux":
        limit_bytes = ground.memory_mb << 20
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))
        if resource.getrlimit(resource.RLIMIT_DATA)[1] == limit_bytes:
            standing["memory"].append("rlimit")


def _try(standing: dict[str, list[str]], by: str, ground: Ground) -> None:
    """What cannot be done any more is credited to `by`, unless it was to the one before."""
    for name, tries in _attempts(ground).items():
        held = standing[name]
        fresh = not held or name in ("network", "signals")
        if fresh and all(_is_refused(attempt) for attempt in tries):
            held.append(by)


def _attempts(ground: Ground) -> dict[str, list[Callable[[], object]]]:
    parent = ground.parent
    attempts: dict[str, list[Callable[[], object]]] = {
        "secrets": [
            lambda: os.close(os.open(f"/proc/{parent}/environ", os.O_RDONLY)),
            lambda: os.close(os.open(f"/proc/{parent}/mem", os.O_RDONLY)),
            lambda: _read_memory_of(parent),
            *(partial(os.listdir, folder) for folder in ground.secret),
        ],
        "files": [partial(os.listdir, folder) for folder in ground.private],
        "network": [_connect],
        "signals": [lambda: os.kill(parent, 0)],
    }
    if ground.processes == 1:
        attempts["processes"] = [_fork]
    return attempts


def _is_refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError as error:
        return error.errno in (errno.EPERM, errno.EACCES, errno.EAGAIN)
    return False


def _connect() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        tried.connect(("127.0.0.1", 9))


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _read_memory_of(process_id: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    room = ctypes.create_string_buffer(8)
    here = (ctypes.c_void_p * 2)(ctypes.addressof(room), 8)
    # An address of our own: refused for the process, not for what lies there.
    there = (ctypes.c_void_p * 2)(ctypes.addressof(room), 8)
    if libc.process_vm_readv(process_id, here, 1, there, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "")


def _own_python() -> tuple[str, ...]:
    """The folders this Python runs from, and gatekit's own."""
    roots = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return (
        *(f"{root}/{part}" for root in roots for part in PARTS),
        *(path for path in libraries if path),
        str(Path(__file__).parent.parent),
    )


def _installed(ground: Ground) -> tuple[str, ...]:
    """Where else this Python imports from (.pth files); never a folder around a closed one."""
    closed = [Path(folder) for folder in (*ground.secret, *ground.private)]
    return tuple(
        entry
        for entry in sys.path
        if entry and not any(folder.is_relative_to(entry) for folder in closed)
    )


def _prctl(option: int, *values: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = (*values, 0, 0, 0, 0)[:4]
    if libc.prctl(option, *map(ctypes.c_ulong, padded)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _no_new_privileges() -> None:
    _prctl(seccomp.NO_NEW_PRIVS, 1)


def _drop_capabilities() -> None:
    """Root keeps only its way past the modes of files, which Landlock narrows."""
    for capability in range(LAST_CAPABILITY + 1):
        if not KEPT_CAPABILITIES >> capability & 1:
            with suppress(OSError):
                _prctl(DROP_FROM_BOUNDS, capability)
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    held = (ctypes.c_uint32 * 6)()
    if libc.capget(header, held) == 0:
        kept = held[1] & KEPT_CAPABILITIES
        libc.capset(header, (ctypes.c_uint32 * 6)(kept & held[0], kept, 0, 0, 0, 0))


def end_with(parent: int) -> None:
    """End when `parent`, which started this process, ends, however it ends."""
    _prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
