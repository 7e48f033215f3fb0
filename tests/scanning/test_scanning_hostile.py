"""Every hostile artifact is refused before load, by file and by name, and nothing of it is run."""

import pytest

from gatekit.errors import ModelMisbehaved
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.scanning import content as content_module
from gatekit.scanning import scan as scan_module
from gatekit.scanning.scan import scan
from gatekit.testing import write_toy

pytestmark = pytest.mark.filterwarnings("ignore")
# As what the file goes: unpickled by the model's loader, or under a name that says otherwise.
NAMES = ("toy.json", "model.pkl", "model.onnx", "requirements.txt", "README.md")


@pytest.fixture
def model(tmp_path):
    return write_toy(tmp_path / "model", "threshold")


@pytest.fixture(autouse=True)
def canary(tmp_path, monkeypatch):
    """No file is ever created, and no second opinion helps."""
    monkeypatch.setattr(scan_module, "second_opinion", lambda *_: ())
    path = tmp_path / "canary"
    yield path
    assert not path.exists()


def test_every_hostile_pickle_is_refused_under_any_name(hostile, model, canary):
    corpus = hostile.pickles(canary)
    missed = []
    for kind, content in corpus.items():
        for name in NAMES:
            (model / name).write_bytes(content)
            found = [f for f in scan(model, ("file:none",)) if f.file.split("!")[0] == name]
            if not [f for f in found if "nothing says what it is for" not in f.reason]:
                missed.append(f"{kind} as {name}")
            (model / name).unlink()
        write_toy(model, "threshold")
    print(f"refused {len(corpus) * len(NAMES) - len(missed)} of {len(corpus) * len(NAMES)}")  # noqa: T201 - the figure
    assert missed == []


def test_every_hostile_model_is_refused(hostile, tmp_path, canary):
    corpus = hostile.models()
    missed = []
    for kind, spoil in corpus.items():
        model = write_toy(tmp_path / kind, "threshold")
        spoil(model, canary)
        if not scan(model):
            missed.append(kind)
    print(f"refused {len(corpus) - len(missed)} of {len(corpus)}")  # noqa: T201 - the figure
    assert missed == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("protocol-0", "posix.system"),
        ("opcodes-memo", "posix.system"),
        ("opcodes-inst", "posix.system"),
        ("opcodes-old-name", "builtins.eval"),
        ("eval-in-pipeline", "builtins.eval"),
        ("timeit", "timeit.timeit"),
        ("getattr", "builtins.getattr"),
        ("partial", "functools.partial"),
        ("npz", "posix.system"),
        ("zip-in-zip", "posix.system"),
        ("joblib-object-array", "posix.system"),
        ("plain-in-joblib-array", "posix.system"),
        ("distribution", "scipy.stats._continuous_distns.uniform_gen"),
        ("opcodes-patched-class", "sklearn.pipeline.Pipeline"),
        ("numpy-memmap", "numpy.memmap"),
    ],
)
def test_the_refusal_names_the_file_and_the_name(hostile, model, canary, kind, name):
    (model / "toy.json").write_bytes(hostile.pickles(canary)[kind])
    found = [each for each in scan(model) if each.name == name]
    assert found
    assert found[0].file.startswith("toy.json")
    assert name in str(found[0])


@pytest.mark.parametrize("kind", ["opcodes-ext", "opcodes-persistent", "joblib-frame", "torch-zip"])
def test_what_has_no_name_is_refused_too(hostile, model, canary, kind):
    (model / "toy.json").write_bytes(hostile.pickles(canary)[kind])
    assert scan(model)


def test_what_the_corpus_hides_is_really_there(hostile, canary):
    """The array's bytes are instructions to plain pickle: the walk without joblib sees them."""
    import io

    from gatekit.scanning.pickles import act_out
    from gatekit.scanning.source import Source
    from gatekit.scanning.vocabulary import vocabulary

    content = hostile.pickles(canary)["plain-in-joblib-array"]
    words = vocabulary({"sklearn"}, ())
    as_joblib = act_out(Source(io.BytesIO(content)), words, joblib=True)
    as_pickle = act_out(Source(io.BytesIO(content)), words, joblib=False)
    assert (as_joblib.refused, as_joblib.broke) == ({}, "")
    assert "posix.system" in as_pickle.refused


def test_a_runner_never_loads_what_is_refused(hostile, model, tmp_path, canary):
    (model / "toy.json").write_bytes(hostile.pickles(canary)["protocol-4"])
    with Runner(Limits(), tmp_path / "scratch") as runner:
        with pytest.raises(ModelMisbehaved, match=r"toy.json: it uses posix.system"):
            runner.load(model)
        assert runner._talk.asked == 0


def test_an_archive_is_followed_only_so_deep(hostile, model, canary):
    hostile.models()["deep"](model, canary)
    assert any("deep" in str(each) for each in scan(model))
    assert content_module.Budget().depth == 4


def test_a_policy_trusts_by_the_name_it_was_shown(hostile, model, canary):
    (model / "toy.json").write_bytes(hostile.pickles(canary)["timeit"])
    (found,) = scan(model)
    assert scan(model, (found.name,)) == ()
    assert scan(model, ("timeit",)) == (found,)


def test_picklescan_is_heard(hostile, model, canary, monkeypatch):
    from gatekit.scanning.opinion import second_opinion

    pytest.importorskip("picklescan")
    monkeypatch.setattr(scan_module, "second_opinion", second_opinion)
    (model / "toy.json").write_bytes(hostile.pickles(canary)["protocol-4"])
    assert "toy.json: picklescan calls posix.system dangerous" in map(str, scan(model))
