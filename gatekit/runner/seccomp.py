"""A seccomp filter: system calls that no model needs are refused, in this process and for good.

The program is classic BPF over struct seccomp_data (linux/seccomp.h, linux/bpf_common.h): load a
word, compare, return. What is refused fails with EPERM, so that a library may go on without it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets; an argument's low half, little-endian
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NO_NEW_PRIVS, SET_SECCOMP, FILTER = 38, 22, 2
CLONE_THREAD = 0x10000
OTHER_ABI = 0x40000000  # x32 on x86_64: the same calls under other numbers
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# name: number on x86_64, number on aarch64; None where it has no such call.
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # The network, and the sockets of the machine: a container daemon's, a key agent's.
    "socket": (41, 198),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # Other processes, their memory and descriptors, and their limits.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kcmp": (312, 272),
    "setpriority": (141, 140),
    "perf_event_open": (298, 241),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "msgget": (68, 186),
    "semget": (64, 190),
    # The kernel's keyring, which holds the keys of the session.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Out of the process group, by which all that a model starts is ended.
    "setsid": (112, 157),
    "setpgid": (109, 154),
    # The machine itself, and doors around a wall.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
}
SIGNALS = {"kill": (62, 129), "tgkill": (234, 131)}
SIGNALS_REFUSED = {"tkill": (200, 130), "rt_sigqueueinfo": (129, 138)}
OF_SELF_ONLY = {"prlimit64": (302, 261), "sched_setaffinity": (203, 122)}
FORKS = {"fork": (57, None), "vfork": (58, None)}
CLONE, CLONE3 = (56, 220), (435, 435)

Program = list[bytes]


def available() -> bool:
    """Whether gatekit has a filter for this machine."""
    return sys.platform == "linux" and platform.machine() in ARCHITECTURES


def refuse(*, forks: bool) -> None:
    """Refuse the calls above; with `forks` also new processes, and signals but to itself.

    Call it while this is the only thread.

    Raises:
        OSError: the kernel refused.
    """
    machine = platform.machine()
    column = list(ARCHITECTURES).index(machine)
    program = b"".join(_program(ARCHITECTURES[machine], column, forks=forks))
    held = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: how many instructions, then where; the compiler pads in between.
    described = ctypes.create_string_buffer(
        struct.pack("@HP", len(program) // 8, ctypes.addressof(held))
    )
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (NO_NEW_PRIVS, 1, 0, 0, 0), (SET_SECCOMP, FILTER, ctypes.addressof(described), 0, 0)
    for option, *values in arguments:
        if libc.prctl(option, *map(ctypes.c_ulong, values)) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


def _program(architecture: int, column: int, *, forks: bool) -> Program:
    program = [
        _do(LOAD, ARCHITECTURE),
        _do(EQUAL, architecture, then=1),
        _do(RETURN, KILL),
        _do(LOAD, NUMBER),
        _do(AT_LEAST, OTHER_ABI, otherwise=1),
        _do(RETURN, ERRNO | errno.EPERM),
    ]
    for numbers in REFUSED.values():
        program += _refused(numbers[column], errno.EPERM)
    for numbers in OF_SELF_ONLY.values():
        program += _unless(numbers[column], EQUAL, 0, errno.EPERM)
    if forks:
        for numbers in SIGNALS.values():
            program += _unless(numbers[column], EQUAL, os.getpid(), errno.EPERM)
        for numbers in SIGNALS_REFUSED.values():
            program += _refused(numbers[column], errno.EPERM)
        for number in FORKS.values():
            program += _refused(number[column], errno.EAGAIN)
        # Threads go on. The arguments of clone3 cannot be seen: libc then turns to clone.
        program += _unless(CLONE[column], ANY_BIT, CLONE_THREAD, errno.EAGAIN)
        program += _refused(CLONE3[column], errno.ENOSYS)
    return [*program, _do(RETURN, ALLOW)]


def _refused(number: int | None, code: int) -> Program:
    if number is None:
        return []
    return [_do(EQUAL, number, otherwise=1), _do(RETURN, ERRNO | code)]


def _unless(number: int, test: int, value: int, code: int) -> Program:
    """Refuse the call unless its first argument stands the test."""
    return [
        _do(EQUAL, number, otherwise=4),
        _do(LOAD, FIRST_ARGUMENT),
        _do(test, value, then=1),
        _do(RETURN, ERRNO | code),
        _do(RETURN, ALLOW),
    ]


def _do(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """One instruction; `then` and `otherwise` are how many to skip."""
    return struct.pack("HBBI", code, then, otherwise, value)
