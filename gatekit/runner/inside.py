"""Where a model's process begins: `python -m gatekit.runner.inside GROUND IN OUT [ROWS]`.

GROUND is JSON, the others are descriptors: two pipes, and memory that many rows lie in.

Light until the walls stand: only then may a thread start, and pyarrow starts one when imported.
"""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

from gatekit.runner.walls import Ground, raise_walls

if TYPE_CHECKING:
    from collections.abc import Sequence


def main() -> None:
    """Raise the walls, say which hold, and serve what is named on the command line."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    live(Ground(**given), [int(each) for each in sys.argv[2:]])


def live(ground: Ground, line: Sequence[int], above: int = 0) -> None:
    """Raise the walls and serve; `above` is the process that started this one, if not the gate.

    `line` are descriptors: in, out, and where there is one of the memory that many rows lie in.
    """
    # What the model starts must not hold the pipes open.
    for descriptor in line:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - takes no keyword
    start = perf_counter()
    walls = raise_walls(ground, above)
    walls_ms = (perf_counter() - start) * 1000

    if sys.flags.no_site:
        _look_at_packages(walls, ground.asked)

    from gatekit.runner.protocol import Frame, TableReader
    from gatekit.runner.worker import Worker

    incoming, outgoing, *shared = line
    worker = Worker(incoming, outgoing, tables=TableReader(shared=shared[0] if shared else -1))
    worker.send(Frame({"id": 0, "walls": walls, "walls_ms": walls_ms}))
    worker.serve()


def _look_at_packages(walls: tuple[str, ...], asked: tuple[str, ...]) -> None:
    """What Python does at its start, put off until now: a package may run code of its own there."""
    import site

    standing = {wall.partition(":")[0] for wall in walls}
    if lacking := [wall for wall in asked if wall not in standing]:
        sys.exit(f"the policy asks for a wall around {', '.join(lacking)}: it cannot be had here")
    site.main()


if __name__ == "__main__":
    main()
