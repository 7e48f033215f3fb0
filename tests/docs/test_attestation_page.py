"""docs/attestation.md: its digest vectors, and the shell that reproduces them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gatekit.digest import model_digest, model_files

PAGE = (Path(__file__).parents[2] / "docs" / "attestation.md").read_text(encoding="utf-8")
SHELL = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)[1]
VECTORS = re.findall(r"^\| (`.*`) \| `([0-9a-f]{64})` \|$", PAGE, re.MULTILINE)


def model(folder, shown):
    for path, content in re.findall(r"`([^`=]+)=([^`]*)`", shown):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content.encode())
    return folder


def test_there_are_vectors():
    assert len(VECTORS) == 3
    assert len({digest for _, digest in VECTORS}) == 3


@pytest.mark.parametrize(("shown", "digest"), VECTORS, ids=range(len(VECTORS)))
def test_the_vectors_hold_by_our_code_and_by_the_shell(shown, digest, tmp_path):
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum here")
    folder = model(tmp_path / "model", shown)
    assert model_digest(model_files(folder)) == digest
    (folder / "registered_model_meta").write_text("left out")
    done = subprocess.run(
        ["sh", "-c", SHELL], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digest == model_digest(model_files(folder))
