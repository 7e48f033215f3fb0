"""Real models of the common flavors pass the scan, and load and answer afterwards."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.scanning.scan import scan

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
NAMES = (
    *("linear-skops", "pipeline-skops", "pipeline-cloudpickle", "forest-skops", "forest-pickle"),
    *("boosting-skops", "boosting-cloudpickle", "xgboost", "lightgbm-booster"),
    *("lightgbm-cloudpickle", "onnx", "pyfunc-declared-class"),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_real_model_passes_and_loads(name, benign, forks, tmp_path):
    trusted, frame = benign.save(name, tmp_path / "model")
    assert [str(each) for each in scan(tmp_path / "model", trusted)] == []
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if name == "onnx":  # its answer is a dict of two outputs, which is no column
        return
    limits = Limits(readable=(str(Path(__file__).parents[1]),))  # where the declared class lies
    with Runner(limits, tmp_path / "scratch", trusted=trusted, server=forks) as runner:
        runner.load(tmp_path / "model")
        assert len(runner.predict(table)) == len(frame)


def test_the_names_above_are_all_there_are(benign):
    assert set(benign.models()) == set(NAMES)


def test_a_class_that_the_policy_does_not_name_is_refused(benign, tmp_path):
    (trusted,), _ = benign.save("pyfunc-declared-class", tmp_path / "model")
    (found,) = scan(tmp_path / "model")
    assert (found.file, found.name) == ("python_model.pkl", trusted)


def test_every_type_that_skops_would_ask_about_is_judged(benign, tmp_path):
    from zipfile import ZipFile

    from skops.io import get_untrusted_types

    from gatekit.scanning.skops_file import types_of

    benign.save("boosting-skops", tmp_path / "model")
    file = tmp_path / "model" / "model.skops"
    with ZipFile(file) as archive:
        judged = types_of(json.loads(archive.read("schema.json")))
    asked = set(get_untrusted_types(file=file))
    assert asked
    assert asked <= judged
