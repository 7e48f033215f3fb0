"""Fill in the files of the starter, and write those that are not there yet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gatekit.errors import UsageProblem

# by CI: the file in the starter, and where it goes in the repository
COMMON = {"gates.toml": "gates.toml", "own_gate.txt": "gates/test_usefulness.py"}
PIPELINES = {
    "gitlab": {"gitlab-ci.yml": ".gitlab-ci.yml"},
    "github": {
        "candidate-to-staging.yml": ".github/workflows/candidate-to-staging.yml",
        "promote-to-production.yml": ".github/workflows/promote-to-production.yml",
    },
}
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of the user's model. `data` is relative to the repository's root."""

    model: str
    data: str
    target: str
    floor: float
    install: str

    def check(self) -> None:
        """Raise UsageProblem for what would not be read back as it was given."""
        if not _MODEL.fullmatch(self.model):
            raise UsageProblem(
                f"--model {self.model!r}: not a name a pipeline can carry",
                "Letters, digits, dots, underscores and hyphens, such as churn-model",
            )
        if not _PATH.fullmatch(self.data) or ".." in self.data:
            raise UsageProblem(
                f"--data {self.data!r}: not a path inside the repository",
                "Such as data/holdout.parquet",
            )
        if not self.target or not self.target.isprintable():
            raise UsageProblem(f"--target {self.target!r}: no name of a column", "Such as churn")
        if not 0 < self.floor < 1:
            raise UsageProblem(f"--floor {self.floor:g}: not between 0 and 1", "Such as 0.9")
        if not re.fullmatch(r"[\w.,=<>!~ \[\]/-]+", self.install):
            raise UsageProblem(
                f"--install {self.install!r}: not what pip can be given in a pipeline",
                'Such as "pytest-gatekit scikit-learn==1.6"',
            )


def write_start(folder: Path, ci: str, start: Start) -> tuple[list[str], list[str]]:
    """Write the files below `folder`; returns those written, and those left as they were.

    Raises:
        UsageProblem: a value cannot be used, or a file cannot be written.
    """
    start.check()
    written: list[str] = []
    left: list[str] = []
    for source, name in {**COMMON, **PIPELINES[ci]}.items():
        text = _filled(resources.files("gatekit.starter").joinpath("files", source), start)
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:
                stream.write(text)
            written.append(name)
        except FileExistsError:
            left.append(name)
        except OSError as error:
            raise UsageProblem(
                f"{name} cannot be written ({error.strerror})",
                "Run it in the folder of your repository, as someone who may write there",
            ) from error
    return written, left


def _filled(source: resources.abc.Traversable, start: Start) -> str:
    text = source.read_text(encoding="utf-8")
    values = {
        "@MODEL@": start.model,
        "@DATA@": start.data,
        "@TARGET@": json.dumps(start.target, ensure_ascii=False),  # as TOML writes it too
        "@FLOOR@": f"{start.floor:g}",
        "@INSTALL@": start.install,
    }
    for mark, value in values.items():
        text = text.replace(mark, value)
    return text
