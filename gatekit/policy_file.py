"""Reading gates.toml and `--gate-set`. Every error names the file, the key and what is allowed."""

from __future__ import annotations

import re
import tomllib
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from gatekit.errors import PolicyError
from gatekit.policy import (
    OWN_SETTINGS,
    Attestation,
    DataSpec,
    OwnGate,
    Policy,
    RunnerPolicy,
    SampleSpec,
    StreamingPolicy,
    Target,
    TrustedKey,
)
from gatekit.policy_gates import BUILT_IN, Gates
from gatekit.policy_keys import checked_keys, pem_of
from gatekit.policy_measures import check_measures
from gatekit.policy_values import ENGINES, check_kind, engine_problem, nearest

LEVELS = "A level is at least 0.5 (a point decision) and below 1"
PLAIN_KEYS = ("model", "task", "positive", "score", "threshold", "pointer", "engine", "suites")
TOP_KEYS = (*PLAIN_KEYS, "data", "gates", "own")
TRUST_KEYS = ("keys", "attestation")
SAMPLES = ("reference", "current")
SUMS = re.compile(r".+\.py:[^\W\d]\w*")
SECONDS = ("call_seconds", "load_seconds", "total_seconds")


@dataclass(frozen=True, slots=True)
class Change:
    """A value set on the command line in place of the file's."""

    key: str
    was: Any
    now: Any
    loosened: bool
    by: str

    @property
    def gate(self) -> str:
        """The gate whose bar was changed."""
        return self.key.partition(".")[0]

    def words(self) -> str:
        """One line for the table and the report."""
        verb = "loosened" if self.loosened else "tightened"
        return f"{self.key} {verb} from {self.was} to {self.now} by {self.by}"


