"""Model URIs are taken apart before any network call."""

from __future__ import annotations

import pytest

from gatekit.errors import CandidateError
from gatekit.registry.model_uri import ModelUri, parse_model_uri


@pytest.mark.parametrize(
    ("text", "form", "name", "pointer"),
    [
        ("models:/churn-model/6", "version", "churn-model", "6"),
        ("models:/churn-model/006", "version", "churn-model", "6"),
        ("  models:/churn-model/6\n", "version", "churn-model", "6"),
        ("models:/churn-model@champion", "alias", "churn-model", "champion"),
        ("models:/churn-model@Champion", "alias", "churn-model", "Champion"),
        ("models:/churn-model@6", "alias", "churn-model", "6"),
        ("models:/churn-model/Staging", "stage", "churn-model", "Staging"),
        ("models:/churn-model/staging", "stage", "churn-model", "Staging"),
        ("models:/churn-model/PRODUCTION", "stage", "churn-model", "Production"),
        ("models:/churn-model/none", "stage", "churn-model", "None"),
        ("models:/catalog.schema.churn/2", "version", "catalog.schema.churn", "2"),
    ],
)
def test_the_registered_forms(text, form, name, pointer):
    assert parse_model_uri(text) == ModelUri(text.strip(), form, name, pointer)
    assert parse_model_uri(text).is_registered


@pytest.mark.parametrize("text", ["runs:/abc/model", "runs:/abc/nested/model"])
def test_a_run_is_no_registered_version(text):
    assert parse_model_uri(text) == ModelUri(text, "run")
    assert not parse_model_uri(text).is_registered


def test_a_folder_needs_an_mlmodel_file(tmp_path):
    with pytest.raises(CandidateError, match="no folder with an MLmodel file"):
        parse_model_uri(str(tmp_path))
    (tmp_path / "MLmodel").touch()
    assert parse_model_uri(str(tmp_path)) == ModelUri(str(tmp_path), "folder")
    assert not parse_model_uri(str(tmp_path)).is_registered


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "churn-model",
        "churn-model/6",
        "models:/",
        "models:/churn-model",
        "models:/churn-model/",
        "models:/churn-model@",
        "models:/@champion",
        "models:/churn-model/latest",
        "models:/churn-model/champion",
        "models:/churn-model/-1",
        "models:/churn-model/1.5",
        "models:/churn-model/6/data",
        "models:/churn-model@champion/data",
        "models:/churn model/6",
        "runs:/abc",
        "runs:/abc/",
        "runs://model",
        "s3://bucket/model",
        "mlflow-artifacts:/1/model",
        "https://host/model",
    ],
)
def test_anything_else_is_refused_and_the_forms_are_told(text):
    with pytest.raises(CandidateError, match="models:/name/6"):
        parse_model_uri(text)
