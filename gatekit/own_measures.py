"""The own measures that a policy names, read from the team's files: "metrics.py:cost_per_case"."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from gatekit.errors import PolicyError
from gatekit.means import Named, OfMeans, source_sha256
from gatekit.policy import Policy
from gatekit.uses import Uses


def own_measures(policy: Policy, folder: Path) -> tuple[Named, ...]:
    """Each once, in the policy's order; files lie relative to `folder`.

    Raises:
        PolicyError: there is no such file or measure, or reading the file raised an error.
    """
    files: dict[str, ModuleType] = {}
    found: dict[str, Named] = {}
    for gate, table in policy.own.items():
        for said in table.sums:
            where = f"own.{gate}.sums names {said!r}"
            file, _, name = said.rpartition(":")
            if file not in files:
                files[file] = _read(folder / file, where)
            measure = _measure(vars(files[file]), name, where)
            found[said] = Named(said, measure, source_sha256(folder / file))
    return tuple(found.values())


def replicates(policy: Policy, uses: Uses | None) -> int:
    """How many the gates take that name such measures, each at what is left of its level."""
    from gatekit.stats.resampling import replicates_for  # with scipy

    levels = [table.level for table in policy.own.values() if table.sums]
    if uses is not None:
        levels = [uses.level(level) for level in levels]
    return max(map(replicates_for, levels), default=0)


def _read(path: Path, where: str) -> ModuleType:
    """The file's module, known to nobody by its name: so its functions travel by value."""
    made = ModuleType(f"gatekit_own_{source_sha256(path)[:16]}")
    made.__file__ = str(path)
    try:
        code = compile(path.read_bytes(), str(path), "exec")
        sys.modules[made.__name__] = made  # while it is read: dataclasses look themselves up
        exec(code, vars(made))  # noqa: S102 - the team's own file, as pytest would
    except FileNotFoundError:
        raise PolicyError(f"{where}, and there is no file {path}", "Correct the policy") from None
    except Exception as error:  # whatever a team's file may raise
        raise PolicyError(
            f"{where}, and reading {path.name} raised {type(error).__name__}: {error}",
            "It is read by itself, before any suite",
        ) from error
    finally:
        sys.modules.pop(made.__name__, None)
    return made


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
