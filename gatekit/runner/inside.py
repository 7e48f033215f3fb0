"""Where a model's process begins: `python -m gatekit.runner.inside GROUND IN OUT`, GROUND in JSON.

Light until the walls stand: only then may a thread start, and pyarrow starts one when imported.
"""

from __future__ import annotations

import json
import os
import sys
from time import perf_counter
from typing import Any

from gatekit.runner.walls import Ground, raise_walls


def main() -> None:
    """Raise the walls, say which hold, and serve the two pipes named on the command line."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    incoming, outgoing = int(sys.argv[2]), int(sys.argv[3])
    # What the model starts must not hold the pipes open.
    for descriptor in (incoming, outgoing):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - takes no keyword
    start = perf_counter()
    walls = raise_walls(Ground(**given))
    walls_ms = (perf_counter() - start) * 1000

    if sys.flags.no_site:
        import site

        site.main()  # put off until now: what is installed may run code there

    from gatekit.runner.protocol import Frame
    from gatekit.runner.worker import Worker

    worker = Worker(incoming, outgoing)
    worker.send(Frame({"id": 0, "walls": walls, "walls_ms": walls_ms}))
    worker.serve()


if __name__ == "__main__":
    main()
