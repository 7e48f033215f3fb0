"""What is being served now, and what went wrong last. Readers take one reference and keep it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gatekit.times import parse_moment

if TYPE_CHECKING:
    from gatekit.scoring.casting import Decoder
    from gatekit.scoring.engines import Engine
    from gatekit_service.cache import Pin
    from gatekit_service.predicting import Predictor

SWAPS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Proof:
    """The gate report about the bytes that are served; or, in `none`, why there is none."""

    report: str = ""
    outcome: str = ""
    created: str = ""
    engine: str = ""
    none: str = ""
    expires: str = ""  # where keys are trusted
    form: str = ""  # sha256 of the compiled model that was gated
    golden: dict[str, Any] | None = None  # rows with the answers that the gates recorded

    @property
    def has_expired(self) -> bool:
        """Whether its time is over: no reason to stop serving, but one to say so."""
        end = parse_moment(self.expires)
        return end is not None and datetime.now(UTC) > end

    def as_pin(self) -> dict[str, str]:
        """What the cache keeps of it."""
        names = ("report", "outcome", "created", "engine", "none", "expires")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def of_pin(cls, kept: dict[str, str]) -> Proof:
        """The proof that `as_pin` wrote."""
        words: dict[str, Any] = dict(kept)
        return cls(**words)

    def as_dict(self) -> dict[str, str]:
        """As /health shows it."""
        if self.none:
            return {"none": self.none}
        said = {"report": self.report, "outcome": self.outcome, "created": self.created}
        return {**said, "expires": self.expires} if self.expires else said


@dataclass(frozen=True, slots=True)
class Served:
    """A loaded model with its identity. Never changed: a new one takes its place."""

    model: str
    version: str
    digest: str
    proof: Proof
    engine: Engine
    decoder: Decoder
    predictor: Predictor
    since: str = ""
    tail: bytes = b""  # what follows the predictions in an answer
    pin: Pin | None = None  # what it was loaded from

    @property
    def title(self) -> str:
        """'churn-model version 2'."""
        return f"{self.model} version {self.version}"


@dataclass(frozen=True, slots=True)
class Answered:
    """A request for predictions that was answered.

    `rows` are tuples in the order of the signature, or, where the body was not in its plainest
    form, a `pyarrow.Table` of its columns.
    """

    request_id: str
    route: str
    status: int
    took_ms: float
    served: Served
    rows: Sequence[Any]
    predictions: Sequence[Any]


class State:
    """Shared by the watcher, which writes, and the routes, which read.

    `served` is replaced by one assignment, so a request sees the old model or the new one.
    Whoever wants to know of swaps or answers adds a function to `on_swap` (the one before, the
    one now; called by the watcher's thread), to `on_answer` or to `on_refusal` (route, status,
    milliseconds; both called after an answer, in the loop that answers: they must be quick and
    raise nothing).
    """

    def __init__(self, stage: str, model: str) -> None:
        self.stage = stage
        self.model = model
        self.served: Served | None = None
        self.last_error: str | None = None
        self.journal: dict[str, Any] = {"journal": "not read yet", "overrides": []}
        self.on_swap: list[Callable[[Served | None, Served], None]] = []
        self.open = 0  # requests for predictions that are not answered yet
        self.on_refusal: list[Callable[[str, int, float], None]] = []
        self.on_answer: list[Callable[[Answered], None]] = []
        self._swaps: deque[dict[str, str]] = deque(maxlen=SWAPS_SHOWN)

    def swap(self, served: Served) -> None:
        """Serve this one from now on."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        before, self.served = self.served, replace(served, since=now)
        self._swaps.append(
            {"at": now, "from": before.version if before else "", "to": served.version}
        )
        for tell in self.on_swap:
            tell(before, self.served)

    def answered(self, answered: Answered) -> None:
        """Tell whoever wants to know of answers."""
        for tell in self.on_answer:
            tell(answered)

    def refused(self, route: str, status: int, took_ms: float) -> None:
        """Tell whoever wants to know of refusals."""
        for tell in self.on_refusal:
            tell(route, status, took_ms)

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status code and body of /health."""
        served = self.served
        body: dict[str, Any] = {"status": "starting", "stage": self.stage, "model": self.model}
        if served is None:
            return 503, {**body, "version": None, "last_error": self.last_error}
        body |= {
            "status": "degraded" if self.last_error or served.proof.has_expired else "ok",
            "version": served.version,
            "digest": served.digest,
            "engine": served.engine.name,
            "since": served.since,
            "proof": served.proof.as_dict(),
            **self.journal,
            "last_error": self.last_error,
            "swaps": list(self._swaps),
        }
        return 200, body