def read_policy(path: Path) -> Policy:
    """The policy in that file.

    Raises:
        PolicyError: no such file, not TOML, an unknown key, a value of the wrong kind.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PolicyError(
            f"no policy at {path}",
            "Write one (README, 'In your own repository') or give --gates FILE",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise PolicyError(
            f"{path} is not readable as TOML: {error}", "Mend it, or name another with --gates FILE"
        ) from error
    return _Reader(str(path), path.parent).policy(content)


class _Reader:
    """Turns tables into dataclasses; `self._file` is for the error texts."""

    def __init__(self, file: str, folder: Path) -> None:
        self._file, self._folder = file, folder

    def policy(self, content: dict[str, Any]) -> Policy:
        self._known(content, (*TOP_KEYS, "promotion", "runner", "streaming", *TRUST_KEYS), "")
        data = self._table(content, "data", "")
        self._known(data, ("holdout", *SAMPLES), "data.")
        holdout = self._table(data, "holdout", "data.")
        tables = self._table(content, "gates", "")
        self._known(tables, BUILT_IN, "gates.", "A team's own gate is declared as [own.NAME]")
        types = {f.name: type(f.default) for f in fields(Gates)}
        gates = {
            name: self._gate(types[name], table, f"gates.{name}.") for name, table in tables.items()
        }
        own = self._table(content, "own", "")
        plain = {k: v for k, v in content.items() if k in PLAIN_KEYS}
        policy: Policy = self._build(
            Policy,
            plain,
            "",
            given={
                "holdout": self._build(DataSpec, holdout, "data.holdout."),
                **{
                    name: self._build(SampleSpec, data[name], f"data.{name}.")
                    if name in data
                    else None
                    for name in SAMPLES
                },
                "gates": Gates(**gates),
                "own": {name: self._own(table, name) for name, table in own.items()},
                "declared": (*tables, *own),
                "promotion": self._targets(self._table(content, "promotion", "")),
                "keys": self._keys(self._table(content, "keys", "")),
                "attestation": self._build(
                    Attestation, self._table(content, "attestation", ""), "attestation."
                ),
                "runner": self._runner(self._table(content, "runner", "")),
                "streaming": self._streaming(self._table(content, "streaming", "")),
            },
        )
        self._check_targets(policy)
        self._check_pointers(policy)
        checked_keys(policy, self._wrong)
        _check_slice_floor(policy, self._file)
        _check_uses(policy, self._file)
        _check_reference(policy, self._file)
        check_measures(policy, self._file)
        return policy

    def _gate(self, kind: Any, table: Any, where: str) -> Any:
        """A gate's table; what is a table of tables in it is built one by one."""
        if not isinstance(table, dict):
            return self._build(kind, table, where)
        given: dict[str, Any] = {}
        for f in fields(kind):
            if (inner := f.metadata.get("tables")) and f.name in table:
                named = self._table(table, f.name, where)
                given[f.name] = {
                    name: self._build(inner, entry, f"{where}{f.name}.{name}.")
                    for name, entry in named.items()
                }
        plain = {key: value for key, value in table.items() if key not in given}
        return self._build(kind, plain, where, given=given)

    def _targets(self, tables: dict[str, Any]) -> dict[str, Target]:
        targets = {}
        for name in tables:
            table = self._table(tables, name, "promotion.")
            renamed = {("from_" if key == "from" else key): value for key, value in table.items()}
            targets[name] = self._build(Target, renamed, f"promotion.{name}.")
        return targets

    def _keys(self, tables: dict[str, Any]) -> dict[str, TrustedKey]:
        keys = {}
        for name in tables:
            where = f"keys.{name}."
            key: TrustedKey = self._build(TrustedKey, self._table(tables, name, "keys."), where)
            try:
                pem = pem_of(key.public, self._folder)
            except ValueError as error:
                raise self._wrong(where + "public", str(error)) from None
            keys[name] = replace(key, public=pem)
        return keys

    def _runner(self, table: dict[str, Any]) -> RunnerPolicy:
        runner: RunnerPolicy = self._build(RunnerPolicy, table, "runner.")
        for key in SECONDS:
            if getattr(runner, key) <= 0:
                raise self._wrong(f"runner.{key}", "is no time to wait", "give seconds above 0")
        return runner

    def _streaming(self, table: dict[str, Any]) -> StreamingPolicy:
        made: StreamingPolicy = self._build(StreamingPolicy, table, "streaming.")
        if why := engine_problem(made.engine):
            raise self._wrong("streaming.engine", why, ENGINES)
        for key in ("processes", "above_rows"):
            if getattr(made, key) < 1:
                raise self._wrong(f"streaming.{key}", "is no number of them", "give 1 or more")
        return made

    def _check_targets(self, policy: Policy) -> None:
        known = (*BUILT_IN, *policy.own)
        for name, target in policy.promotion.items():
            where = f"promotion.{name}"
            if not target.requires:
                raise self._wrong(
                    f"{where}.requires", "is empty", "a pointer asks for one gate at least"
                )
            for gate in target.requires:
                if gate not in known:
                    raise self._wrong(f"{where}.requires", f"names {gate!r}", nearest(gate, known))
                if not policy.bars(gate):
                    room = "own" if gate in policy.own else "gates"
                    raise self._wrong(
                        f"{where}.requires",
                        f"asks for {gate!r}, but [{room}.{gate}] sets no bar",
                        "a gate without a bar can never pass",
                    )
            for gate in target.override:
                if gate not in (*known, "ladder"):
                    raise self._wrong(
                        f"{where}.override", f"names {gate!r}", nearest(gate, (*known, "ladder"))
                    )
            if target.from_ is not None and target.from_ not in policy.promotion:
                raise self._wrong(
                    f"{where}.from", f"is {target.from_!r}", "there is no such promotion table"
                )

    def _check_pointers(self, policy: Policy) -> None:
        copies = [policy.pointer_name(name) for name in policy.promotion]
        if policy.pointer == "copy" and len({policy.model, *copies}) <= len(copies):
            raise self._wrong("promotion", "has two targets in one model", "each has its own")
        for name, target in policy.promotion.items():
            where = f"promotion.{name}"
            if target.second_person and not policy.keys:
                raise self._wrong(
                    f"{where}.second_person",
                    "is set, but no [keys.NAME] says whom to tell apart",
                    "a person is known by a key",
                )
            if target.model is not None and policy.pointer != "copy":
                raise self._wrong(
                    f"{where}.model", "is set", 'only pointer = "copy" has a model for a target'
                )

    def _own(self, table: Any, name: str) -> OwnGate:
        where = f"own.{name}."
        if not isinstance(table, dict):
            raise self._wrong(f"own.{name}", "is no table", "write [own.NAME]")
        if name in BUILT_IN:
            raise self._wrong(f"own.{name}", "is a built-in gate", f"write [gates.{name}]")
        settings = {k: v for k, v in table.items() if k in OWN_SETTINGS}
        numbers = {k: v for k, v in table.items() if k not in settings}
        for key, value in numbers.items():
            check_kind(float, value, lambda words, key=key: self._wrong(where + key, words, ""))
        own: OwnGate = self._build(OwnGate, settings, where, given={"numbers": numbers})
        for said in own.sums:
            if not SUMS.fullmatch(said):
                raise self._wrong(where + "sums", f"names {said!r}", 'write "FILE.py:FUNCTION"')
        return own

    def _build(self, kind: Any, table: Any, where: str, given: dict[str, Any] | None = None) -> Any:
        if not isinstance(table, dict):
            raise self._wrong(where.rstrip("."), "is no table", "")
        given = given or {}
        hints = get_type_hints(kind)
        plain = [f for f in fields(kind) if f.name not in given]
        self._known(table, tuple(f.name for f in plain), where)
        values = {}
        for key, value in table.items():
            shown = where + key.rstrip("_")
            values[key] = check_kind(hints[key], value, lambda w, s=shown: self._wrong(s, w, ""))
        for f in plain:
            if f.name not in values and f.default is MISSING and f.default_factory is MISSING:
                raise self._wrong(where + f.name.rstrip("_"), "is missing", "")
        if not 0.5 <= values.get("level", 0.95) < 1:  # noqa: PLR2004 - 0.5 is a point decision
            raise self._wrong(f"{where}level", f"is {values['level']}", LEVELS)
        return kind(**values, **given)

    def _table(self, content: dict[str, Any], key: str, where: str) -> dict[str, Any]:
        table = content.get(key, {})
        if not isinstance(table, dict):
            raise self._wrong(where + key, "is no table", f"write [{where}{key}]")
        return table

    def _known(
        self, table: dict[str, Any], allowed: tuple[str, ...], where: str, hint: str = ""
    ) -> None:
        for key in table:
            if key not in allowed:
                raise self._wrong(where + key, "is unknown", nearest(key, allowed, hint))

    def _wrong(self, key: str, words: str, hint: str = "") -> PolicyError:
        return PolicyError(f"{self._file}: {key} {words}", hint[:1].upper() + hint[1:])


