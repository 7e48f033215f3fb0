"""From a pinned version to a model that answers: fetch, hash, compare with the report, load."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekit.errors import GatekitError
from gatekit.promotion.journal import Journal
from gatekit.times import parse_moment
from gatekit_service.cache import Cache, Pin
from gatekit_service.journal import entry_in_effect
from gatekit_service.proof import find_proof, reports
from gatekit_service.state import Proof, Served

if TYPE_CHECKING:
    from pathlib import Path

    from gatekit.registry import ModelVersion, Registry
    from gatekit.scoring.casting import Decoder
    from gatekit.scoring.engines import Engine
    from gatekit_service.settings import Settings
    from gatekit_service.trusting import Trusted

LOG = logging.getLogger("gatekit_service")


class Refused(GatekitError):
    """This version is not served as it is; asking again changes nothing until something moves."""


def load_version(
    version: ModelVersion,
    registry: Registry,
    settings: Settings,
    cache: Cache,
    trusted: Trusted | None = None,
    before: str = "",
) -> Served:
    """Load a version that the pointer was resolved to; the pointer itself is not asked again.

    `trusted` says whose signatures count; without it reports are taken as they lie there. `before`
    is the version that is served until now: a proof that has expired keeps another from its place.

    Raises:
        Refused: unproved while proof is enforced, or the model cannot be loaded.
        RegistryError: the registry or its files cannot be had.
    """
    folder, digest = _files(version, registry, cache)
    if settings.verify == "off":
        proof = Proof(none="proof is switched off (GATEKIT_VERIFY=off)")
    else:
        proof = find_proof(version, digest, registry, trusted)
    if proof.none and settings.verify == "enforce":
        raise Refused(
            f"{version.name} version {version.version} is not served: {proof.none}",
            "Gate it and promote it, or set GATEKIT_VERIFY=warn",
        )
    if trusted is not None and settings.verify == "enforce" and before not in ("", version.version):
        _refuse_expired(version, proof, Journal.read(registry, settings.model), trusted)
    served = _load(folder, (version.name, version.version, digest), proof, settings.engine)
    pin = Pin(
        *(version.version, digest, served.engine.name),
        *(proof.report, proof.outcome, proof.created, proof.none),
    )
    try:
        cache.remember(settings.pin_name, pin)
        cache.prune()
    except OSError as error:
        LOG.warning("the cache could not be tidied: %s", error.strerror)
    return served


def load_last(settings: Settings, cache: Cache) -> Served | None:
    """What was served before a restart, from the cache alone; None if it is not there intact.

    Raises:
        Refused: it cannot be loaded, or was unproved and proof is enforced now.
    """
    pin = cache.last(settings.pin_name)
    if pin is None or (folder := cache.get(pin.digest)) is None:
        return None
    if pin.none and settings.verify == "enforce":
        raise Refused(f"{settings.model} version {pin.version} is not served: {pin.none}")
    proof = Proof(pin.report, pin.outcome, pin.created, pin.engine, none=pin.none)
    return _load(folder, (settings.model, pin.version, pin.digest), proof, pin.engine)


def _files(version: ModelVersion, registry: Registry, cache: Cache) -> tuple[Path, str]:
    for _, summary in reports(version):  # the bytes that were gated, if they are here
        folder = cache.get(str(summary.get("digest")))
        if folder is not None:
            return folder, folder.name
    number = version.version.removeprefix(f"{version.name}/")  # one that is no copy: `prod/4`
    return cache.put(lambda into: registry.fetch(f"models:/{version.name}/{number}", into))


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


def _load(folder: Path, named: tuple[str, str, str], proof: Proof, wanted: str) -> Served:
    from gatekit.scanning.scan import scan
    from gatekit.scoring.casting import Decoder
    from gatekit.scoring.engines import choose_engine, load_engine
    from gatekit.scoring.signature import read_signature

    name, version, digest = named
    title = f"{name} version {version}"
    reasons = scan(folder)
    if reasons:
        raise Refused(f"{title} is not loaded: {reasons[0]}")
    try:
        signature = read_signature(folder)
        if signature is None:
            raise Refused(f"{title} is not served: it has no signature")
        engine = load_engine(folder, proof.engine or choose_engine(folder, wanted))  # type: ignore[arg-type] # settings allow only its words
    except GatekitError as error:
        raise error if isinstance(error, Refused) else Refused(f"{title}: {error}") from error
    except Exception as error:  # a model's own code runs, and raises whatever it likes
        LOG.warning("%s could not be loaded: %s", title, type(error).__name__)
        raise Refused(
            f"{title} could not be loaded: {type(error).__name__}",
            "Does this environment have the packages its requirements.txt names?",
        ) from error
    decoder = Decoder.of(signature)
    _warm(folder, engine, decoder)
    return Served(name, version, digest, proof, engine, decoder)


def _warm(folder: Path, engine: Engine, decoder: Decoder) -> None:
    """One prediction, so that no caller waits for lazy imports; what it says does not matter."""
    import json

    example = folder / "serving_input_example.json"
    try:
        if example.is_file():
            table = decoder.decode(json.loads(example.read_text(encoding="utf-8")))
        else:
            table = decoder.decode(
                {"features": [[_made_up(c.type) for c in decoder.signature.inputs]]}
            )
        engine.predict(table)
    except Exception as error:  # noqa: BLE001 - made-up rows may be refused, in the model's own way
        LOG.info("the model was not warmed: %s", type(error).__name__)


def _made_up(kind: str) -> object:
    words = {"string": "", "binary": "", "boolean": False, "datetime": "2000-01-01"}
    return words.get(kind, 0)
