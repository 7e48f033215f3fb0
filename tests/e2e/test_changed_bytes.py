"""A pass is bound to bytes (P3): files overwritten after the gate are neither promoted nor served."""

from __future__ import annotations

import pytest

from gatekit.digest import model_digest, model_files
from gatekit_service.cache import Cache
from gatekit_service.loading import Refused, load, prepare
from gatekit_service.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def overwritten(trained, promoted):
    """Version 2 with other bytes than those that passed; given back afterwards."""
    file = trained.project.files("2") / "requirements.txt"
    content = file.read_bytes()
    file.write_bytes(content + b"something-else==1.0\n")
    yield model_digest(promoted.after), model_digest(model_files(trained.project.files("2")))
    file.write_bytes(content)


def settings(tmp_path):
    return Settings(model="churn-model", stage="staging", verify="enforce", cache=tmp_path / "c")


def test_promotion_names_both_digests(trained, overwritten):
    tested, now = overwritten
    done = trained.project.gatekit("promote", "models:/churn-model/2", "--to", "staging")
    assert done.code == 1
    assert "is about other bytes" in done.said
    assert tested[:12] in done.said
    assert now[:12] in done.said
    assert trained.project.holder() == "2"


def test_the_service_loads_what_passed_and_not_what_was_changed(trained, overwritten, tmp_path):
    registry = trained.project.registry
    wanted = settings(tmp_path)
    version = registry.by_alias("churn-model", "staging")
    with pytest.raises(Refused, match="other bytes were gated than those that are served"):
        prepare(version, registry, wanted, Cache(wanted.cache, wanted.model))


def test_the_service_loads_the_bytes_that_passed(trained, promoted, tmp_path):
    registry = trained.project.registry
    wanted = settings(tmp_path)
    version = registry.by_alias("churn-model", "staging")
    cache = Cache(wanted.cache, wanted.model)
    served = load(prepare(version, registry, wanted, cache), wanted, cache)
    assert served.version == "2"
    assert served.digest == model_digest(promoted.after)
    assert served.proof.outcome == "PASSED"