def _check_reference(policy: Policy, where: str) -> None:
    if "drift" in policy.declared and policy.reference is None:
        raise PolicyError(
            f"{where}: [gates.drift] is set, and there is no [data.reference]",
            'Name what the model was trained on: [data.reference] path = "data/train.parquet"',
        )


def _check_uses(policy: Policy, where: str) -> None:
    if policy.holdout.spending == "adaptive" and policy.holdout.uses is None:
        raise PolicyError(
            f"{where}: data.holdout.spending is set, and data.holdout.uses is not",
            "Say over how many uses the level is spent, such as uses = 32",
        )


def _check_slice_floor(policy: Policy, where: str) -> None:
    for key in ("slice_floor", "slice_loss"):
        if getattr(policy.gates.accuracy, key) is not None and not policy.holdout.slices:
            raise PolicyError(
                f"{where}: gates.accuracy.{key} is set, and data.holdout.slices is empty",
                'Name the columns to slice by, such as slices = ["region"]',
            )


def apply_sets(policy: Policy, sets: tuple[str, ...], by: str) -> tuple[Policy, tuple[Change, ...]]:
    """The policy with `--gate-set key=value` applied, and what that changed.

    Raises:
        PolicyError: no such key, or a value of the wrong kind.
    """
    changes = []
    for text in sets:
        key, equals, raw = text.partition("=")
        gate, dot, name = key.partition(".")
        if not (equals and dot):
            raise PolicyError(
                f"--gate-set {text}: not of the form gate.key=value", "Such as accuracy.floor=0.85"
            )
        policy, change = _apply_one(policy, gate, name, _value(raw), by)
        if change is not None:
            changes.append(change)
    _check_slice_floor(policy, "--gate-set")
    _check_reference(policy, "--gate-set")
    check_measures(policy, "--gate-set")
    return policy, tuple(changes)


def _apply_one(
    policy: Policy, gate: str, name: str, value: Any, by: str
) -> tuple[Policy, Change | None]:
    where = f"--gate-set {gate}.{name}"
    if gate not in (*BUILT_IN, *policy.own):
        raise PolicyError(f"{where}: no such gate", nearest(gate, (*BUILT_IN, *policy.own)))
    table = policy.table(gate)
    if isinstance(table, OwnGate):
        raise PolicyError(
            f"{where}: the bars of an own gate are set in the policy only", "Edit gates.toml"
        )
    by_name = {f.name: f for f in fields(table)}
    if name not in by_name:
        raise PolicyError(f"{where}: no such key", nearest(name, tuple(by_name)))
    if by_name[name].metadata.get("tables"):
        raise PolicyError(f"{where}: tables are set in the policy only", "Edit gates.toml")
    hint = get_type_hints(type(table))[name]
    now = check_kind(hint, value, lambda words: PolicyError(f"{where} {words}"))
    if name == "level" and not 0.5 <= now < 1:  # noqa: PLR2004 - 0.5 is a point decision
        raise PolicyError(f"{where} is {now}", LEVELS)
    was = getattr(table, name)
    if now == was:
        return policy, None
    tables: dict[str, Any] = {gate: replace(table, **{name: now})}
    # a gate that is given a bar is declared: a bar nobody compares would only look like one
    declared = tuple(dict.fromkeys((*policy.declared, gate)))
    changed = replace(policy, gates=replace(policy.gates, **tables), declared=declared)
    return changed, Change(f"{gate}.{name}", was, now, _loosened(by_name[name], was, now), by)


def _loosened(spec: Any, was: Any, now: Any) -> bool:
    if spec.name == "mode":
        return bool(now == "observe")
    if "tighter" not in spec.metadata or spec.name == "quantile":
        return bool(was != "any")  # another question, neither easier nor harder
    if was is None:
        return False
    return bool(now < was if spec.metadata["tighter"] == "up" else now > was)


def _value(raw: str) -> Any:
    try:
        return tomllib.loads(f"v = {raw}")["v"]
    except tomllib.TOMLDecodeError:
        return raw
