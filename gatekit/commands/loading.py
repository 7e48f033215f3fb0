"""Whether a model can be loaded at all, in a process of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path


def loads(folder: Path) -> str:
    """Why the model in `folder` cannot be loaded here, in words; empty if it can."""
    from gatekit.errors import CandidateError, ModelMisbehaved
    from gatekit.runner.limits import Limits
    from gatekit.runner.process import Runner

    with (
        tempfile.TemporaryDirectory(prefix="gatekit-") as scratch,
        Runner(Limits(), Path(scratch), role="earlier holder") as runner,
    ):
        try:
            runner.load(folder)
        except (CandidateError, ModelMisbehaved) as error:
            return str(error)
    return ""
