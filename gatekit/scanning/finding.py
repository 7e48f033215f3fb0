"""One reason to refuse a model: in which file, under which name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`file` is relative to the model; `name` is the word a policy would trust, empty if none."""

    file: str
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"
