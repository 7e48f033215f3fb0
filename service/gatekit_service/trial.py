"""A model with code of its own is tried in a process of its own before it is loaded in this one.

What crashes, hangs or eats memory there is refused, and takes nothing with it. Compiled models are
data, and need no trial; nor does one that was served before a restart.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gatekit.errors import BadRows, DataError, GatekitError, ModelRefused
from gatekit_service.golden import example_rows

if TYPE_CHECKING:
    from gatekit.scoring.casting import Decoder
    from gatekit_service.cache import Pin
    from gatekit_service.settings import Settings

SHARE_OF_FREE = 0.8
LIMIT, USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
MACHINE = Path("/proc/meminfo")


def why_not(folder: Path, pin: Pin, decoder: Decoder, settings: Settings) -> str:
    """Load a scanned model in another process and ask it once; what was wrong, "" if nothing.

    It may hold GATEKIT_MODEL_MEMORY_MB, or four fifths of what is free.
    """
    from gatekit.runner.limits import Limits
    from gatekit.runner.process import Runner

    memory_mb = int(settings.model_memory_mb or SHARE_OF_FREE * free_mb()) or None
    scratch = Path(tempfile.mkdtemp(prefix="gatekit-trial-"))
    limits = Limits(call_seconds=settings.timeout_seconds, memory_mb=memory_mb)
    try:
        with Runner(limits, scratch, role="model", scan=lambda *_: ()) as runner:
            runner.load(folder, pin.engine)
            with suppress(BadRows, DataError, ModelRefused):  # for the golden rows to say
                runner.predict(decoder.decode({"features": example_rows(pin, decoder)}))
    except GatekitError as error:
        return str(error)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return ""


def free_mb() -> float:
    """Megabytes that this process may still take: of its group, else of the machine; 0: unknown."""
    with suppress(OSError, ValueError):
        return max(1.0, (int(LIMIT.read_text()) - int(USED.read_text())) / 2**20)
    with suppress(OSError, ValueError, StopIteration):
        lines = MACHINE.read_text("ascii").splitlines()
        free = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(free.split()[1]) / 1024
    return 0.0
