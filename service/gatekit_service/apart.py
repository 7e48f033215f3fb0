"""Looking at the registry in a process of its own, so that the one that serves stays small.

`python -m gatekit_service.apart` reads one question from its standard input, fetches, judges and
compiles as `gatekit_service.looking` does, answers in JSON, and ends. It is started only when a
sign (`gatekit_service.hints`) says that something may have moved.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Any

from gatekit.errors import GatekitError
from gatekit_service.cache import Cache, Pin
from gatekit_service.hints import Sign, hints, sign_or_error
from gatekit_service.loading import Refused
from gatekit_service.looking import NO_KEY, Held, Looker, Question, Seen
from gatekit_service.settings import Settings

LOG = logging.getLogger("gatekit_service")
MOST_SECONDS = 3600.0  # a download may be long
AGAIN_SECONDS = 10.0  # before a look that failed is tried again though nothing changed
SELDOM_SECONDS = 60.0  # between two looks in vain at a database that is written to all the time


class Apart:
    """As `Looker`, by way of a child process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._look = hints(settings)
        self._child: subprocess.Popen[bytes] | None = None
        self._mark: str | None = None
        self._failed: GatekitError | None = None
        self._last = self._gap = 0.0

    def look(self, question: Question) -> Seen:
        """See `Looker.look`; asks nobody while nothing has moved."""
        sign = sign_or_error(self._look)
        if isinstance(sign, GatekitError):
            self._mark = None
            raise sign
        if sign.key is not None and sign.key == question.kept != NO_KEY:
            return Seen(sign.key)
        if not self._has_moved(sign, question):
            if self._failed is not None:
                raise self._failed
            return Seen(question.known)
        self._last, self._failed = time.monotonic(), None
        try:
            seen = self._ask(question)
        except GatekitError as error:
            self._failed, self._mark = error, sign.mark
            raise
        in_vain = seen.pin is None and question.known == seen.key and sign.key is None
        self._gap = min(SELDOM_SECONDS, 2 * self._gap + 1) if in_vain else 0.0
        self._mark = sign.mark
        return seen

    def close(self) -> None:
        """End a look that is under way."""
        if self._child is not None:
            self._child.terminate()

    def _has_moved(self, sign: Sign, question: Question) -> bool:
        since = time.monotonic() - self._last
        if self._failed is not None and since > AGAIN_SECONDS:
            return True
        moved = sign.mark != self._mark or sign.key not in (None, question.known)
        if self._failed is not None and sign.mark == self._mark:
            return sign.key is not None and sign.key not in (question.known, question.refused)
        return moved and since >= self._gap

    def _ask(self, question: Question) -> Seen:
        asked = {"settings": self._settings.as_dict(), "question": asdict(question)}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "gatekit_service.apart"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            said, _ = self._child.communicate(json.dumps(asked).encode(), timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.communicate()
            raise GatekitError(f"a look at the registry took more than {MOST_SECONDS:g} s") from (
                None
            )
        code, self._child = self._child.returncode, None
        try:
            return _read(json.loads(said))
        except (ValueError, TypeError, KeyError) as error:
            raise GatekitError(
                f"the process that looks at the registry ended with {code} and no answer",
                "Its own words are in the log",
            ) from error


def _read(answer: dict[str, Any]) -> Seen:
    key = tuple(answer.get("key", NO_KEY))
    if "refused" in answer:
        raise Refused(answer["refused"], key=key)
    if "error" in answer:
        raise GatekitError(answer["error"])
    pin = None if answer["pin"] is None else Pin(**answer["pin"])
    return Seen(key, pin, answer["journal"])


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to one question, as plain values."""
    try:
        settings = Settings.from_dict(asked["settings"])
        found = {k: tuple(v) for k, v in asked["question"].items() if k != "before"}
        question = Question(**found, before=Held(**asked["question"]["before"]))
        seen = Looker(settings, Cache(settings.cache, settings.model)).look(question)
    except Refused as error:
        return {"refused": str(error), "key": error.key}
    except GatekitError as error:
        return {"error": str(error)}
    pin = None if seen.pin is None else asdict(seen.pin)
    return {"key": seen.key, "pin": pin, "journal": seen.journal}


def main() -> int:
    """Answer the question on the standard input."""
    from gatekit_service.logs import begin

    asked = json.load(sys.stdin)
    begin(asked["settings"]["log"])
    # what a library prints must not come into the answer
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        try:
            said = answer(asked)
        except Exception as error:  # a model that is compiled may raise anything
            LOG.warning("the look failed", exc_info=True)
            said = {"error": f"{type(error).__name__}, see the log"}
        json.dump(said, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
