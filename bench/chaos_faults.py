"""One function for each fault: it happens while requests run, and tells what the service said."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
import uuid
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

from chaos_site import NAME, SECRET, Site, wait

from gatekit.testing import write_toy
from gatekit_service.hook_signature import ID, SIGNATURE, TIMESTAMP, signature_of

STORM, SLOW_CLIENTS, LARGE_BODIES = 10_000, 200, 20


def registry_down(site: Site) -> str:
    """Shut since before the service started, which therefore began from its cache."""
    return site.complaint()


def registry_silent(site: Site) -> str:
    """It takes requests and never answers."""
    site.door.shut = "silent"
    return site.complaint()


def store_down(site: Site) -> str:
    """The registry answers, its artifacts do not; a new holder is wanted."""
    site.door.shut = "files"
    return _moved(site, site.add())


def truncated(site: Site) -> str:
    """Every file ends after its half."""
    site.door.shut = "cut"
    return _moved(site, site.add())


def forged(site: Site) -> str:
    """A report with a stranger's signature."""
    return _moved(site, site.add(signer=site.stranger))


def expired(site: Site) -> str:
    """A report of 40 days ago, good for 30."""
    return _moved(site, site.add(age_days=40))


def revoked(site: Site) -> str:
    """Bytes that the trusted key has revoked."""
    version = site.add()
    site.enter(version, "revoke", site.digest(version), "trained on leaked labels")
    return _moved(site, version)


def does_not_load(site: Site) -> str:
    """The files are those that were gated, and no model can be made of them."""
    folder = site.root / f"broken-{uuid.uuid4().hex[:6]}"
    write_toy(folder, "threshold", ("x0", "x1", "x2", "x3"))
    (folder / "toy.json").write_text('{"rule": "no such rule", "column"')
    return _moved(site, site.add(folder, engine="native"))


def warms_up_wrong(site: Site) -> str:
    """Here it answers otherwise than the gates recorded."""
    golden = {"seed": 0, "rows": [[1.0, 0.0, 0.0, 0.0]], "answers": [-7.5]}
    return _moved(site, site.add(golden=golden))


def eats_memory(site: Site) -> str:
    """It wants a gigabyte and more to be loaded."""
    folder = site.root / f"hungry-{uuid.uuid4().hex[:6]}"
    write_toy(folder, "threshold", ("x0", "x1", "x2", "x3"), ballast_mb=1500)
    return _moved(site, site.add(folder, engine="native"))


def crashes(site: Site) -> str:
    """It dies of SIGSEGV at its first prediction."""
    folder = site.root / f"crashing-{uuid.uuid4().hex[:6]}"
    write_toy(folder, "segfault", ("x0", "x1", "x2", "x3"))
    return _moved(site, site.add(folder, engine="native"))


def hook_storm(site: Site) -> str:
    """10,000 deliveries, every second one signed, over eight connections."""
    codes: dict[int, int] = {}

    def send(many: int) -> None:
        line = HTTPConnection("127.0.0.1", site.port, timeout=30)
        for number in range(many):
            body = json.dumps({"entity": "model_version_alias", "data": {"name": NAME}}).encode()
            stamp, delivery = str(int(time.time())), uuid.uuid4().hex
            good = signature_of(SECRET, delivery, stamp, body)
            headers = {ID: delivery, TIMESTAMP: stamp, SIGNATURE: good if number % 2 else "v1,no"}
            line.request("POST", "/hooks/mlflow", body, headers)
            said = line.getresponse()
            said.read()
            codes[said.status] = codes.get(said.status, 0) + 1

    _side_by_side(send, [STORM // 8] * 8)
    return ", ".join(f"{many:,} answered {code}" for code, many in sorted(codes.items()))


def disk_full(site: Site) -> str:
    """Not one more byte fits where models are kept."""
    filler = site.cache / "filler"
    with suppress(OSError), filler.open("wb", 0) as stream:
        while True:
            stream.write(b"x" * 4096)
    try:
        return _moved(site, site.add())
    finally:
        filler.unlink()


def terminated(site: Site) -> str:
    """SIGTERM, and a supervisor that starts it again when it has ended."""
    start = time.monotonic()
    site.stop()
    drained = time.monotonic() - start
    return f"ended in {drained:.1f} s, {_started_again(site, start)}"


def killed(site: Site) -> str:
    """SIGKILL while the registry is down; the supervisor starts it again, from the cache."""
    site.door.shut = "all"
    start = time.monotonic()
    os.kill(site.service.pid, signal.SIGKILL)
    site.service.wait()
    return _started_again(site, start)


def slow_clients(site: Site) -> str:
    """200 connections that send a byte a second and never finish."""
    lines = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(SLOW_CLIENTS)]
    for line in lines:
        line.sendall(b"POST /predict HTTP/1.1\r\nHost: slow\r\nContent-Length: 90000\r\n\r\n")
    for _ in range(6):
        for line in lines:
            with suppress(OSError):
                line.sendall(b" ")
        time.sleep(1)
    for line in lines:
        line.close()
    return f"{SLOW_CLIENTS} at once"


def large_bodies(site: Site) -> str:
    """20 bodies of 50 MB, four at a time."""
    codes: list[str] = []
    body = b"[" + b"0," * (25 << 20) + b"0]"

    def send(many: int) -> None:
        for _ in range(many):
            line = HTTPConnection("127.0.0.1", site.port, timeout=60)
            try:
                line.request("POST", "/predict", body)
                codes.append(str(line.getresponse().status))
            except OSError as error:
                codes.append(type(error).__name__)
            finally:
                line.close()

    _side_by_side(send, [LARGE_BODIES // 4] * 4)
    return ", ".join(f"{codes.count(code)} got {code}" for code in dict.fromkeys(codes))


FAULTS = {
    "registry down for the whole run": registry_down,
    "registry takes requests and does not answer": registry_silent,
    "artifact store down": store_down,
    "download cut off in the middle": truncated,
    "proof forged": forged,
    "proof expired": expired,
    "proof revoked": revoked,
    "new model does not load": does_not_load,
    "new model answers otherwise than in the gates": warms_up_wrong,
    "new model eats memory": eats_memory,
    "new model crashes": crashes,
    "storm of 10,000 hooks": hook_storm,
    "disk of the cache full": disk_full,
    "200 slow clients": slow_clients,
    "bodies of 50 MB": large_bodies,
    "SIGTERM": terminated,
    "SIGKILL with the registry down": killed,
}
FALLS = ("SIGTERM", "SIGKILL with the registry down")


def _moved(site: Site, version: str) -> str:
    site.point(version)
    return site.complaint()


def _started_again(site: Site, since: float) -> str:
    site.start()
    wait(lambda: site.health().get("version"), 120, "a model")
    return f"served again {time.monotonic() - since:.1f} s after the signal"


def _side_by_side(send, shares: list[int]) -> None:
    threads = [threading.Thread(target=send, args=(many,)) for many in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def small_disk(folder: Path) -> bool:
    """A file system of 3 MB in `folder`; whether it could be had (it takes root)."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "gatekit-chaos", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
