"""Reasons to refuse a model's files before any of them is loaded.

Everything is read and nothing is run: the description (MLmodel), every pickle at any depth, skops'
schema, archives, ONNX graphs, lists of requirements, links and programs. docs/safety.md says what
is read how, and what the scan does not promise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from gatekit.scanning.content import Look, judge
from gatekit.scanning.description import Described, describe_files
from gatekit.scanning.files import unaccounted, walk
from gatekit.scanning.finding import Finding
from gatekit.scanning.onnx_file import judge_onnx
from gatekit.scanning.opinion import second_opinion
from gatekit.scanning.requirements_text import ENVIRONMENTS, LISTS, judge_requirements
from gatekit.scanning.source import Budget, Source
from gatekit.scanning.vocabulary import Vocabulary, vocabulary

ONNX_BYTES = 2 * 1024**3  # protobuf's own limit


def scan(folder: Path, trusted: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    """Why the model in `folder` must not be loaded; empty when nothing speaks against it.

    `trusted` are the policy's words ([runner] trusted): full names of classes, functions and
    loader modules, `file:PATH` and `requirement:LINE`. Nothing of the model is imported, unpickled
    or executed, and no more of it is held in memory than its largest single value.
    """
    paths, findings = walk(folder)
    if "MLmodel" not in paths:
        return (*findings, Finding("MLmodel", "", "no MLmodel file in the model's folder"))
    described = describe_files(folder, paths, trusted)
    words = vocabulary(described.flavors, trusted)
    findings += described.findings
    findings += unaccounted(paths, described, words.trusted)
    budget = Budget()
    for path in paths:
        if f"file:{path}" not in words.trusted:
            findings += _file(folder / path, path, described, words, budget)
    return tuple(dict.fromkeys(findings))


def _file(
    path: Path, shown: str, described: Described, words: Vocabulary, budget: Budget
) -> Iterator[Finding]:
    name = PurePosixPath(shown).name
    try:
        if name in LISTS or name in ENVIRONMENTS:
            yield from judge_requirements(path, shown, words.trusted)
        with path.open("rb") as stream:
            source = Source(stream)
            yield from judge(source, Look(shown, words, budget, shown in described.pickles))
            if shown in described.onnx:
                if source.size > ONNX_BYTES:
                    yield Finding(shown, "", "it is larger than an ONNX model can be")
                    return
                source.seek(0)
                yield from judge_onnx(source.read(source.size), shown)
    except OSError as error:
        yield Finding(shown, "", f"it cannot be read ({error.strerror})")
        return
    yield from second_opinion(path, shown, words.trusted)
