"""skops files: schema.json names every type; each is judged, not only those that skops asks about.

MLflow reads the list of types to trust from the model's own MLmodel, so skops' refusal protects
nobody; the allow-list does. Nodes that fetch an attribute or call something are refused whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from gatekit.scanning.finding import Finding
from gatekit.scanning.source import Source
from gatekit.scanning.vocabulary import Vocabulary

SCHEMA = "schema.json"
MOST_BYTES = 256 * 1024 * 1024
NODES = frozenset(
    """BytearrayNode BytesNode CachedNode DTypeNode DefaultDictNode DictNode FunctionNode JsonNode
    ListNode LossNode MaskedArrayNode NdArrayNode ObjectNode RandomGeneratorNode RandomStateNode
    SetNode SliceNode SparseMatrixNode TreeNode TupleNode TypeNode ConstructorFromReduceNode
    """.split()  # noqa: SIM905 - a list of words, to be read
)
INERT = ("JsonNode", "CachedNode", "SparseMatrixNode")  # what they make goes by the node alone
PARAMETER = re.compile(r"\[\w+\]$")  # numpy.dtype[float64]


def judge_schema(source: Source, file: str, words: Vocabulary) -> Iterator[Finding]:
    """Each type and each kind of node in schema.json that is not allowed, once."""
    if source.size > MOST_BYTES:
        yield Finding(file, "", "it is too large to be looked into")
        return
    try:
        schema = json.loads(source.read(source.size))
    except (ValueError, RecursionError):
        yield Finding(file, "", "it is not readable as JSON")
        return
    told: set[str] = set()
    for node in _nodes(schema):
        for name, reason in _wrong(node, words):
            if name not in told:
                told.add(name)
                yield Finding(file, name, reason)


def types_of(schema: Any) -> set[str]:
    """The full names of all types in a schema."""
    return {f"{n.get('__module__')}.{n.get('__class__')}" for n in _nodes(schema)}


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "__loader__" in value or "__class__" in value:
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _wrong(node: dict[str, Any], words: Vocabulary) -> Iterator[tuple[str, str]]:
    loader, module, name = (node.get(k) for k in ("__loader__", "__module__", "__class__"))
    if loader not in NODES:
        yield f"skops {loader}", f"it has a skops node {loader!r}, which is not allowed"
    if loader in INERT:
        return
    if not isinstance(module, str) or not isinstance(name, str):
        yield f"{module}.{name}", "it has a node without a type"
        return
    bare = PARAMETER.sub("", name)
    if module == "builtins" and bare in ("NoneType", "type"):
        if loader == "TypeNode" and bare == "type":
            yield (
                "builtins.type",
                "it uses builtins.type, which is not on the list of allowed names",
            )
        return
    if not words.allows(module, bare):
        dotted = f"{module}.{name}"
        yield dotted, f"it uses {dotted}, which is not on the list of allowed names"
