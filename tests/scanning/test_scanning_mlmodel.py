"""Some models are refused before one byte of them is loaded."""

import pytest
import yaml

from gatekit.errors import ModelMisbehaved
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.scanning.scan import scan
from gatekit.testing import write_toy


@pytest.fixture
def model(tmp_path):
    return write_toy(tmp_path / "model", "threshold")


def change(folder, flavor="python_function", **values):
    path = folder / "MLmodel"
    content = yaml.safe_load(path.read_text())
    content["flavors"].setdefault(flavor, {}).update(values)
    path.write_text(yaml.safe_dump(content))


def test_a_toy_is_clean(model):
    assert scan(model) == ()


def test_a_link_is_refused(model, tmp_path):
    (tmp_path / "elsewhere").write_text("x")
    (model / "data").symlink_to(tmp_path / "elsewhere")
    assert [str(each) for each in scan(model)] == ["data: it is a link"]


def test_a_missing_or_broken_description_is_refused(model):
    (model / "MLmodel").write_text("flavors: [")
    assert "cannot be read" in str(scan(model)[0])
    (model / "MLmodel").unlink()
    assert "no MLmodel file" in str(scan(model)[0])


@pytest.mark.parametrize("key", ["code", "model_code_path"])
@pytest.mark.parametrize("flavor", ["python_function", "sklearn"])
def test_code_in_the_model_is_refused(model, key, flavor):
    change(model, flavor, **{key: "code"})
    told = f"MLmodel: flavor {flavor}: it brings its own code ({key}: code)"
    assert [str(each) for each in scan(model)] == [told]


@pytest.mark.parametrize(
    "loader", ["evil", "os", "mlflow.pyfunc.loaders.code_model", "mlflow.sklearnx", ["a"], 3]
)
def test_an_unknown_loader_is_refused(model, loader):
    change(model, loader_module=loader)
    assert "not on the list of known loaders" in str(scan(model)[0])


def test_a_policy_may_trust_a_loader_by_its_full_name(model):
    change(model, loader_module="ours.loading")
    assert scan(model, trusted=("ours.loading",)) == ()
    assert scan(model, trusted=("ours",)) != ()


@pytest.mark.parametrize(
    "kind",
    [
        "posix.system",
        "builtins.eval",
        "numpy.testing._private.utils.runstring",
        "numpy.f2py.Thing",
        "numpy.load",
        "sklearnx.Tree",
        "sklearn.Tree\nposix.system",
        "sklearn.externals.Thing",
        "collections.namedtuple",
        7,
    ],
)
def test_a_dangerous_type_is_refused(model, kind):
    change(model, "sklearn", skops_trusted_types=[kind])
    assert "trusted (skops_trusted_types)" in str(scan(model)[0])


def test_the_types_of_trees_are_accepted(model):
    change(
        model,
        "sklearn",
        skops_trusted_types=[
            "sklearn.tree._tree.Tree",
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
            "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
            "xgboost.core.Booster",
            "collections.OrderedDict",
            "numpy.dtype",
        ],
    )
    assert scan(model) == ()


@pytest.mark.parametrize("path", ["../other/toy.json", "/etc/passwd", "a/../../b"])
def test_a_path_out_of_the_folder_is_refused(model, path):
    change(model, data=path)
    told = "MLmodel: flavor python_function: data leads out of the model's folder"
    assert told in map(str, scan(model))


def test_a_second_description_in_a_subfolder_counts(model):
    # MLflow reads skops' list from the MLmodel that lies beside the file it loads.
    inner = write_toy(model / "inner", "threshold")
    change(inner, "sklearn", skops_trusted_types=["posix.system"])
    told = "inner/MLmodel: flavor sklearn: it wants 'posix.system'"
    assert any(str(each).startswith(told) for each in scan(model))


def test_a_runner_refuses_without_loading(model, tmp_path):
    change(model, code="code")
    with Runner(Limits(), tmp_path / "scratch") as runner:
        with pytest.raises(ModelMisbehaved, match=r"refused before loading: .*its own code"):
            runner.load(model)
        assert runner._talk.asked == 0
