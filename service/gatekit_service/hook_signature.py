"""Whether a delivery is MLflow's: its signature over the raw body, its age, and that it is new.

MLflow signs base64(HMAC-SHA256(secret, "<delivery id>.<timestamp>.<body>")) and sends the same
delivery up to four times within some ten seconds, all with one id, timestamp and signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from typing import Literal

ID, TIMESTAMP, SIGNATURE = "x-mlflow-delivery-id", "x-mlflow-timestamp", "x-mlflow-signature"
WINDOW_S = 300.0  # older, or from further in the future: a replay
MOST_IDS = 20_000
MOST_ID_LENGTH = 128

Verdict = Literal["new", "seen before", "unsigned", "wrong signature", "too old"]


def signature_of(secret: str, delivery: str, timestamp: str, body: bytes) -> str:
    """The header that MLflow sends for this body."""
    message = f"{delivery}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


class Deliveries:
    """The deliveries of the last minutes. `secret` is what the webhook was made with."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._seen: OrderedDict[str, float] = OrderedDict()

    def judge(self, headers: Mapping[str, str], body: bytes, now_s: float) -> Verdict:
        """What this delivery is; a signed one that is new is remembered.

        The signature is judged first: nothing that is unsigned is remembered or told apart.
        """
        delivery, stamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
        given = headers.get(SIGNATURE, "")
        if not (delivery and stamp and given) or len(delivery) > MOST_ID_LENGTH:
            return "unsigned"
        wanted = signature_of(self._secret, delivery, stamp, body)
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            return "wrong signature"
        if not stamp.isascii() or not stamp.isdigit() or abs(now_s - int(stamp)) > WINDOW_S:
            return "too old"
        self._forget(now_s)
        if delivery in self._seen:
            return "seen before"
        self._seen[delivery] = now_s
        return "new"

    def _forget(self, now_s: float) -> None:
        # twice the window: a stamp may lie that far in the future when it is first seen
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest] >= now_s - 2 * WINDOW_S and len(self._seen) < MOST_IDS:
                return
            del self._seen[oldest]
