"""Names of estimates as MLflow's metrics."""

import pytest

from gatekit.registry.mlflow_runs import metric_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("accuracy.f1.low", "accuracy.f1.low"),
        ("robustness.accuracy,_outliers", "robustness.accuracy_outliers"),
        ("fairness.gap_(sex=F/age<30)", "fairness.gap__sex_F_age_30_"),
        ("schema." + "x" * 300, "schema." + "x" * 243),
    ],
)
def test_what_mlflow_refuses_is_left_out(name, key):
    from mlflow.utils.validation import _validate_metric_name

    assert metric_key(name) == key
    _validate_metric_name(key)
