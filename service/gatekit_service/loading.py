"""From a pinned version to a model that answers: fetch, hash, compare with the report, load.

`prepare` may run in a process of its own (`gatekit_service.apart`); `load` is where the model
will serve. A compiled model is data: loading it runs none of its code and needs no MLflow.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gatekit.errors import GatekitError, NotFound
from gatekit.promotion.journal import Journal
from gatekit.report.document import FORM_FILE
from gatekit.times import parse_moment
from gatekit_service.cache import Cache, Pin
from gatekit_service.golden import compare, warm
from gatekit_service.journal import entry_in_effect
from gatekit_service.plain_json import json_bytes
from gatekit_service.predicting import Predictor
from gatekit_service.proof import find_proof, reports
from gatekit_service.state import Proof, Served

if TYPE_CHECKING:
    from pathlib import Path

    from gatekit.registry import ModelVersion, Registry
    from gatekit.scoring.engines import Engine
    from gatekit_service.settings import Settings
    from gatekit_service.trusting import Trusted

LOG = logging.getLogger("gatekit_service")


class Refused(GatekitError):
    """This version is not served as it is; asking again changes nothing until something moves.

    `key` says which one, as `gatekit_service.looking` names it.
    """

    def __init__(self, message: str, hint: str = "", key: tuple[str, str] = ("", "")) -> None:
        super().__init__(message, hint)
        self.key = key


def prepare(
    version: ModelVersion,
    registry: Registry,
    settings: Settings,
    cache: Cache,
    trusted: Trusted | None = None,
    before: str = "",
) -> Pin:
    """Fetch and judge a version that the pointer was resolved to; the pointer is not asked again.

    `trusted` says whose signatures count; without it reports are taken as they lie there. `before`
    is the version that is served until now: a proof that has expired keeps another from its place.

    Raises:
        Refused: unproved while proof is enforced, or it cannot be compiled as it was gated.
        RegistryError: the registry or its files cannot be had.
    """
    from gatekit.scoring.engines import choose_engine

    folder, digest = _files(version, registry, cache)
    title = f"{version.name} version {version.version}"
    enforced = settings.must_prove(trusted)
    if settings.verify == "off":
        proof = Proof(none="proof is switched off (GATEKIT_VERIFY=off)")
    else:
        proof = find_proof(version, digest, registry, trusted)
    if proof.none and enforced:
        raise Refused(
            f"{title} is not served: {proof.none}",
            "Gate it and promote it, or set GATEKIT_VERIFY=warn",
        )
    if trusted is not None and enforced and before not in ("", version.version):
        journal = Journal.read(registry, settings.model)
        _refuse_revoked(title, digest, journal, trusted)
        _refuse_expired(version, proof, journal, trusted)
    try:
        engine = proof.engine or choose_engine(folder, settings.engine)  # type: ignore[arg-type] # settings allow only its words
    except GatekitError as error:
        raise Refused(f"{title}: {error}") from error
    form = _form(folder, title, proof, cache, registry) if engine == "compiled" else ""
    return Pin(version.version, digest, engine, proof.as_pin(), form, proof.golden)


def load(pin: Pin, settings: Settings, cache: Cache, *, is_known: bool = False) -> Served:
    """Load what was prepared, warm it, and compare its answers with those of the gates.

    What runs code of its own is tried elsewhere first, unless it `is_known` from before.

    Raises:
        Refused: it is not in the cache as it was judged, it cannot be loaded, or answers otherwise.
    """
    from gatekit.scoring.casting import Decoder

    title = f"{settings.model} version {pin.version}"
    if pin.engine == "compiled":
        engine, signature = _compiled(title, pin, cache)
    else:
        engine, signature = _by_flavor(title, pin, cache, None if is_known else settings)
    if signature is None:
        raise Refused(f"{title} is not served: it has no signature")
    decoder = Decoder.of(signature)
    predictor = Predictor(title, engine, decoder)
    if pin.golden is None:
        warm(cache.get(pin.digest), predictor, decoder)
    else:
        if why := compare(pin.golden, predictor):
            raise Refused(
                f"{title} is not served: {why}",
                "It was gated elsewhere: compare the packages there and here, or gate it again",
            )
        predictor.measure(pin.golden["rows"][0])
    tail = b"," + json_bytes({"model": settings.model, "version": pin.version})[1:]
    proof = Proof.of_pin(pin.proof)
    named = (settings.model, pin.version, pin.digest)
    return Served(*named, proof, engine, decoder, predictor, tail=tail, pin=pin)


def load_last(
    settings: Settings, cache: Cache, within_s: float, *, enforced: bool
) -> Served | None:
    """What was served before a restart, from the cache alone; None if it is not there intact.

    Or if nobody saw in the last `within_s` seconds that it holds the pointer.

    Raises:
        Refused: it cannot be loaded, or was unproved and proof is enforced now.
    """
    pin = cache.last(settings.pin_name, within_s)
    if pin is None or (pin.engine != "compiled" and cache.get(pin.digest) is None):
        return None
    if pin.engine == "compiled" and cache.form(pin.form) is None:
        return None
    if pin.proof.get("none") and enforced:
        raise Refused(f"{settings.model} version {pin.version} is not served: {pin.proof['none']}")
    return load(pin, settings, cache, is_known=True)


def _files(version: ModelVersion, registry: Registry, cache: Cache) -> tuple[Path, str]:
    for _, summary in reports(version):  # the bytes that were gated, if they are here
        folder = cache.get(str(summary.get("digest")))
        if folder is not None:
            return folder, folder.name
    number = version.version.removeprefix(f"{version.name}/")  # one that is no copy: `prod/4`
    return cache.put(lambda into: registry.fetch(f"models:/{version.name}/{number}", into))


def _refuse_revoked(title: str, digest: str, journal: Journal, trusted: Trusted) -> None:
    """Bytes that were revoked are not swapped in; where they serve already, they stay."""
    entry = trusted.judge.revocation(digest, journal, trusted.target)
    if entry is not None:
        raise Refused(
            f"{title} is not served: its bytes were revoked (#{entry.number}): {entry.reason}",
            "Promote another version, or gate a new one",
        )


def _refuse_expired(
    version: ModelVersion, proof: Proof, journal: Journal, trusted: Trusted
) -> None:
    """A proof that has expired keeps a version from being swapped in, but for a rollback to it."""
    end = parse_moment(proof.expires)
    if end is None or datetime.now(UTC) <= end:
        return
    entry = entry_in_effect(journal, trusted.target)
    back = entry is not None and (entry.kind, entry.version) == ("rollback", version.version)
    if entry is None or not back or not trusted.judge.trusts(entry, journal):
        raise Refused(
            f"{version.name} version {version.version} is not served: its proof expired "
            f"{proof.expires}",
            "Gate it again, or set GATEKIT_VERIFY=warn",
        )


def _form(folder: Path, title: str, proof: Proof, cache: Cache, registry: Registry) -> str:
    """The sha256 of the compiled model: the one that was gated, or, without one, made here."""
    if not proof.form:
        _scan(folder, title)
        return cache.put_form(_loaded(folder, title, "compiled").form)
    if cache.form(proof.form) is not None:
        return proof.form
    try:
        raw = registry.read(proof.report, FORM_FILE)
    except NotFound as error:
        raise Refused(f"{title}: the compiled model of its report is gone", "Gate it again") from (
            error
        )
    if hashlib.sha256(raw).hexdigest() != proof.form:
        raise Refused(f"{title}: the compiled model is not the one its report names")
    return cache.put_form(raw)


def _compiled(title: str, pin: Pin, cache: Cache) -> tuple[Engine, Any]:
    from gatekit.scoring.engines import load_compiled
    from gatekit.scoring.form import Form

    raw = cache.form(pin.form)
    if raw is None:
        raise Refused(f"{title}: the compiled model is not in the cache as it was judged")
    try:
        return load_compiled(raw), Form.unpack(raw).signature
    except (GatekitError, ModuleNotFoundError) as error:
        raise Refused(f"{title}: {error}", "Install the extra: pytest-gatekit[service]") from error


def _by_flavor(title: str, pin: Pin, cache: Cache, trial: Settings | None) -> tuple[Engine, Any]:
    from gatekit.scoring.signature import read_signature

    folder = cache.get(pin.digest)
    if folder is None:
        raise Refused(f"{title}: its files are not in the cache as they were judged")
    _scan(folder, title)
    signature = read_signature(folder)
    if trial is not None and trial.trial and signature is not None:
        from gatekit.scoring.casting import Decoder
        from gatekit_service.trial import why_not

        if why := why_not(folder, pin, Decoder.of(signature), trial):
            raise Refused(f"{title} is not served: {why}")
    return _loaded(folder, title, pin.engine), signature


def _scan(folder: Path, title: str) -> None:
    from gatekit.scanning.scan import scan

    if reasons := scan(folder):
        raise Refused(f"{title} is not loaded: {reasons[0]}")


def _loaded(folder: Path, title: str, name: str) -> Engine:
    from gatekit.scoring.engines import load_engine

    try:
        return load_engine(folder, name)
    except GatekitError as error:
        raise Refused(f"{title}: {error}") from error
    except Exception as error:  # a model's own code runs, and raises whatever it likes
        LOG.warning("%s could not be loaded: %s", title, type(error).__name__)
        raise Refused(
            f"{title} could not be loaded: {type(error).__name__}",
            "Does this environment have the packages its requirements.txt names?",
        ) from error
