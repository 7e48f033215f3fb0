"""The own measures that a policy names, read from the team's files: "metrics.py:cost_per_case"."""

from __future__ import annotations

import hashlib
import sys
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from gatekit.errors import PolicyError
from gatekit.means import Named, OfMeans
from gatekit.policy import Policy
from gatekit.uses import Uses


def own_measures(policy: Policy, folder: Path) -> tuple[Named, ...]:
    """Each once, in the policy's order; files lie relative to `folder`.

    Raises:
        PolicyError: there is no such file or measure, or reading the file raised an error.
    """
    files: dict[str, tuple[ModuleType, str]] = {}
    found: dict[str, Named] = {}
    for gate, table in policy.own.items():
        for said in table.sums:
            where = f"own.{gate}.sums names {said!r}"
            file, _, name = said.rpartition(":")
            if file not in files:
                files[file] = _read(folder / file, where)
            module, sha256 = files[file]
            found[said] = Named(said, _measure(vars(module), name, where), sha256)
    return tuple(found.values())


def replicates(policy: Policy, uses: Uses | None) -> int:
    """How many the gates take that name such measures, each at what is left of its level."""
    from gatekit.stats.resampling import replicates_for  # with scipy

    levels = [table.level for table in policy.own.values() if table.sums]
    if uses is not None:
        levels = [uses.level(level) for level in levels]
    return max(map(replicates_for, levels), default=0)


def _read(path: Path, where: str) -> tuple[ModuleType, str]:
    """The file's module and its sha256.

    No name leads to the module afterwards: so its functions travel by value.
    """
    try:
        source = path.read_bytes()
    except OSError:
        raise PolicyError(f"{where}, and there is no file {path}", "Correct the policy") from None
    sha256 = hashlib.sha256(source).hexdigest()
    made = ModuleType(f"gatekit_own_{sha256[:16]}")
    made.__file__ = str(path)
    sys.modules[made.__name__] = made  # while it is read: dataclasses look themselves up
    try:
        code = compile(source, str(path), "exec", dont_inherit=True)
        exec(code, vars(made))  # noqa: S102 - the team's own file, as pytest would
    except Exception as error:  # whatever a team's file may raise
        raise PolicyError(
            f"{where}, and reading {path.name} raised {type(error).__name__}: {error}",
            "It is read by itself, before any suite",
        ) from error
    finally:
        del sys.modules[made.__name__]
    return made, sha256


def _measure(names: dict[str, Any], name: str, where: str) -> OfMeans:
    found = names.get(name)
    if isinstance(found, OfMeans):
        return found
    if found is not None:
        raise PolicyError(
            f"{where}, which is no measure of means", f"Write @gatekit.of_means above {name}"
        )
    known = [each for each, value in names.items() if isinstance(value, OfMeans)]
    close = get_close_matches(name, known, n=1)
    raise PolicyError(
        f"{where}, and there is no {name} in that file",
        f"Did you mean {close[0]!r}?" if close else f"Measures there: {', '.join(known) or 'none'}",
    )
