"""What a running service says of itself at /metrics, in Prometheus' text format."""

from __future__ import annotations

import re

LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def read_metrics(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of every sample of that name."""
    found = []
    for line in text.splitlines():
        match = LINE.match(line)
        if match and match[1] == name:
            found.append((dict(LABEL.findall(match[2] or "")), float(match[3])))
    return found
