"""uv, asked in a process of its own: whatever index, proxy and cache it is configured with.

It runs in the gate's process tree, never in the model's, and sees its own settings and no others of
the job: no token, no signing key.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping

from gatekit.errors import ModelMisbehaved, UsageProblem

BUILD_SECONDS = 900
PASSED = (
    "PATH", "HOME", "USER", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "NETRC", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "SSL_CLIENT_CERT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
)  # fmt: skip
PREFIXES = ("UV_", "XDG_", "LC_", "PYENV_")
# What uv says when the declaration is to blame, and not the line to the index.
RESOLVER = ("No solution found", "not found in the package registry", "no usable wheels")
MOST_LINES, LONGEST = 4, 400


def find_uv() -> tuple[str, ...]:
    """The command that runs uv.

    Raises:
        UsageProblem: there is none.
    """
    if importlib.util.find_spec("uv") is not None:
        return (sys.executable, "-m", "uv")
    found = shutil.which("uv")
    if found is None:
        raise UsageProblem(
            "--model-env declared needs uv, which is not here",
            "Install it with `python -m pip install uv`, or from https://docs.astral.sh/uv",
        )
    return (found,)


def ask_uv(*arguments: str) -> str:
    """What uv prints.

    Raises:
        ModelMisbehaved: it found no packages as asked; its own reason is the message.
        UsageProblem: it is not here, did not end, or failed for another reason.
    """
    command = [*find_uv(), *arguments]
    try:
        done = subprocess.run(
            command,
            env=uv_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=BUILD_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageProblem(f"uv could not build an environment ({type(error).__name__})") from None
    if done.returncode == 0:
        return done.stdout
    said = reason(done.stderr)
    if any(words in " ".join(done.stderr.split()) for words in RESOLVER):
        raise ModelMisbehaved(
            f"the environment it declares cannot be built: {said}",
            "Only wheels are installed, for a source distribution runs code when it is built",
        )
    raise UsageProblem(f"uv could not build an environment: {said}", "Is its index within reach?")


def uv_environment(source: Mapping[str, str]) -> dict[str, str]:
    """What uv sees of `source`: its settings, proxies and certificates."""
    return {
        name: value
        for name, value in source.items()
        if name.upper() in PASSED or name.startswith(PREFIXES)
    }


def reason(stderr: str) -> str:
    """The first lines of uv's own words as one, without drawing and without any index's address."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", stderr)
    text = re.sub(r"`?\w+://[^\s`]+`?", "the index", text)
    text = "".join(letter if letter.isascii() else " " for letter in text)
    lines = (
        re.sub(r"^\s*(error|cause|warning|x):?\s+", "", line).strip() for line in text.splitlines()
    )
    kept = [line for line in lines if line and not line.startswith("hint:")][:MOST_LINES]
    said = re.sub(r"\s+", " ", ": ".join((*kept[:1], " ".join(kept[1:])))) if kept else ""
    return said[:LONGEST].rstrip(":. ") or "it did not say why"
