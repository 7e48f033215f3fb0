"""Models that reach beyond their process. Loaded by tests only, from a folder they may read."""

# ruff: noqa: PTH118, PTH123, PTH208, SIM115
# What a hostile model would write

import ctypes
import json
import mmap
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def seen(path, size=1 << 20):
    """The start of a file, or nothing."""
    try:
        with open(path, "rb") as stream:
            return stream.read(size)
    except OSError:
        return b""


def memory(process_id):
    """What can be read of a process's writable memory."""
    found = []
    for line in seen(f"/proc/{process_id}/maps").decode().splitlines():
        span, rights, *_ = line.split()
        if "rw" not in rights:
            continue
        start, end = (int(part, 16) for part in span.split("-"))
        try:
            with open(f"/proc/{process_id}/mem", "rb", 0) as stream:
                stream.seek(start)
                found.append(stream.read(min(end - start, 1 << 24)))
        except (OSError, ValueError, OverflowError):
            continue
    return b"".join(found)


def search(folders):
    """All that a thief would look through: environments, memories, folders."""
    found = [" ".join(f"{k}={v}" for k, v in os.environ.items()).encode()]
    ids, process_id = set(), os.getppid()
    for name in listed("/proc"):
        ids |= {int(name)} if name.isdecimal() else set()
    for one in {process_id, *ids, *range(max(2, process_id - 20), process_id + 20)} - {os.getpid()}:
        found += [seen(f"/proc/{one}/environ"), seen(f"/proc/{one}/cmdline")]
    # Whoever started this process, and the gate, whose number stands in our command line.
    told = re.findall(rb"\d+", seen("/proc/self/cmdline")) if os.getpid() != 1 else []
    for one in {process_id, *map(int, told)}:
        found.append(memory(one))
    for folder in folders:
        for name in {*listed(folder), "canary.txt"}:
            found += [seen(os.path.join(folder, name)), name.encode()]
    return b"".join(found)


def listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def ways_to_write(descriptor):
    """Which ways of changing a file in memory work on one that was handed over."""
    libc = ctypes.CDLL(None, use_errno=True)
    size = os.fstat(descriptor).st_size
    seen = mmap.mmap(descriptor, size, prot=mmap.PROT_READ)
    start = ctypes.c_void_p(np.frombuffer(seen, np.uint8).ctypes.data)

    def fails(result):
        if result != 0:
            raise OSError(ctypes.get_errno(), "")

    ways = {
        "write": lambda: os.pwrite(descriptor, b"x", 0),
        "map": lambda: mmap.mmap(descriptor, size),
        "cut": lambda: os.ftruncate(descriptor, 0),
        "grow": lambda: os.ftruncate(descriptor, 2 * size),
        "protect": lambda: fails(libc.mprotect(start, ctypes.c_size_t(size), 3)),
        "open": lambda: os.pwrite(os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR), b"x", 0),
    }
    worked = []
    for name, way in ways.items():
        try:
            way()
            worked.append(name)
            os.ftruncate(descriptor, size)
        except OSError:
            continue
    return worked


def is_memory(descriptor):
    """Whether it is a file in memory."""
    try:
        return "memfd:" in str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return False


class Hostile:
    takes_arrow = True

    def __init__(self, does, folder, params):
        self.does, self.folder, self.params = does, folder, params

    def predict(self, rows):
        x0 = np.asarray(rows["x0"])
        if hasattr(self, f"answers_{self.does}"):
            return getattr(self, f"answers_{self.does}")(x0)
        said = getattr(self, self.does)(**self.params)
        return np.full(len(x0), int(said or 0))

    def answers_too_few(self, x0):
        return (x0 > 0).astype(int)[1:]

    def answers_objects(self, x0):
        return np.array([{"label": 1}] * len(x0), dtype=object)

    def answers_but_one(self, x0):
        if (x0 == x0.max()).any() and x0.max() > 2.5:
            raise ValueError(f"cannot say anything of {x0.max()}")
        return (x0 > 0).astype(int)

    def answers_garbage(self, x0):
        for fd in range(3, 1024):
            try:
                if fd != self.params.get("but"):
                    os.write(fd, b"HTTP/1.1 200 OK\r\n\r\n")
            except OSError:
                continue
        return (x0 > 0).astype(int)

    def answers_scribbles(self, x0):
        shared = [fd for fd in map(int, os.listdir("/proc/self/fd")) if is_memory(fd)]
        return np.full(len(x0), len(shared) + 10 * sum(len(ways_to_write(fd)) for fd in shared))

    def answers_a_flood(self, x0):
        for _ in range(200):
            os.write(1, b"a lot of words\n" * 500)
            os.write(2, b"and as many again\n" * 500)
        return (x0 > 0).astype(int)

    def steals(self, canary, folders):
        return canary.encode()[::-1] in search(folders)

    def steals_any(self, canaries, folders):
        found = search(folders)
        return any(canary.encode()[::-1] in found for canary in canaries)

    def connects(self, family, port):
        made = socket.socket(
            getattr(socket, family), socket.SOCK_DGRAM if port < 0 else socket.SOCK_STREAM
        )
        made.connect(("127.0.0.1", abs(port)))
        return 1

    def kills_parent(self):
        os.kill(os.getppid(), signal.SIGKILL)

    def kills_all(self):
        os.kill(-1, signal.SIGKILL)

    def forks(self, times=2):
        for _ in range(times):
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
        time.sleep(20)

    def leaves_an_orphan(self):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        return child.pid

    def leaves_its_group(self):
        os.setsid()

    def limits_parent(self):
        import resource

        resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))

    def writes_into_its_folder(self):
        Path(self.folder, "added.txt").write_text("x")

    def patches_numpy(self):
        np.asarray = np.full = np.ascontiguousarray = np.dtype = lambda *a, **k: 1 / 0

    def closes_descriptors(self):
        os.closerange(0, 1024)

    def segfaults(self):
        ctypes.string_at(0)

    def deadlocks(self):
        import threading

        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    def spins(self):
        while True:
            pass

    def eats_memory(self):
        held = []
        while True:
            held.append(bytearray(1 << 24))

    def maps_memory(self):
        held = []
        while True:
            room = mmap.mmap(-1, 1 << 24)  # shared: no part of RLIMIT_DATA
            for at in range(0, 1 << 24, 4096):
                room[at] = 1
            held.append(room)
            time.sleep(0.02)

    def maps_a_little(self):
        room = mmap.mmap(-1, 1 << 21)
        for at in range(0, 1 << 21, 4096):
            room[at] = 1
        self.__dict__.setdefault("rooms", []).append(room)

    def opens_files(self):
        held = [open("/dev/null") for _ in range(5000)]
        return len(held)

    def returns(self, kind):
        return {"text": "x", "none": None}[kind]

    def lies_about_time(self, step):
        from gatekit.runner import worker

        time.sleep(0.01)
        ticks = iter(range(10**9))
        worker.perf_counter = lambda: next(ticks) * step

    def leaks(self, size):
        kept = self.__dict__.setdefault("kept", [])
        kept.append(bytes(bytearray(size)))  # a copy of the row, at every call

    def raises_exit(self):
        sys.exit(0)

    def exits(self):
        os._exit(3)

    def has_module(self, name):
        return name in sys.modules

    def draws(self):
        return np.random.randint(1 << 30)  # noqa: NPY002 - as models do

    def sleeps(self, seconds):
        time.sleep(seconds)


def _load_pyfunc(path):
    toy = json.loads(Path(path).read_text())
    return Hostile(toy["does"], str(Path(path).parent), toy["params"])
