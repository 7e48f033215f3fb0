"""A policy as the text of a gates.toml: from a mapping of tables, or back from a `Policy`.

What `gatekit.policy_file` reads from the text is the policy that was given, digest and all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from gatekit.errors import PolicyError
from gatekit.policy import OwnGate, Policy
from gatekit.policy_file import PLAIN_KEYS, SAMPLES

# Where a policy names files; relative ones start at its folder.
FILES = (
    *(("data", name, "path") for name in ("holdout", *SAMPLES)),
    ("suites",),
    ("runner", "readable"),
    ("runner", "bundle_key"),
    ("attestation", "key"),
    ("attestation", "lock"),
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PEM = "-----BEGIN"


def toml_text(tables: Mapping[str, Any]) -> str:
    """`tables` as TOML; what is None is left out.

    Raises:
        PolicyError: a value that TOML does not have.
    """
    return "\n".join(_lines(tables, ())).strip() + "\n"


def tables_of(policy: Policy) -> dict[str, Any]:
    """The tables of a gates.toml that says the same; what has its default value is left out."""
    plain = _set(policy)
    data = {name: _set(getattr(policy, name)) for name in ("holdout", *SAMPLES) if name in plain}
    gates = {
        f.name: _set(getattr(policy.gates, f.name))
        for f in fields(policy.gates)
        if f.name in policy.declared or getattr(policy.gates, f.name) != f.default
    }
    rooms = ("promotion", "keys", "attestation", "runner", "streaming")
    return {
        **{key: plain[key] for key in PLAIN_KEYS if key in plain},
        "data": data,
        "gates": gates,
        "own": {name: _own(gate) for name, gate in policy.own.items()},
        **{room: plain[room] for room in rooms if room in plain},
    }


def anchored(tables: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same tables with every relative path of them made absolute, from `folder`."""
    made = dict(tables)
    keys = tables.get("keys")
    own = tables.get("own")
    names = [("keys", name, "public") for name in keys] if isinstance(keys, Mapping) else []
    names += [("own", name, "sums") for name in own] if isinstance(own, Mapping) else []
    for where in (*FILES, *names):
        _anchor(made, where, folder)
    return made


def _anchor(tables: dict[str, Any], where: tuple[str, ...], folder: Path) -> None:
    key, rest = where[0], where[1:]
    held = tables.get(key)
    if rest and isinstance(held, Mapping):
        tables[key] = dict(held)
        _anchor(tables[key], rest, folder)
    elif isinstance(held, str | Path):
        tables[key] = _absolute(held, folder)
    elif isinstance(held, Sequence):
        tables[key] = [_absolute(each, folder) for each in held]


def _absolute(named: Any, folder: Path) -> Any:
    if not isinstance(named, str | Path) or not str(named) or str(named).startswith(_PEM):
        return named
    return str((folder / named).resolve())


def _set(made: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their default, as plain values."""
    return {
        f.name.rstrip("_"): _plain(value)
        for f in fields(made)
        if (value := getattr(made, f.name)) != _default(f)
    }


def _default(spec: Field[Any]) -> Any:
    if spec.default_factory is not MISSING:
        return spec.default_factory()
    return spec.default


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _set(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _own(gate: OwnGate) -> dict[str, Any]:
    said = _set(gate)
    return {**said.pop("numbers", {}), **said}


def _lines(tables: Mapping[str, Any], where: tuple[str, ...]) -> list[str]:
    """Values first: what follows the head of a table belongs to that table."""
    values = {k: v for k, v in tables.items() if not isinstance(v, Mapping) and v is not None}
    lines = [f"{_key(key)} = {_value(value, (*where, key))}" for key, value in values.items()]
    for key, table in tables.items():
        if isinstance(table, Mapping):
            below = (*where, key)
            lines += ["", f"[{'.'.join(map(_key, below))}]", *_lines(table, below)]
    return lines


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise PolicyError(f"the policy has the key {key!r}", "Keys are strings, as in gates.toml")
    return key if _BARE.fullmatch(key) else _string(key)


def _value(value: Any, where: tuple[str, ...]) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | Path():
            return _string(str(value))
        case Integral():
            return str(int(value))
        case Real():
            return repr(float(value))
        case list() | tuple():
            return f"[{', '.join(_value(each, where) for each in value)}]"
    raise PolicyError(
        f"the policy's {'.'.join(where)} is a {type(value).__name__}",
        "Give what gates.toml can say: text, numbers, true or false, lists and tables",
    )


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
