"""The export of a real signed run outlives its registry: nothing but the file and a key is needed."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

from gatekit import cli
from gatekit.report.signed import ENVELOPE_FILES

PAGE = Path(__file__).parents[2] / "docs" / "attestation.md"


def test_an_export_is_checked_when_the_registry_is_gone(keyed, monkeypatch, capsys):
    assert keyed.run("--model-uri", keyed.register(), "--promote-to", "staging").ret == 0
    assert cli.main(["history", "toy", "--export", "history.json"]) == 0
    shutil.rmtree(keyed.root / "registry")
    shutil.rmtree(keyed.root / ".gatekit")
    (keyed.root / "pyproject.toml").unlink()
    capsys.readouterr()
    assert cli.main(["history", "--check", "history.json", "--gates", "gates.toml"]) == 0
    said = capsys.readouterr().out
    assert "1 signed decisions, by the keys of your policy" in " ".join(said.split())
    assert "everything in it holds" in said
    content = json.loads((keyed.root / "history.json").read_text())
    (files,) = content["reports"].values()
    assert set(ENVELOPE_FILES) < set(files)
    for name in ENVELOPE_FILES:
        verified_by_securesystemslib(base64.b64decode(files[name]["base64"]), keyed.key.public)
    (keyed.root / "check.py").write_text(
        PAGE.read_text()
        .partition("```python run by tests/promotion/test_export.py\n")[2]
        .partition("```")[0]
    )
    done = subprocess.run(
        [sys.executable, "-I", "check.py", "history.json", "ci.pem.pub"],
        cwd=keyed.root,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 signed decisions hold, on 1 reports\n"


def verified_by_securesystemslib(raw, public):
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    envelope = Envelope.from_dict(json.loads(raw))
    assert envelope.verify([SSlibKey.from_crypto(public.key, public.keyid)], 1)
